#!/usr/bin/python
"""Keep the gateway's certificate from an ACME server."""

from __future__ import annotations

DOCUMENTATION = """
module: tgi_acme_certificate
short_description: Keep the gateway's certificate from an ACME server, by certbot
description:
  - Writes certbot's options and credentials into a directory of their own. The host's other
    certificates stay as they are.
  - Obtains a certificate if there is none for this name from this server; otherwise keeps it.
  - Runs a timer by which certbot renews it. certbot reloads nginx after each new certificate.
options:
  state:
    description:
      - V(present) keeps the certificate. V(absent) removes certbot's files, units and timer.
      - V(only) deletes the certificates of other names; use it after nginx serves this one.
    type: str
    choices: [present, only, absent]
    default: present
  server_name:
    description: DNS name of the certificate. Required unless O(state=absent).
    type: str
  tls:
    description: The role's C(gateway_tls) with C(source=acme), without the keys of O(secrets).
      C(directory_ca) is PEM text.
    type: dict
  secrets:
    description: Secret keys of C(gateway_tls), C(dns_credentials) and C(eab_hmac_key).
    type: dict
    default: {}
  units:
    description: Texts of systemd units by name; the module starts the timer.
    type: dict
    default: {}
  directory:
    description: certbot's configuration directory.
    type: path
    default: /etc/tgi-gateway/acme
  webroot:
    description: Directory from which nginx serves HTTP-01 challenges.
    type: path
    default: /var/lib/tgi-gateway/acme
author: tgi-ansible
"""

EXAMPLES = """
- name: Keep the certificate
  tgi_acme_certificate:
    server_name: llm.example.org
    tls: {directory: "https://acme.example.org/directory", agree_tos: true}
    units: {tgi-gateway-acme.timer: "{{ timer }}", tgi-gateway-acme.service: "{{ service }}"}

- name: Remove it all
  tgi_acme_certificate:
    state: absent
"""

RETURN = """
did:
  description: The actions, in words.
  type: list
  elements: str
  returned: always
"""

import shutil
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import in_words
from ansible.module_utils.tgi.common.files import drop_empty, read, write
from ansible.module_utils.tgi.common.places import GATEWAY_ACME, GATEWAY_STATE
from ansible.module_utils.tgi.gateway.acme.certbot import AcmeError, Run, forget, obtain
from ansible.module_utils.tgi.gateway.acme.certbot_files import (
    OPTIONAL,
    authenticator_of,
    wanted_files,
)
from ansible.module_utils.tgi.gateway.acme.lineage import (
    names_kept,
    renewal_options,
    why_obtain,
)

UNITS = Path("/etc/systemd/system")
TIMER = "tgi-gateway-acme.timer"
SERVICE = "tgi-gateway-acme.service"
STAMP = Path("/var/lib/systemd/timers") / f"stamp-{TIMER}"
NAMES = [TIMER, SERVICE]
OPTIONS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "only", "absent"], "default": "present"},
    "server_name": {"type": "str"},
    "tls": {"type": "dict"},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "units": {"type": "dict", "default": {}},
    "directory": {"type": "path", "default": GATEWAY_ACME},
    "webroot": {"type": "path", "default": f"{GATEWAY_STATE}/acme"},
}


def write_stale(root: Path, files: dict[str, tuple[str, int]], check_mode: bool) -> list[str]:
    """Write every file of ``root`` that differs; return their names."""
    stale = [
        name
        for name, (text, mode) in files.items()
        if read(root / name) != text or (root / name).stat().st_mode & 0o777 != mode
    ]
    if stale and not check_mode:
        root.mkdir(mode=0o755, parents=True, exist_ok=True)
        for name in stale:
            text, mode = files[name]
            write(root / name, text.encode(), mode)
    return stale


def runner(module: AnsibleModule) -> Run:
    """Return a function that runs certbot through the module, which logs no environment."""
    return lambda command, more: module.run_command(command, environ_update=more)


def forget_others(module: AnsibleModule, root: Path) -> list[str]:
    """Delete the certificates of all names but one; return the actions."""
    others = [name for name in names_kept(root) if name != module.params["server_name"]]
    for name in others if not module.check_mode else ():
        forget(runner(module), root, name)
    return [f"forget the certificate of {name}" for name in others]


def keep(module: AnsibleModule, root: Path) -> list[str]:
    """Write certbot's files, obtain a missing certificate, start the timer; return the actions."""
    params, did = module.params, []
    tls, name = {**params["tls"], **params["secrets"]}, params["server_name"]
    files = wanted_files(tls, root, params["webroot"])
    did += [f"write {one}" for one in write_stale(root, files, module.check_mode)]
    for one in OPTIONAL:
        if one not in files and (root / one).exists():
            did.append(f"remove {one}")
            if not module.check_mode:
                (root / one).unlink()
    reason = why_obtain(root, name, tls["directory"], authenticator_of(tls))
    if reason:
        did.append(f"obtain a certificate for {name}: {reason}")
        if not module.check_mode:
            obtain(runner(module), root, name, force=name in names_kept(root))
    path, before, after = renewal_options(root, name)
    if before != after:
        did.append(f"write how long before its end it is renewed ({path.name})")
        if not module.check_mode:
            write(path, after.encode(), 0o644)
    units = {unit: (text, 0o644) for unit, text in params["units"].items()}
    fresh = write_stale(UNITS, units, module.check_mode)
    did += [f"write {one}" for one in fresh]
    active = module.run_command(["systemctl", "is-active", "--quiet", TIMER])[0] == 0
    if fresh or not active:
        did += [] if active else ["start the timer that renews it"]
        if not module.check_mode:
            module.run_command(["systemctl", "daemon-reload"], check_rc=True)
            module.run_command(["systemctl", "enable", "--now", TIMER], check_rc=True)
            module.run_command(["systemctl", "restart", TIMER], check_rc=True)
    return did


def drop(module: AnsibleModule, root: Path) -> list[str]:
    """Remove timer, units, account and certificates; return the actions."""
    units = [UNITS / name for name in NAMES if (UNITS / name).exists()]
    did = [f"remove {path}" for path in [*units, *([root] if root.exists() else [])]]
    if did and not module.check_mode:
        module.run_command(["systemctl", "disable", "--now", TIMER])
        module.run_command(["systemctl", "stop", SERVICE])
        for file in [*units, STAMP]:
            file.unlink(missing_ok=True)
        module.run_command(["systemctl", "daemon-reload"], check_rc=True)
        module.run_command(["systemctl", "reset-failed", SERVICE])
        shutil.rmtree(root, ignore_errors=True)
        drop_empty(root.parent)
    return did


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        OPTIONS,
        required_if=[
            ("state", "present", ("server_name", "tls")),
            ("state", "only", ("server_name",)),
        ],
        supports_check_mode=True,
    )
    root = Path(module.params["directory"])
    work = {"present": keep, "only": forget_others, "absent": drop}[module.params["state"]]
    try:
        did = work(module, root)
    except (AcmeError, OSError) as error:
        module.fail_json(msg=in_words(error))
    module.exit_json(changed=bool(did), did=did)


if __name__ == "__main__":
    main()
