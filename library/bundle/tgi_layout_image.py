#!/usr/bin/python
"""Bring an image from an OCI layout into Docker, with its digest."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_layout_image
short_description: Bring an image from an OCI layout into Docker, with its digest
description:
  - Serves the layout read-only on loopback, as a registry, while Docker pulls by digest from it. No
    other way into Docker keeps the digest of a multi-platform image.
  - Where Docker leaves images to containerd (new installations of Docker 29), the image then has
    its own name. Docker's older store knows the digest only under a name on loopback, with the same
    digest.
author: tgi-ansible
options:
  state:
    description: V(named) only says under which name Docker has, or will have, the image.
    type: str
    choices: [present, named]
    default: present
  image:
    description: The pinned image, such as V(ghcr.io/org/image@sha256:…).
    type: str
    required: true
  layout:
    description: The OCI layout on the host.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: Says whether Docker has the image.
"""

EXAMPLES = r"""
- name: Bring TGI's image into Docker
  tgi_layout_image:
    image: ghcr.io/huggingface/text-generation-inference@sha256:…
    layout: /var/lib/tgi-bundle/images
  register: image
"""

RETURN = r"""
name:
  description: Under which name Docker has the image.
  returned: success
  type: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.bundle.bundle_form import BundleError
from ansible.module_utils.tgi.bundle.use.layout_image import has, name_in_docker, place
from ansible.module_utils.tgi.common.commands import CommandOutput, run

#: Seconds for one command: a slow disk takes long to unpack 30 GB
_LONGEST = 7200


def run_docker(command: list[str]) -> CommandOutput:
    """Run a command of Docker."""
    return run(command, _LONGEST)


def main() -> None:
    """Say under which name Docker has the image, and bring it."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "named"], "default": "present"},
            "image": {"type": "str", "required": True},
            "layout": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    image, layout = module.params["image"], Path(module.params["layout"])
    if module.params["state"] == "named":
        module.exit_json(changed=False, name=name_in_docker(image, run_docker))
    try:
        if module.check_mode:
            changed = not has(image, run_docker)
        else:
            changed = place(image, layout, run_docker)
    except BundleError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=changed, name=image)


if __name__ == "__main__":
    main()
