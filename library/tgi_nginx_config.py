#!/usr/bin/python
"""Put one nginx configuration in force, or leave the old one."""

from __future__ import annotations

DOCUMENTATION = """
module: tgi_nginx_config
short_description: Put one nginx configuration in force, proven, or leave the old one
description:
  - Writes all files of a configuration into a directory that is named after a digest of their
    contents, and lets nginx test it there.
  - Makes nginx's main file a link to it in one step, reloads nginx, and checks over a status
    server that nginx serves the new version.
  - If any step fails, restores the old configuration, which nginx continues to serve. The message
    has the reason.
  - Also reports a change if the files are right, but nginx does not serve them (it is stopped, or
    a reload failed). Starts nginx when it does not run, and never restarts it.
  - Makes C(/var/lib/tgi-gateway/drain) and C(/var/lib/tgi-gateway/acme). Where needrestart is
    installed, stops it from restarting nginx.
  - In public files the words @GATEWAY_DIR@ and @GATEWAY_VERSION@ become the directory and the
    version. One file must be named nginx.conf and must answer C(GET /config-version) on
    127.0.0.1 with the version.
options:
  state:
    description: V(present) puts the configuration in force, V(absent) restores the replaced one.
    type: str
    choices: [present, absent]
    default: present
  files:
    description: Contents of public files by name (mode 0644). Required when O(state=present).
    type: dict
  secret_files:
    description: Contents of secret files by name (mode 0600); never logged or shown in a diff.
    type: dict
  status_port:
    description: Port on 127.0.0.1 of the status server.
    type: int
    default: 8079
  directory:
    description: Directory of the versions and of the replaced files.
    type: path
    default: /etc/nginx/tgi-gateway
  main:
    description: nginx's main file.
    type: path
    default: /etc/nginx/nginx.conf
  logs:
    description: The configuration's logs; the first has nginx's reason when a reload fails.
    type: list
    elements: path
    default: [/var/log/nginx/tgi-gateway-error.log, /var/log/nginx/tgi-gateway-access.log]
  patience:
    description: Seconds within which nginx must serve the new version.
    type: int
    default: 10
  other_sites:
    description:
      - What to do with an nginx that serves other sites. V(refuse) refuses such an nginx,
        V(replace) stops serving them (their files stay), V(include) includes them in place of
        @GATEWAY_OTHERS@ in nginx.conf, and refuses sites that use the gateway's name.
    type: str
    choices: [refuse, replace, include]
    default: refuse
  drop_in:
    description:
      - Text of the drop-in that confines nginx's unit; empty removes it. It takes effect when nginx
        starts the next time.
    type: str
    default: ""
  rotation:
    description:
      - Texts of C(tgi-gateway-logs.conf) for logrotate, and of C(tgi-gateway-logs.service) and
        C(tgi-gateway-logs.timer), which rotate the logs when they are large. Starts the timer.
    type: dict
    default: {}
author: tgi-ansible
"""

EXAMPLES = """
- name: Serve a configuration
  tgi_nginx_config:
    files:
      nginx.conf: "{{ lookup('ansible.builtin.template', 'nginx.conf.j2') }}"
    secret_files:
      tls.key: "{{ lookup('ansible.builtin.file', '/pki/llm.example.org.key') }}\\n"

- name: Restore the previous configuration
  tgi_nginx_config:
    state: absent
"""

RETURN = """
version:
  description: Digest of the configuration in force.
  type: str
  returned: when O(state=present)
did:
  description: The actions, in words.
  type: list
  elements: str
  returned: always
packages:
  description: Packages installed for the gateway, listed in the file C(packages) of O(directory).
  type: list
  elements: str
  returned: when O(state=absent)
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import in_words
from ansible.module_utils.tgi.common.places import GATEWAY_CONFIGURATION
from ansible.module_utils.tgi.gateway.nginx.apply import gateway
from ansible.module_utils.tgi.gateway.nginx.other_sites import with_others
from ansible.module_utils.tgi.gateway.nginx.outcome import ApplyError
from ansible.module_utils.tgi.gateway.nginx.release import MAIN, Release

LOGS = ["/var/log/nginx/tgi-gateway-error.log", "/var/log/nginx/tgi-gateway-access.log"]
OPTIONS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "files": {"type": "dict"},
    "secret_files": {"type": "dict", "no_log": True},
    "status_port": {"type": "int", "default": 8079},
    "directory": {"type": "path", "default": GATEWAY_CONFIGURATION},
    "main": {"type": "path", "default": "/etc/nginx/nginx.conf"},
    "logs": {"type": "list", "elements": "path", "default": LOGS},
    "patience": {"type": "int", "default": 10},
    "other_sites": {
        "type": "str",
        "choices": ["refuse", "replace", "include"],
        "default": "refuse",
    },
    "drop_in": {"type": "str", "default": ""},
    "rotation": {"type": "dict", "default": {}},
}


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        OPTIONS,
        required_if=[("state", "present", ("files",))],
        supports_check_mode=True,
        # The files would fill the system's log at every run
        no_log=True,
    )
    params = module.params
    work = gateway(module.run_command, params, module.check_mode)
    extra: dict[str, Any] = {}
    try:
        if params["state"] == "absent":
            outcome, extra["packages"] = work.withdraw()
        else:
            files, sites = params["files"], params["other_sites"]
            if sites == "include":
                # Before the digest, so that another site makes another version
                others = [path for path in work.others() if path != work.link.path]
                files = {**files, MAIN: with_others(files[MAIN], others)}
            directory = Path(params["directory"])
            release = Release(directory, files, params["secret_files"] or {})
            extra["version"] = release.version
            outcome = work.put_in_force(release, sites)
    except (ApplyError, OSError, ValueError) as error:
        module.fail_json(msg=in_words(error))
    for warning in outcome.warnings:
        module.warn(warning)
    if module._diff:
        extra["diff"] = outcome.diff
    module.exit_json(changed=outcome.changed, did=outcome.did, **extra)


if __name__ == "__main__":
    main()
