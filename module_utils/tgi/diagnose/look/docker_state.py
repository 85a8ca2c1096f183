"""Read the state of the Docker daemon, and whether it would start again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...common.commands import Ask
from ...common.files import read
from ...docker.daemon_json import DaemonConfigError, parse
from ...docker.daemon_rules import refuse_flags
from ...docker.direct_access import lets_neighbours_in
from ...docker.engine_packages import has_apparmor
from ...docker.unit_flags import read_flags
from ...host import machine

_CONFIG = "/etc/docker/daemon.json"


def read_docker(run: Ask, root: Path) -> dict[str, Any]:
    """Return ``problem`` (empty), the unit's state, ``lets_neighbours_in``, and more.

    ``unconfined``: the kernel has AppArmor, and containers run without it. ``next_start``: why the
    daemon would not start again ("what; remedy"), "" if nothing is known.
    """
    return {
        "problem": "",
        "lets_neighbours_in": lets_neighbours_in(run),
        "next_start": _next_start(run, root),
        "unconfined": _lacks_apparmor(run, root),
        **machine.unit(run, "docker"),
    }


def _lacks_apparmor(run: Ask, root: Path) -> bool:
    if not has_apparmor(root):
        return False
    code, text = run(["docker", "info", "--format={{.SecurityOptions}}"])
    return code == 0 and "name=apparmor" not in text


def _next_start(run: Ask, root: Path) -> str:
    def three(argv: list[str]) -> tuple[int, str, str]:
        code, said = run(argv)
        return (127 if code is None else code), said, said

    try:
        config = parse(read(root / _CONFIG.lstrip("/")), _CONFIG)
        refuse_flags(config, _CONFIG, read_flags(three, "systemctl", root))
    except DaemonConfigError as error:
        return str(error)
    return ""
