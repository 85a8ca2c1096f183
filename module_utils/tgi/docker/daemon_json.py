"""How Docker's daemon.json is merged, judged and applied.

Source: moby daemon/reload.go (what a reload applies), docs.docker.com/reference/cli/dockerd.
"""

from __future__ import annotations

import json
import re
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
# Another value hides the containers there are, and those that run go on unmanaged; with what the
# daemon takes where the key is absent ("" where that depends on the host)
BOUND_TO_CONTAINERS = {"data-root": "/var/lib/docker", "storage-driver": ""}


# With containers kept alive, the daemon takes their networks over as they are
NETWORK = frozenset(
    {
        *("bip", "bridge", "default-address-pools", "fixed-cidr", "icc", "ip", "ip-forward"),
        *("ip-masq", "iptables", "ipv6", "mtu", "userland-proxy"),
    }
)


_PROXY = {"type": "str", "default": ""}
_SECRET = {**_PROXY, "no_log": True}
#: The option ``proxies`` of a module; plugins/doc_fragments/docker_daemon.py documents it
PROXIES = {
    "type": "dict",
    "default": {},
    "options": {"http": _SECRET, "https": _SECRET, "no_proxy": _PROXY},
}


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


def overlay(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Settings over settings, which are yet to be merged into a file: a null stays one."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            value = overlay(below, value)
        result[key] = value
    return result


def compose(
    before: Mapping[str, Any],
    original: Mapping[str, Any] | None,
    settings: Mapping[str, Any],
    defaults: Mapping[str, Any],
) -> dict[str, Any]:
    """The file as it shall be: ``defaults`` below ``settings``, where they are not the site's.

    ``original`` is the file as it was before its first change, if that is known. With the driver
    replaced since, the log settings are somebody's, whatever they were then.
    """
    site = bool(set(defaults) & set(before))
    if site and original is not None and not set(defaults) & set(original):
        site = before.get("log-driver") != defaults.get("log-driver")
    return merge(dict(before) if site else merge(before, defaults), settings)


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Top-level keys whose value differs."""
    keys = set(before) | set(after)
    return sorted(key for key in keys if before.get(key) != after.get(key))


def bound_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Those bound to containers whose value differs, the daemon's own default included."""
    return [
        key
        for key, default in BOUND_TO_CONTAINERS.items()
        if str(before.get(key) or default).rstrip("/") != str(after.get(key) or default).rstrip("/")
    ]


def proxies(http: str = "", https: str = "", no_proxy: str = "") -> dict[str, Any]:
    """Settings for the proxies given, which daemon.json knows since release 23."""
    given = {"http-proxy": http, "https-proxy": https, "no-proxy": no_proxy}
    found = {key: value for key, value in given.items() if value}
    return {"proxies": found} if found else {}


def has_secret(config: Mapping[str, Any]) -> bool:
    """Whether it holds a proxy's password, so that only root may read the file."""
    return masked(config) != config


def masked(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as they may be shown: without what stands before the @ of a proxy."""
    found = config.get("proxies")
    if not isinstance(found, Mapping):
        return dict(config)
    shown = {key: re.sub(r"//[^/@]*@", "//***@", str(value)) for key, value in found.items()}
    return {**config, "proxies": shown}


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
