#!/usr/bin/python
"""Ansible module: merge settings into Docker's daemon.json and say how they take effect."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon_config
short_description: Merge settings into Docker's daemon.json
description:
  - Merges settings into the file that is there, so that what others put in it stays.
  - Refuses a broken file, and settings with which the daemon would not start, including those
    that C(dockerd --validate) accepts. While containers run, a second daemon without a network
    tries settings that need a restart.
  - The file before is kept beside it with the suffix C(.before-tgi-ansible); while a change is
    yet to be applied, the one before that change.
  - Says whether a reload is enough or a restart is needed.
  - Keeps the authorities of private registries beside it (C(certs.d)), which need neither.
options:
  path:
    description: The file.
    type: path
    default: /etc/docker/daemon.json
  settings:
    description: Settings to merge in. Nested objects are merged key by key; a null removes a key.
    type: dict
    required: true
  defaults:
    description:
      - Settings for a file that has none of these keys, together; else none of them. They follow
        what is asked here later on, if the file had none of them when it was first changed.
    type: dict
    default: {}
  fresh:
    description: Settings, each for a file without it, and only while the engine has no container.
    type: dict
    default: {}
  own:
    description:
      - The part of O(settings) that goes, with O(proxies), when it is asked for no more, unless
        somebody set another value since.
    type: dict
    default: {}
  authorities:
    description:
      - Certificates by registry (C(host) or C(host:port)), as PEM text or a path on the host.
        Those written here before for others are removed.
    type: dict
    default: {}
extends_documentation_fragment: [docker_daemon]
attributes:
  check_mode:
    support: full
    description: Validates, writes nothing.
  diff_mode:
    support: full
    description: Shows the file before and after.
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Keep containers alive while the daemon restarts
  docker_daemon_config:
    settings: {live-restore: true}
"""

RETURN = r"""
changed_keys:
  description: Top-level keys whose value changed, now or since the daemon last read the file.
  returned: success
  type: list
  elements: str
restart_required:
  description: Whether some of them take effect with a restart only.
  returned: success
  type: bool
backup:
  description: The file before the change; empty if the change made the file.
  returned: success
  type: str
authorities:
  description: Files of authorities that were, or would be, written or removed.
  returned: success
  type: list
  elements: str
running:
  description: Whether a daemon runs, to which the change has yet to be applied.
  returned: when something changed
  type: bool
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.docker.containers import shims
from ansible.module_utils.tgi.docker.daemon_files import (
    backup_of,
    original_of,
    pending,
    replace,
    write_authorities,
)
from ansible.module_utils.tgi.docker.daemon_info import DockerDaemon
from ansible.module_utils.tgi.docker.daemon_json import (
    NETWORK,
    PROXIES,
    RELOADABLE,
    DaemonConfigError,
    bound_keys,
    changed_keys,
    compose,
    has_secret,
    masked,
    overlay,
    parse,
    proxies,
    render,
)
from ansible.module_utils.tgi.docker.daemon_record import read_own, without_dropped, write_own
from ansible.module_utils.tgi.docker.daemon_rules import (
    refuse_absent_runtimes,
    refuse_overlooked,
    wants_plugins,
)
from ansible.module_utils.tgi.docker.registry_certificates import CertificateRefusedError, plan
from ansible.module_utils.tgi.docker.trial_start import objection


def own_settings(params: dict[str, Any]) -> dict[str, Any]:
    return dict(overlay(proxies(**params["proxies"]), params["own"]))


def judge(
    module: AnsibleModule, engine: DockerDaemon, path: Path, before: dict[str, Any]
) -> dict[str, Any]:
    """The settings as they shall be. Raises DaemonConfigError."""
    params, original = module.params, original_of(path)
    settings = overlay(proxies(**params["proxies"]), params["settings"])
    base = without_dropped(before, original, read_own(path), own_settings(params))
    fresh = {name: value for name, value in params["fresh"].items() if name not in before}
    if fresh and not engine.containers(stopped=True):
        settings = overlay(fresh, settings)
    after: dict[str, Any] = compose(base, original, settings, params["defaults"])
    refuse_overlooked(after, engine.plugins() if wants_plugins(after) else ())
    refuse_absent_runtimes(after, settings)
    return after


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "settings": {"type": "dict", "required": True},
            "defaults": {"type": "dict", "default": {}},
            "proxies": PROXIES,
            "authorities": {"type": "dict", "default": {}},
            "fresh": {"type": "dict", "default": {}},
            "own": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    engine = DockerDaemon(module.run_command, module.get_bin_path, shims)
    path = Path(module.params["path"]).resolve()
    text = path.read_text() if path.exists() else ""
    certificates = Path(module.params["path"]).parent / "certs.d"
    try:
        before = parse(text, str(path))
        after = judge(module, engine, path, before)
        authorities = plan(certificates, module.params["authorities"])
    except (DaemonConfigError, CertificateRefusedError) as error:
        module.fail_json(msg=str(error))
    systemctl = module.get_bin_path("systemctl")
    waiting = pending(module.run_command, systemctl, path, before) if systemctl else []
    changes = changed_keys(before, after)
    keys, secret = sorted({*changes, *waiting}), has_secret(after)
    exposed = secret and path.exists() and bool(path.stat().st_mode & 0o077)
    if keys:
        wanted = render(after)
        hidden = engine.hides_containers(bound_keys(before, after))
        if hidden:
            module.fail_json(msg=hidden)
        words = engine.objection(wanted)
        dockerd = module.get_bin_path("dockerd")
        restart = not module.check_mode and bool(set(changes) - RELOADABLE)
        if restart and dockerd and not words and engine.containers(stopped=False):
            words = objection(dockerd, before, after)
        if words:
            module.fail_json(msg=f"dockerd refuses the settings, nothing was changed: {words}")
        later = engine.waits_for_containers(NETWORK.intersection(changes))
        if later:
            module.warn(later)
    if not module.check_mode:
        if changes:
            replace(path, wanted, bool(waiting), secret, module.atomic_move)
        elif exposed:
            path.chmod(0o600)
        write_own(path, own_settings(module.params), bool(changes))
        write_authorities(authorities)
    backup = backup_of(path)
    module.exit_json(
        changed=bool(keys or authorities or exposed),
        changed_keys=keys,
        restart_required=bool(set(keys) - RELOADABLE),
        authorities=[str(file) for file in authorities],
        backup=str(backup) if backup.exists() else "",
        **({"running": engine.running()} if keys else {}),
        diff={
            "before_header": str(path),
            "after_header": str(path),
            "before": render(masked(before)) if before else "",
            "after": render(masked(after)),
        },
    )


if __name__ == "__main__":
    main()
