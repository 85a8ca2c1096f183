#!/usr/bin/python
"""Check a host before its models are deployed there."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_preflight
short_description: Refuse a deployment that cannot work, before anything is changed
description:
  - Checks all variables of the project's roles on the controller, against the roles' argument
    specifications and the rules of TGI's launcher and of the gateway. Then it checks the host.
    One message lists all problems, a line each with the remedy.
  - On the host it checks the release, processor, memory, free disk, GPUs and driver, whether
    the models fit them, the ports and who listens on them, the clock, and the files that TGI
      reads without a word when they are missing. It only reads.
  - It resolves O(models) once a run. Deployed models keep the port and the GPUs that they have.
  - In a task it takes no options; the action of the same name builds them from the variables
    of the play.
author: tgi-ansible
extends_documentation_fragment: [tgi_host_request]
attributes:
  check_mode:
    support: full
    description: It only reads.
"""

EXAMPLES = r"""
- name: Check the inventory and the host
  tgi_preflight:
"""

RETURN = r"""
ansible_facts:
  description: Facts about the host that later roles read.
  returned: success
  type: dict
  contains:
    tgi_host:
      description: The host.
      type: dict
      contains:
        models:
          description:
            - The models of V(tgi_models) as the roles deploy them. C(environment) is not among
              the fields, because it may hold secrets.
          type: list
          elements: dict
          sample:
            - name: llama
              model_id: meta-llama/Llama-3.1-8B-Instruct
              revision: 0e9e39f249a16976918f6564b8830bc894c89659
              aliases: []
              port: 8081
              url: http://127.0.0.1:8081
              project: tgi-llama
              gpus: ["0"]
              num_shard: 1
              default: true
              options: {max_input_tokens: 7168}
        gpus:
          description:
            - GPUs in the order of their index. Empty when no model needs one and the toolkit
              will not be installed.
          type: list
          elements: dict
          sample:
            - {index: 0, uuid: GPU-5f1c, name: NVIDIA L4, memory_mib: 23034, compute_cap: "8.9"}
        driver_version:
          description: Version of the NVIDIA driver.
          type: str
          sample: 580.95.05
        cdi:
          description: Devices that CDI offers, if a model needs a GPU.
          type: list
          elements: str
          sample: [nvidia.com/gpu=0]
        deployed:
          description: Names of the models that have a Compose project.
          type: list
          elements: str
        gateway:
          description: Whether the gateway is installed.
          type: bool
        address:
          description: Source address of the host's connections to other hosts.
          type: str
          sample: 10.0.0.5
        addresses:
          description: The host's addresses that other hosts can reach.
          type: list
          elements: str
        published: {description: "Of the gateway in force, host:port by model@replica", type: dict}
        drained:
          description:
            - Of a gateway, the drained replicas. C(run) is true where a roll-out drained it, else a
              person; C(at) is in seconds since 1970.
          type: list
          elements: dict
          sample:
            - model: llama
              replica: gpu1
              by: anna@ctl1
              run: true
              why: replacing llama (image)
              at: 1795935840.0
        firewall_sources: {description: Sources that the firewall lets in, type: list}
        ports_closed:
          description: Whether firewall rules of the role close ports of the models.
          type: bool
        firewall_holds:
          description:
            - Whether the firewall is as a host without V(tgi_bind_address) needs it. The role then
              has nothing to do.
          type: bool
        comes_back:
          description: Whether the systemd units that start models after Docker are installed.
          type: bool
        checks_ready:
          description: Whether the host's Python has httpx and jsonschema, which the checks need.
          type: bool
warnings:
  description: Findings that do not prevent the deployment, a line each.
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
from ansible.module_utils.tgi.preflight.host_request import HostRequest
from ansible.module_utils.tgi.preflight.on_host import inspect_host

MODEL = {
    "variable": {"type": "str", "required": True},
    "entry": {"type": "dict", "required": True},
    "environment": {"type": "dict", "default": {}},
    "lacks_token": {"type": "bool", "default": False},
    "hints": {"type": "dict", "default": {}},
    "fetched": {"type": "bool", "default": False},
}
PORT = {
    "port": {"type": "int", "required": True},
    "variable": {"type": "str", "required": True},
}
ARGUMENTS = {
    "models": {"type": "list", "elements": "dict", "default": [], "options": MODEL},
    "deploys": {"type": "bool", "default": False},
    "gateway_ports": {"type": "list", "elements": "dict", "default": [], "options": PORT},
    "gateway_config": {"type": "str", "default": ""},
    "base_port": {"type": "int", "default": DEFAULT_BASE_PORT},
    "bind_address": {"type": "str", "default": ""},
    "egress": {"type": "str", "default": "open"},
    "egress_allowed": {"type": "list", "elements": "str", "default": []},
    "base_dir": {"type": "str", "default": BASE_DIR},
    "data_dir": {"type": "str", "default": DATA_DIR},
    "read_only_data": {"type": "str", "default": "offline"},
    "min_memory_gib": {"type": "float", "default": 0.0},
    "min_free_disk_gib": {"type": "float", "default": 0.0},
    "min_free_image_gib": {"type": "float", "default": 0.0},
    "image": {"type": "str", "default": ""},
    "docker_data_root": {"type": "str", "default": ""},
    "docker_pools": {"type": "list", "elements": "str", "default": []},
    "images_by_containerd": {"type": "bool", "default": False},
    "min_driver": {"type": "str", "default": "0"},
    "recommended_driver": {"type": "str", "default": ""},
    "driver_install": {"type": "bool", "default": False},
    "toolkit": {"type": "bool", "default": False},
}


def main() -> None:
    """Return the host's problems, facts and clock to the action of the same name."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    request = HostRequest.from_options(module.params)
    module.exit_json(changed=False, **inspect_host(request))


if __name__ == "__main__":
    main()
