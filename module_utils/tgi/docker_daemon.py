"""How Docker's daemon.json is merged, judged and applied.

Source: moby daemon/reload.go (what a reload applies), docs.docker.com/reference/cli/dockerd;
what `dockerd --validate` overlooks was measured on 26.1.5.
"""

from __future__ import annotations

import json
from typing import Any, Mapping

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
LOG_DRIVERS = frozenset(
    "none local json-file syslog journald gelf fluentd awslogs splunk etwlogs gcplogs logentries".split()
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
    """`over` on top of `base`, key by key through nested objects; a null removes the key."""
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def refuse_overlooked(config: Mapping[str, Any]) -> None:
    """Raise DaemonConfigError for what `dockerd --validate` accepts and the daemon then dies of."""
    if "hosts" in config:
        raise DaemonConfigError(
            "daemon.json must not set hosts: the systemd unit passes -H, and the daemon would not "
            "start; use a drop-in for docker.socket instead"
        )
    runtimes = BUILT_IN_RUNTIMES | set(config.get("runtimes", {}))
    runtime = config.get("default-runtime", "runc")
    if runtime not in runtimes:
        raise DaemonConfigError(
            f"default-runtime names {runtime}, which runtimes does not define: define it or remove it"
        )
    driver = config.get("log-driver", "json-file")
    if driver not in LOG_DRIVERS and ":" not in driver and "/" not in driver:
        raise DaemonConfigError(
            f"log-driver {driver} does not exist: write one of {', '.join(sorted(LOG_DRIVERS))}"
        )


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Top-level keys whose value differs."""
    keys = set(before) | set(after)
    return sorted(key for key in keys if before.get(key) != after.get(key))


def render(config: Mapping[str, Any]) -> str:
    """The file's text: sorted, so that the same configuration is always the same file."""
    return json.dumps(config, indent=2, sort_keys=True) + "\n"
