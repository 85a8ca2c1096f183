"""How Docker's daemon.json is merged, judged and applied.

Source: moby daemon/reload.go (what a reload applies), docs.docker.com/reference/cli/dockerd;
what `dockerd --validate` overlooks was measured on 26.1.5.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

# Applied by SIGHUP; every other key needs a restart of the daemon
RELOADABLE = frozenset(
    {
        "authorization-plugins",
        "debug",
        "default-runtime",
        "insecure-registries",
        "labels",
        "live-restore",
        "max-concurrent-downloads",
        "max-concurrent-uploads",
        "max-download-attempts",
        "registry-mirrors",
        "runtimes",
        "shutdown-timeout",
    }
)
# Changing these under running containers orphans them
BOUND_TO_CONTAINERS = frozenset({"data-root", "storage-driver"})
BUILT_IN_RUNTIMES = frozenset({"runc", "io.containerd.runc.v2"})
# Those of Linux; a plugin adds its own
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


class DaemonConfigError(ValueError):
    """The configuration is refused; the message says what is wrong and what to do."""


def parse(text: str, path: str) -> dict[str, Any]:
    """The configuration in a daemon.json; an absent or empty one is {}."""
    if not text.strip():
        return {}
    try:
        loaded = json.loads(text)
    except json.JSONDecodeError as error:
        raise DaemonConfigError(
            f"{path} is not valid JSON ({error}); it was left as it is: repair or remove it"
        ) from error
    if not isinstance(loaded, dict):
        raise DaemonConfigError(f"{path} holds no JSON object; repair or remove it")
    return loaded


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` on top of `base`, key by key through nested objects; a null removes the key.

    Options of a log driver that is replaced go with it, as the new one would refuse them.
    """
    merged = dict(base)
    if "log-driver" in over and over["log-driver"] != base.get("log-driver"):
        merged.pop("log-opts", None)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            below = merged.get(key)
            merged[key] = merge(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def refuse_overlooked(config: Mapping[str, Any], plugins: Collection[str] = ()) -> None:
    """Raise DaemonConfigError for what `dockerd --validate` accepts and the daemon then dies of.

    `plugins` are the names of the installed plugins, which may be log drivers.
    """
    if "hosts" in config:
        raise DaemonConfigError(
            "daemon.json must not set hosts: the systemd unit passes -H, and the daemon would not "
            "start; use a drop-in for docker.socket instead"
        )
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


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Top-level keys whose value differs."""
    keys = set(before) | set(after)
    return sorted(key for key in keys if before.get(key) != after.get(key))


def unapplied(properties: str, written: float, keys: Collection[str]) -> list[str]:
    """Those of `keys` that the running daemon has not been told of.

    `properties` are lines NAME=VALUE of `systemctl show`, times in microseconds since boot;
    `written` is when the file was, in seconds since boot. A reload changes the unit's state
    without a new start, and does for keys that need no restart.
    """
    found = dict(line.split("=", 1) for line in properties.splitlines() if "=" in line)
    if found.get("ActiveState") != "active":
        return []
    started = int(found.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
    told = max(started, int(found.get("StateChangeTimestampMonotonic") or 0) / 1e6)
    return sorted(key for key in keys if written > (told if key in RELOADABLE else started) > 0)


def render(config: Mapping[str, Any]) -> str:
    """The file's text: sorted, so that the same configuration is always the same file."""
    return json.dumps(config, indent=2, sort_keys=True) + "\n"
