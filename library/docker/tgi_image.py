#!/usr/bin/python
"""Ask a registry for the digest of an image's tag."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_image
short_description: Resolve an image's tag to its digest
description:
  - Asks the registry, without Docker, and computes the digest from the bytes that came.
  - Run it on the controller. It uses the proxy of its environment (E(HTTPS_PROXY), E(NO_PROXY)).
requirements: [httpx]
author: tgi-ansible
options:
  image:
    description: Name and tag, such as V(ghcr.io/huggingface/text-generation-inference:3.3.7).
    type: str
    required: true
  platform:
    description: System and processor of the hosts.
    type: str
    default: linux/amd64
  ca_file:
    description:
      - PEM file with the only CA to accept, for a registry of your own or a proxy that opens TLS.
        Without it the system's store counts.
    type: path
  timeout:
    description: Seconds for one request.
    type: float
    default: 30.0
attributes:
  check_mode:
    support: full
    description: The module only reads.
"""

EXAMPLES = r"""
- name: Find out the digest of a release
  tgi_image:
    image: ghcr.io/huggingface/text-generation-inference:3.3.7
  delegate_to: localhost
  register: image

- name: Show the line for the inventory
  ansible.builtin.debug:
    msg: "tgi_image: {{ image.pinned }}"
"""

RETURN = r"""
digest:
  description: What the tag stands for now.
  returned: success
  type: str
  sample: sha256:…
pinned:
  description: Name and digest, the value of V(tgi_image).
  returned: success
  type: str
  sample: ghcr.io/huggingface/text-generation-inference@sha256:…
kind:
  description: V(index) for a list of images, one for each platform, or V(image) for one image.
  returned: success
  type: str
platforms:
  description: Digest of the image of each platform.
  returned: success
  type: dict
  sample: {linux/amd64: sha256:…}
bytes:
  description: Size of the layers to pull.
  returned: success
  type: int
created:
  description: When it was built.
  returned: success
  type: str
revision:
  description: Commit of the sources, if the image names it.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.tgi.client.registry_image import (
    HTTPX_ERROR,
    RegistryError,
    look_up,
    read_name,
)


def main() -> None:
    """Return what the registry says, or fail with its reason and the remedy."""
    module = AnsibleModule(
        argument_spec={
            "image": {"type": "str", "required": True},
            "platform": {"type": "str", "default": "linux/amd64"},
            "ca_file": {"type": "path"},
            "timeout": {"type": "float", "default": 30.0},
        },
        supports_check_mode=True,
    )
    if HTTPX_ERROR:
        module.fail_json(msg=missing_required_lib("httpx"), exception=HTTPX_ERROR)
    given = module.params
    try:
        name = read_name(given["image"])
        found = look_up(name, given["platform"], given["ca_file"] or "", given["timeout"])
    except RegistryError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"ca_file {given['ca_file']} is no file of certificates ({error})")
    pinned = f"{name.name}@{found.digest}"
    module.exit_json(changed=False, pinned=pinned, **found._asdict())


if __name__ == "__main__":
    main()
