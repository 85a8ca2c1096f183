"""Settings of daemon.json that only these rules can refuse in time.

``dockerd --validate`` of 26.1.5 accepts each of them, and then the daemon, or a container, does not
start. The trial start (trial_start.py) finds all others. It finds none of these: a reload takes
them, only a container would show them, or the trial start must leave them out.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Collection, Mapping
from typing import Any

from .daemon_json import DaemonConfigError
from .unit_flags import conflicts, options

BUILT_IN_RUNTIMES = frozenset({"runc", "io.containerd.runc.v2"})
# The built-in ones of Linux; plugins add others
LOG_DRIVERS = frozenset(
    {
        "awslogs",
        "fluentd",
        "gcplogs",
        "gelf",
        "journald",
        "json-file",
        "local",
        "none",
        "splunk",
        "syslog",
    }
)


def wants_plugins(config: Mapping[str, Any]) -> bool:
    """Check whether a setting names a plugin."""
    driver = str(config.get("log-driver", "json-file"))
    return driver not in LOG_DRIVERS or bool(config.get("authorization-plugins"))


def refuse_flags(config: Mapping[str, Any], path: str, flags: Collection[str]) -> None:
    """Raise DaemonConfigError if dockerd with the unit's ``flags`` would not take the file."""
    for name, words in options(flags):
        read = words[-1].rpartition("=")[2]
        if name == "config-file" and read != path:
            raise DaemonConfigError(
                f"Docker's unit passes --config-file {read}, so the daemon does not read {path}; "
                "remove that option (systemctl cat docker shows where it is)"
            )
        if name == "firewall-backend":
            _refuse_nftables(read, "remove the option from Docker's unit")
    for option, key in conflicts(flags, config):
        raise DaemonConfigError(
            f"daemon.json must not set {key}: Docker's unit passes {option}, and the daemon does "
            "not start with both; remove the option (systemctl cat docker shows where it is), or "
            f"write docker_daemon_settings: {{{key}: null}}"
        )


def refuse_overlooked(config: Mapping[str, Any], plugins: Collection[str] = ()) -> None:
    """Raise DaemonConfigError for settings with which the daemon would not start, or not serve us.

    ``plugins`` are the installed plugins' names, needed only if wants_plugins.
    """
    remedy = "write docker_daemon_settings: {firewall-backend: null}"
    _refuse_nftables(config.get("firewall-backend"), remedy)
    runtime = config.get("default-runtime", "runc")
    if runtime not in BUILT_IN_RUNTIMES | set(config.get("runtimes") or {}):
        raise DaemonConfigError(
            f"default-runtime names {runtime}, which runtimes does not define: "
            "define it or remove it"
        )
    driver = str(config.get("log-driver", "json-file"))
    if driver not in LOG_DRIVERS | {name.split(":")[0] for name in plugins} | set(plugins):
        raise DaemonConfigError(
            f"log-driver {driver} does not exist: write one of {', '.join(sorted(LOG_DRIVERS))}, "
            "or install the plugin first (docker plugin install)"
        )
    for name in _list(config, "authorization-plugins"):
        # A reload accepts it; the next start fails
        if name not in {one.split(":")[0] for one in plugins} | set(plugins):
            raise DaemonConfigError(
                f"authorization-plugins names {name}, which is not installed: install it first "
                "(docker plugin install), or leave it out"
            )
    for mirror in _list(config, "registry-mirrors"):
        if not re.match(r"https?://", str(mirror)):
            raise DaemonConfigError(f"registry-mirrors names {mirror}: write it with https://")
    address = config.get("metrics-addr")
    if address and not re.search(r":\d+$", str(address)):
        raise DaemonConfigError(f"metrics-addr {address} has no port: write 127.0.0.1:9323")


def _refuse_nftables(backend: Any, remedy: str) -> None:
    """With Docker 29's nftables no packet passes DOCKER-USER, where the models' firewall is."""
    if backend == "nftables":
        raise DaemonConfigError(
            "firewall-backend is nftables, with which the firewall rules of the models do not "
            f"hold: {remedy}; iptables is the default"
        )


def _list(config: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list; dockerd itself refuses a value that is not one."""
    found = config.get(name)
    return found if isinstance(found, list) else []


def refuse_absent_runtimes(
    config: Mapping[str, Any],
    settings: Mapping[str, Any],
    find: Callable[[str], str | None] = shutil.which,
) -> None:
    """Raise DaemonConfigError for a runtime whose program is missing.

    The daemon would start, and containers would fail later. Checks only runtimes of ``settings``
    and the default runtime, not others of the file.
    """
    runtimes = config.get("runtimes")
    runtimes = runtimes if isinstance(runtimes, Mapping) else {}
    judged = {*(settings.get("runtimes") or {}), config.get("default-runtime")}
    for name in sorted(judged & set(runtimes), key=str):
        entry = runtimes[name]
        path = entry.get("path") if isinstance(entry, Mapping) else None
        if path and find(str(path)) is None:
            raise DaemonConfigError(
                f"runtimes.{name}: its path {path} does not exist on the host; containers "
                "would not start: install it first, or remove the runtime"
            )
