#!/usr/bin/python
"""Return the nginx of a host, and which parts of a gateway exist there."""

from __future__ import annotations

DOCUMENTATION = """
module: tgi_nginx_info
short_description: Return the nginx of a host, and which parts of a gateway exist there
description:
  - Reads the versions of nginx, njs and OpenSSL, the source of the packages, and whether a
    gateway and its ACME certificates exist. Changes nothing.
  - Fails if nginx serves sites that are not ours and O(other_sites=refuse), so that the role
    adds nothing to such an nginx.
options:
  njs_module:
    description: Path of njs's module for nginx.
    type: path
    default: /usr/lib/nginx/modules/ngx_http_js_module.so
  oldest:
    description: The version to return when nginx is not installed.
    type: str
    default: "1.22.0"
  source:
    description: The source to return as C(layout) when nginx is not installed.
    type: str
    choices: [distro, nginx_org]
    default: distro
  acme_packages:
    description: Packages that an ACME certificate needs.
    type: list
    elements: str
    default: [certbot]
  other_sites:
    description: What the gateway does with sites that are not ours; see M(tgi_nginx_config).
    type: str
    choices: [refuse, replace, include]
    default: replace
attributes:
  check_mode:
    support: full
    description: The module only reads.
author: tgi-ansible
"""

EXAMPLES = """
- name: Read which nginx this host has
  tgi_nginx_info:
  register: nginx
"""

RETURN = """
nginx:
  description: Version of nginx.
  type: str
  returned: success
openssl:
  description: Version of OpenSSL that nginx runs with.
  type: str
  returned: success
njs:
  description: Version of njs, empty if unknown.
  type: str
  returned: success
layout:
  description: Source of the nginx package, C(distro) or C(nginx_org).
  type: str
  returned: success
present:
  description: Whether nginx is installed.
  type: bool
  returned: success
installed:
  description: Whether nginx and njs are installed.
  type: bool
  returned: success
ipv6:
  description: Whether the host has IPv6.
  type: bool
  returned: success
ours:
  description: Whether a gateway is in force.
  type: bool
  returned: success
acme:
  description: Whether certbot's files for the gateway exist.
  type: bool
  returned: success
certificates:
  description: Names of certbot's certificates for the gateway.
  type: list
  elements: str
  returned: success
certbot:
  description: Whether all of O(acme_packages) are installed.
  type: bool
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.gateway.nginx.apply import refuse_other_sites
from ansible.module_utils.tgi.gateway.nginx.installed import inspect_nginx
from ansible.module_utils.tgi.gateway.nginx.outcome import ApplyError

NJS = "/usr/lib/nginx/modules/ngx_http_js_module.so"
OPTIONS: dict[str, Any] = {
    "njs_module": {"type": "path", "default": NJS},
    "oldest": {"type": "str", "default": "1.22.0"},
    "source": {"type": "str", "choices": ["distro", "nginx_org"], "default": "distro"},
    "acme_packages": {"type": "list", "elements": "str", "default": ["certbot"]},
    "other_sites": {
        "type": "str",
        "choices": ["refuse", "replace", "include"],
        "default": "replace",
    },
}


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(OPTIONS, supports_check_mode=True)
    params = dict(module.params)
    sites = params.pop("other_sites")
    found = inspect_nginx(module.run_command, **params)
    # Where a gateway is in force, tgi_nginx_config checks the other sites
    if found["present"] and not found["ours"]:
        try:
            refuse_other_sites(module.run_command, sites)
        except ApplyError as error:
            module.fail_json(msg=str(error))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
