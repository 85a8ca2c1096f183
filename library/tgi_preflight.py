#!/usr/bin/python
"""Look at a host and tell what keeps its models from being deployed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_preflight
short_description: Refuse a deployment that cannot work, before anything is changed
description:
  - Judges all variables of the project's roles on the controller, by the roles' argument
    specifications and by the rules of TGI's launcher and of the gateway, and then the host;
    all problems end in one message, a line each with what to write or do instead.
  - On the host it looks at the release, processor, memory, free disk, GPUs and driver, whether
    the models can fit them, the ports and who listens on them, and the clock. It reads only.
  - In a task it takes no options; the action of the same name works them out from the
    variables of the play.
author: tgi-ansible
options:
  models:
    description: What the host shall run.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The model's name.
        type: str
        required: true
      port:
        description: Where it will listen.
        type: int
        required: true
      variable:
        description: Path of the variable that sets the port.
        type: str
        required: true
      gpus:
        description: Indices or UUIDs of its GPUs; none for the CPU.
        type: list
        elements: str
        default: []
      named:
        description: What the user chose; a deployed model keeps what it has of the rest.
        type: list
        elements: str
        choices: [port, gpus]
        default: []
      plan:
        description: What decides about the memory it takes; without it that is not judged.
        type: dict
  base_port:
    description: Port of the first model that neither has nor names one.
    type: int
    default: 8081
  gateway_ports:
    description: Where the gateway will listen.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: The port.
        type: int
        required: true
      variable:
        description: The variable that sets it.
        type: str
        required: true
  gateway_config:
    description: Path that exists where the gateway's configuration is in place.
    type: str
    default: ''
  bind_address:
    description: Address the models will listen on besides loopback.
    type: str
    default: ''
  base_dir:
    description: Directory of the models' Compose projects.
    type: str
    default: /opt/tgi
  data_dir:
    description: Directory that keeps the models.
    type: str
    default: /var/lib/tgi
  min_memory_gib:
    description: Least memory, in GiB.
    type: float
    default: 0
  min_free_disk_gib:
    description: Least free space for O(data_dir), in GiB, while a model is not deployed yet.
    type: float
    default: 0
  min_driver:
    description: Oldest NVIDIA driver that will do, where a model wants a GPU.
    type: str
    default: '0'
  recommended_driver:
    description: Driver that the image's CUDA was made with; an older one is told as a warning.
    type: str
    default: ''
  driver_install:
    description: Whether the driver will be installed where there is none.
    type: bool
    default: false
  toolkit:
    description: Whether NVIDIA's container toolkit will be installed, which needs a GPU.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: It only reads.
"""

EXAMPLES = r"""
- name: Refuse what cannot work before anything is changed
  tgi_preflight:
"""

RETURN = r"""
ansible_facts:
  description: What later roles know about the host without looking again.
  returned: when the host could be looked at
  type: dict
  contains:
    tgi_host:
      description: The host.
      type: dict
      contains:
        gpus:
          description:
            - GPUs in the order of their index; empty when no model wants one and the toolkit
              is not asked for.
          type: list
          elements: dict
          sample:
            - {index: 0, uuid: GPU-5f1c, name: NVIDIA L4, memory_mib: 23034, compute_cap: "8.9"}
        driver_version:
          description: Version of the NVIDIA driver.
          type: str
          sample: 580.95.05
        cdi:
          description: Devices that CDI offers, where a model wants a GPU.
          type: list
          elements: str
          sample: [nvidia.com/gpu=0]
        deployed:
          description: Names of the models that have a Compose project.
          type: list
          elements: str
        kept:
          description: Port and GPUs of each of them, by name.
          type: dict
          sample: {llama: {port: 8081, gpus: ["0"]}}
        gateway:
          description: Whether the gateway's configuration is in place.
          type: bool
        address:
          description: The address its connections to far hosts come from.
          type: str
          sample: 10.0.0.5
        addresses:
          description: All its addresses that others can reach.
          type: list
          elements: str
        fence:
          description: Whether a fence is before the models' ports.
          type: bool
        comes_back:
          description: Whether the units that bring models back when Docker starts are in place.
          type: bool
        httpx:
          description: Whether the host's Python has httpx and jsonschema, which the checks need.
          type: bool
warnings:
  description: What does not keep the models from being deployed but should be known, a line each.
  returned: when there is any
  type: list
  elements: str
msg:
  description: All problems, a line each.
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.places import BASE_DIR, DATA_DIR, DEFAULT_BASE_PORT
from ansible.module_utils.tgi.preflight.on_host import inspect_host


def main() -> None:
    """Give the host's problems, facts and clock to the action of the same name."""
    port = {
        "port": {"type": "int", "required": True},
        "variable": {"type": "str", "required": True},
    }
    model = {
        "name": {"type": "str", "required": True},
        "gpus": {"type": "list", "elements": "str", "default": []},
        "named": {"type": "list", "elements": "str", "choices": ["port", "gpus"], "default": []},
        "plan": {"type": "dict"},
        **port,
    }
    module = AnsibleModule(
        argument_spec={
            "models": {"type": "list", "elements": "dict", "default": [], "options": model},
            "gateway_ports": {"type": "list", "elements": "dict", "default": [], "options": port},
            "gateway_config": {"type": "str", "default": ""},
            "base_port": {"type": "int", "default": DEFAULT_BASE_PORT},
            "bind_address": {"type": "str", "default": ""},
            "base_dir": {"type": "str", "default": BASE_DIR},
            "data_dir": {"type": "str", "default": DATA_DIR},
            "min_memory_gib": {"type": "float", "default": 0.0},
            "min_free_disk_gib": {"type": "float", "default": 0.0},
            "min_driver": {"type": "str", "default": "0"},
            "recommended_driver": {"type": "str", "default": ""},
            "driver_install": {"type": "bool", "default": False},
            "toolkit": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, **inspect_host(module.params))


if __name__ == "__main__":
    main()
