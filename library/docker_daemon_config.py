#!/usr/bin/python
"""Ansible module: merge settings into Docker's daemon.json and say how they take effect."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon_config
short_description: Merge settings into Docker's daemon.json
description:
  - Merges settings into the file that is there, so that what others put in it stays.
  - Refuses a broken file, and settings with which the daemon would not start, including those
    that C(dockerd --validate) accepts.
  - The file before is kept beside it with the suffix C(.before-tgi-ansible); while a change is
    yet to be applied, the one before that change. The one before the first change is kept with the
    suffix C(.original-tgi-ansible); empty where there was none.
  - Says whether a reload is enough or a restart is needed.
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
    description: Settings for a file that has none of these keys, together; else none of them.
    type: dict
    default: {}
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
running:
  description: Whether a daemon runs, to which the change has yet to be applied.
  returned: when something changed
  type: bool
"""

import shutil
import tempfile
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.docker_daemon import (
    BOUND_TO_CONTAINERS,
    LOG_DRIVERS,
    RELOADABLE,
    DaemonConfigError,
    changed_keys,
    merge,
    parse,
    refuse_overlooked,
    render,
    unapplied,
)

SUFFIX = ".before-tgi-ansible"
# As it was before the first change: docker_daemon_undo returns to it
ORIGINAL = ".original-tgi-ansible"


def running(module: AnsibleModule) -> bool:
    """Whether the daemon runs, as systemd sees it, which reloads it."""
    systemctl = module.get_bin_path("systemctl")
    if systemctl is None:
        return False
    code, _out, _err = module.run_command([systemctl, "is-active", "--quiet", "docker"])
    return bool(code == 0)


def pending(module: AnsibleModule, path: Path, before: dict[str, object]) -> list[str]:
    """Keys that an earlier, aborted run wrote without the daemon having been told."""
    systemctl = module.get_bin_path("systemctl")
    if systemctl is None or not path.exists():
        return []
    names = "ActiveState,ExecMainStartTimestampMonotonic,StateChangeTimestampMonotonic"
    _code, out, _err = module.run_command([systemctl, "show", "docker", f"--property={names}"])
    backup = Path(f"{path}{SUFFIX}")
    try:
        applied = parse(backup.read_text() if backup.exists() else "", str(backup))
    except DaemonConfigError:
        applied = {}
    # systemd counts from boot
    boot = time.time() - time.monotonic()
    return list(unapplied(out, path.stat().st_mtime - boot, changed_keys(applied, before)))


def plugins(module: AnsibleModule, driver: str) -> list[str]:
    """Names of the installed plugins, asked for only when a log driver may be one of them."""
    docker = module.get_bin_path("docker")
    if driver in LOG_DRIVERS or docker is None:
        return []
    _code, out, _err = module.run_command([docker, "plugin", "ls", "--format", "{{.Name}}"])
    return list(out.split())


def validate(module: AnsibleModule, text: str) -> None:
    """Let the daemon itself judge the file; without one (first check mode) there is none to ask."""
    dockerd = module.get_bin_path("dockerd")
    if dockerd is None:
        return
    with tempfile.NamedTemporaryFile("w", suffix=".json") as candidate:
        candidate.write(text)
        candidate.flush()
        code, out, err = module.run_command(
            [dockerd, "--validate", "--config-file", candidate.name]
        )
    # Before release 23 the daemon cannot be asked
    if code and "unknown flag" not in err:
        reason = (err or out).strip().replace(candidate.name, "daemon.json")
        module.fail_json(msg=f"dockerd refuses the settings, nothing was changed: {reason}")


def refuse_under_containers(module: AnsibleModule, keys: list[str]) -> None:
    """Refuse what would orphan running containers."""
    bound, docker = sorted(BOUND_TO_CONTAINERS.intersection(keys)), module.get_bin_path("docker")
    if not bound or docker is None:
        return
    _code, out, _err = module.run_command([docker, "ps", "--quiet"])
    if out.strip():
        module.fail_json(
            msg=f"{', '.join(bound)} cannot change while {len(out.split())} containers run: "
            "they would be orphaned with their GPUs held. Stop them first"
        )


def install(module: AnsibleModule, path: Path, text: str, keep: bool) -> None:
    """Replace the file in one step, and keep the one before unless the kept one is to stay."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    backup, original = Path(f"{path}{SUFFIX}"), Path(f"{path}{ORIGINAL}")
    if not original.exists():
        found = backup if backup.exists() else path
        if found.exists():
            shutil.copy2(found, original)
        else:
            original.touch(mode=0o600)
    if path.exists() and not keep:
        shutil.copy2(path, backup)
    elif backup.exists() and not path.exists():
        # Of a file that is gone: to return to it would bring back what nobody has now
        backup.replace(f"{backup}.old")
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as new:
        new.write(text)
    fresh = not path.exists()
    # Keeps the mode of a file that is there, and gives a new one what the umask leaves
    module.atomic_move(new.name, str(path))
    if fresh:
        path.chmod(0o644)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "settings": {"type": "dict", "required": True},
            "defaults": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"]).resolve()
    text = path.read_text() if path.exists() else ""
    try:
        before = parse(text, str(path))
        defaults = module.params["defaults"]
        base = before if set(defaults) & set(before) else merge(before, defaults)
        after = merge(base, module.params["settings"])
        refuse_overlooked(after, plugins(module, str(after.get("log-driver", "json-file"))))
    except DaemonConfigError as error:
        module.fail_json(msg=str(error))
    changes, waiting = changed_keys(before, after), pending(module, path, before)
    keys = sorted({*changes, *waiting})
    if keys:
        wanted = render(after)
        validate(module, wanted)
        refuse_under_containers(module, changes)
        if changes and not module.check_mode:
            install(module, path, wanted, keep=bool(waiting))
    backup = Path(f"{path}{SUFFIX}")
    module.exit_json(
        changed=bool(keys),
        changed_keys=keys,
        restart_required=bool(set(keys) - RELOADABLE),
        backup=str(backup) if backup.exists() else "",
        **({"running": running(module)} if keys else {}),
        diff={
            "before_header": str(path),
            "after_header": str(path),
            "before": render(before) if before else "",
            "after": render(after),
        },
    )


if __name__ == "__main__":
    main()
