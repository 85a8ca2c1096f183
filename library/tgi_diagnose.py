#!/usr/bin/python
"""Look at one side of a deployment, and give what was seen as plain data."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_diagnose
short_description: See a deployment as a client, on the gateway, or on a GPU host
description:
  - Looks at one side of the way from a client to a model and returns what it saw. It judges
    nothing and never fails over what it sees; M(tgi_diagnose_verdict) takes the observations of
    all sides and names the innermost broken link. C(playbooks/diagnose.yml) asks in the right
    order.
  - V(client) runs on the controller. It resolves the name, connects, shakes hands by TLS, asks for
    the list of models with a key, and asks each model for a short chat, a stream and a tool call;
    what comes after a broken link is not tried.
  - V(gateway) runs on the gateway's host. It looks at nginx, at the configuration that is served
    and the one on the disk, at the listening ports, the error log, and asks each replica for a
    token.
  - V(gpu) runs on a GPU host. It looks at Docker, at each model's container and log, its port,
    C(/health), one generation, at the fence, driver and GPUs.
  - Both hosts also tell of disks, memory, the kernel's log and the clock.
  - The action plugin of the same name adds how far the clocks are apart, and turns a host that
    cannot be reached, or become root on, into an observation too.
version_added: "0.1.0"
author: tgi-ansible (@tgi-ansible)
requirements:
  - "httpx >= 0.22 for V(client), and for most requests of V(gpu) (Debian: python3-httpx)"
attributes:
  check_mode:
    description: Runs in full, because it only reads.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  side:
    description: What to look at.
    type: str
    choices: [client, gateway, gpu]
    required: true
  host:
    description: How the verdict calls the host; the action plugin sets the inventory name.
    type: str
  url:
    description: The endpoint, V(https://name) with a port where it is not 443 (V(client)).
    type: str
  connect_to:
    description: Address to connect to instead of resolving the name in O(url).
    type: str
    default: ""
  ca_file: {type: path, description: PEM file with the only CA to accept instead of the system's.}
  client_certificate: {type: path, description: PEM file with a client's certificate and its key.}
  api_key:
    description: Key of the checks' consumer. Never shown. Without one only TLS is looked at.
    type: str
    default: ""
  tier:
    description: Limits declared for that consumer, which are kept to.
    type: dict
    default: {}
    suboptions:
      requests_per_second: {type: float, description: Pace., default: 0.0}
      burst: {type: int, description: What may come at once on top., default: 0}
      concurrent: {type: int, description: Generations at one time; 0 is any., default: 0}
  models:
    description: Names to ask for (V(client)), or entries of C(tgi_models) (V(gpu)).
    type: list
    elements: raw
    default: []
  without_chat:
    description: Names of models without a chat template.
    type: list
    elements: str
    default: []
  tools:
    description: Whether to ask for a forced tool call too.
    type: bool
    default: true
  timeout:
    description: Seconds for one request.
    type: float
    default: 30.0
  ports:
    description: Where nginx must listen (V(gateway)).
    type: list
    elements: int
    default: [443]
  base_port:
    description: Port of the first model that names none (V(gpu)).
    type: int
    default: 8081
  bind_address:
    description: Address the models listen on besides loopback (V(gpu)).
    type: str
    default: ""
  base_dir:
    description: Directory of the models' Compose projects (V(gpu)).
    type: str
    default: /opt/tgi
  data_dir:
    description: Directory that keeps the models (V(gpu)).
    type: str
    default: /var/lib/tgi
  min_driver:
    description: Oldest NVIDIA driver that will do (V(gpu)).
    type: str
    default: "0"
  timeouts:
    description: Seconds that each phase of a start may take (V(gpu)).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: See the endpoint as a client
  tgi_diagnose:
    side: client
    url: https://llm.example.org
    api_key: "{{ vault_checks_key }}"
    models: [llama-3.1-8b]
  delegate_to: localhost
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  register: outside

- name: See the GPU host
  tgi_diagnose:
    side: gpu
    models: "{{ tgi_models }}"
  register: inside
"""

RETURN = r"""
seen:
  description:
    - The observation. What could not be seen is missing, and is judged as not reached.
    - C(unreachable) or C(blind) instead of all else says why the host could not be looked at.
  returned: always
  type: dict
  sample:
    host: gw1
    server: llm.example.org
    port: 443
    name: {addresses: [192.0.2.10], problem: ""}
    connect: {state: refused, address: 192.0.2.10, detail: Connection refused, ms: 1}
    models: [{name: llama-3.1-8b}]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import Tier
from ansible.module_utils.tgi.client import http_client
from ansible.module_utils.tgi.common.places import BASE_DIR, DATA_DIR, DEFAULT_BASE_PORT
from ansible.module_utils.tgi.diagnose.look.from_client import Outside, look_from_outside
from ansible.module_utils.tgi.diagnose.look.on_gateway import Places, look_at_gateway
from ansible.module_utils.tgi.diagnose.look.on_gpu_host import Inside, look_at_gpu_host

ARGUMENTS: dict[str, Any] = {
    "side": {"type": "str", "choices": ["client", "gateway", "gpu"], "required": True},
    "host": {"type": "str"},
    "url": {"type": "str"},
    "connect_to": {"type": "str", "default": ""},
    "ca_file": {"type": "path"},
    "client_certificate": {"type": "path"},
    "api_key": {"type": "str", "no_log": True, "default": ""},
    "tier": {
        "type": "dict",
        "default": {},
        "options": {
            "requests_per_second": {"type": "float", "default": 0.0},
            "burst": {"type": "int", "default": 0},
            "concurrent": {"type": "int", "default": 0},
        },
    },
    "models": {"type": "list", "elements": "raw", "default": []},
    "without_chat": {"type": "list", "elements": "str", "default": []},
    "tools": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 30.0},
    "ports": {"type": "list", "elements": "int", "default": [443]},
    "base_port": {"type": "int", "default": DEFAULT_BASE_PORT},
    "bind_address": {"type": "str", "default": ""},
    "base_dir": {"type": "str", "default": BASE_DIR},
    "data_dir": {"type": "str", "default": DATA_DIR},
    "min_driver": {"type": "str", "default": "0"},
    "timeouts": {"type": "dict", "default": {}},
}


def from_outside(params: dict[str, Any], host: str) -> Any:
    """As a client."""
    tier = params["tier"]
    url, ca, key = (params[name] or "" for name in ("url", "ca_file", "api_key"))
    target = http_client.Target(url, ca, key, params["timeout"], params["client_certificate"] or "")
    names = [str(name) for name in params["models"]]
    return look_from_outside(
        Outside(
            host,
            target,
            params["connect_to"],
            [{"name": name, "chat": name not in params["without_chat"]} for name in names],
            Tier(
                tier.get("requests_per_second") or 0.0,
                tier.get("burst") or 0,
                tier.get("concurrent") or 0,
            ),
            params["tools"],
        )
    )


def on_gpu_host(params: dict[str, Any], host: str) -> Any:
    """On the host of the models."""
    return look_at_gpu_host(
        Inside(
            host,
            params["models"],
            params["base_port"],
            params["bind_address"],
            params["base_dir"],
            params["data_dir"],
            params["min_driver"],
            params["timeouts"],
            params["without_chat"],
            params["tools"],
            params["timeout"],
        )
    )


def main() -> None:
    """Look, and give what was seen."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        required_if=[("side", "client", ("url",))],
        supports_check_mode=True,
    )
    params, host = module.params, module.params["host"] or "localhost"
    if params["side"] == "client" and http_client.HTTPX_ERROR:
        module.fail_json(msg=missing_required_lib("httpx", "here (Debian: python3-httpx)"))
    if params["side"] == "client":
        seen = from_outside(params, host)
    elif params["side"] == "gateway":
        seen = look_at_gateway(host, Places(tuple(params["ports"])))
    else:
        seen = on_gpu_host(params, host)
    module.exit_json(changed=False, seen=seen)


if __name__ == "__main__":
    main()
