#!/usr/bin/python
"""Merge settings into Docker's daemon.json."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon_config
short_description: Merge settings into Docker's daemon.json
description:
  - Merges settings into the existing file. Settings that are not ours stay.
  - Refuses a broken file and settings with which the daemon would not start, also those that
    C(dockerd --validate) accepts. While containers run, the module first tries settings that need
    a restart in a second daemon without a network.
  - Keeps a copy of the file with the suffix C(.before-tgi-ansible). The copy is the file that the
    daemon last read.
  - Returns whether a reload is enough or a restart is needed.
  - Writes the certificates of private registries to C(certs.d), which needs neither.
options:
  path:
    description: Path of daemon.json.
    type: path
    default: /etc/docker/daemon.json
  settings:
    description: Settings to merge in. Nested objects are merged key by key; a null removes a key.
    type: dict
    required: true
  secrets:
    description: More settings to merge in, with passwords or tokens, which are never shown.
    type: dict
    default: {}
  defaults:
    description:
      - Applied only if the file has none of these keys. If it had none when this module first
        changed it, later values of this option are applied too.
    type: dict
    default: {}
  fresh:
    description: Each is applied only if the file lacks it and the engine has no container.
    type: dict
    default: {}
  own:
    description:
      - The part of O(settings) that is removed, with O(proxies), when a later run does not list it.
        A value that was changed by hand since then stays.
    type: dict
    default: {}
  authorities:
    description:
      - CA certificates by registry (C(host) or C(host:port)), as PEM text or a path on the host.
        Certificates that this module wrote for other registries are removed.
    type: dict
    default: {}
extends_documentation_fragment: [docker_daemon]
attributes:
  check_mode:
    support: full
    description: Checks the settings and writes nothing.
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
  description: Top-level keys whose value changed since the daemon last read the file.
  returned: success
  type: list
  elements: str
restart_required:
  description: Whether one of them needs a restart of the daemon.
  returned: success
  type: bool
backup:
  description: Path of the copy from before the change; empty if there was no file.
  returned: success
  type: str
authorities:
  description: Certificate files that were, or would be, written or removed.
  returned: success
  type: list
  elements: str
running:
  description: Whether a daemon runs that must still reload or restart.
  returned: when something changed
  type: bool
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import failing_in_words
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
    refuse_flags,
    refuse_overlooked,
    wants_plugins,
)
from ansible.module_utils.tgi.docker.registry_certificates import CertificateRefusedError, plan
from ansible.module_utils.tgi.docker.trial_start import objection


def own_settings(params: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that go when a later run does not list them."""
    return overlay(proxies(**params["proxies"]), params["own"])


def settings_after(
    module: AnsibleModule, engine: DockerDaemon, path: Path, before: dict[str, Any]
) -> dict[str, Any]:
    """Return the content of the new file. Raises DaemonConfigError."""
    params, original = module.params, original_of(path)
    settings = overlay(params["settings"], params["secrets"])
    settings = overlay(proxies(**params["proxies"]), settings)
    base = without_dropped(before, original, read_own(path), own_settings(params))
    fresh = {name: value for name, value in params["fresh"].items() if name not in before}
    if fresh and not engine.containers(stopped=True):
        settings = overlay(fresh, settings)
    after = compose(base, original, settings, params["defaults"])
    refuse_overlooked(after, engine.plugins() if wants_plugins(after) else ())
    refuse_absent_runtimes(after, settings)
    if after != before:
        refuse_flags(after, params["path"], engine.flags())
    return after


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "settings": {"type": "dict", "required": True},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
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
        after = settings_after(module, engine, path, before)
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
            words = objection(dockerd, before, after, engine.flags())
        if words:
            module.fail_json(msg=f"dockerd refuses the settings, nothing was changed: {words}")
        later = engine.waits_for_containers(NETWORK.intersection(changes))
        if later:
            module.warn(later)
    if not module.check_mode:
        with failing_in_words(module.fail_json):
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
