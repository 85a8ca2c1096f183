"""Merge and compare daemon.json files, and find out how a change takes effect.

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
# Another value hides existing containers, and running ones are no longer managed. The value is the
# daemon's default ("" if it depends on the host)
BOUND_TO_CONTAINERS = {"data-root": "/var/lib/docker", "storage-driver": ""}

# While containers run, a restarted daemon keeps its networks as they are
NETWORK = frozenset(
    {
        *("bip", "bridge", "default-address-pools", "fixed-cidr", "icc", "ip", "ip-forward"),
        *("ip-masq", "iptables", "ipv6", "mtu", "userland-proxy"),
    }
)

# Options of log drivers: splunk-token, logentries-token; the token of sumo-url is its path
_SECRET_NAME = re.compile(r"token|passw|secret|api-?key|^sumo-url$", re.IGNORECASE)
_LOGIN = re.compile(r"//[^/@\s]*@")
_PROXY = {"type": "str", "default": ""}
_SECRET = {**_PROXY, "no_log": True}
#: The option ``proxies`` of a module; plugins/doc_fragments/docker_daemon.py documents it
PROXIES = {
    "type": "dict",
    "default": {},
    "options": {"http": _SECRET, "https": _SECRET, "no_proxy": _PROXY},
}


class DaemonConfigError(ValueError):
    """The configuration is refused; the message contains the remedy."""


def parse(text: str, path: str) -> dict[str, Any]:
    """Parse a daemon.json; an empty one is {}. Raises DaemonConfigError."""
    if not text.strip():
        return {}
    try:
        loaded = json.loads(text)
    except json.JSONDecodeError as error:
        raise DaemonConfigError(
            f"{path} is not valid JSON ({error}) and was not changed; repair or remove it"
        ) from error
    if not isinstance(loaded, dict):
        raise DaemonConfigError(f"{path} is not a JSON object; repair or remove it")
    return loaded


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge ``over`` into ``base``, key by key through nested objects; a null removes a key.

    Another log driver removes the old one's options, which it would refuse.
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
    """Merge settings over settings; a null stays, as a later merge needs it."""
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
    """Return the new file: ``settings`` and, unless the site sets them itself, ``defaults``.

    ``original`` is the file from before its first change, if known. The site sets the defaults
    itself if they were in the original, or if the log driver was changed by hand since.
    """
    site = bool(set(defaults) & set(before))
    if site and original is not None and not set(defaults) & set(original):
        site = before.get("log-driver") != defaults.get("log-driver")
    return merge(dict(before) if site else merge(before, defaults), settings)


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the top-level keys whose value differs."""
    keys = set(before) | set(after)
    return sorted(key for key in keys if before.get(key) != after.get(key))


def bound_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return changed keys that hide containers; an absent key counts as the daemon's default."""
    return [
        key
        for key, default in BOUND_TO_CONTAINERS.items()
        if str(before.get(key) or default).rstrip("/") != str(after.get(key) or default).rstrip("/")
    ]


def proxies(http: str = "", https: str = "", no_proxy: str = "") -> dict[str, Any]:
    """Return the settings for proxies, which daemon.json has since release 23."""
    given = {"http-proxy": http, "https-proxy": https, "no-proxy": no_proxy}
    found = {key: value for key, value in given.items() if value}
    return {"proxies": found} if found else {}


def has_secret(config: Mapping[str, Any]) -> bool:
    """Check for a password or a token; only root may read such a file."""
    return masked(config) != config


def masked(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings without tokens, and without user names and passwords in URLs."""
    return {key: _masked(str(key), value) for key, value in config.items()}


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _masked(str(key), below) for key, below in value.items()}
    if isinstance(value, list):
        return [_masked(name, one) for one in value]
    if not isinstance(value, str):
        return value
    return "***" if value and _SECRET_NAME.search(name) else _LOGIN.sub("//***@", value)


def split_secrets(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings without those that hold a secret, and these; merged, they are all."""
    plain: dict[str, Any] = {}
    secret: dict[str, Any] = {}
    for key, value in settings.items():
        if _masked(str(key), value) == value:
            plain[key] = value
        elif isinstance(value, Mapping):
            plain[key], secret[key] = split_secrets(value)
        else:
            secret[key] = value
    return plain, secret


def unapplied(properties: str, written: float, keys: Collection[str]) -> list[str]:
    """Return those ``keys`` that the running daemon has not read.

    ``properties`` are lines NAME=VALUE of ``systemctl show``, times in microseconds since boot;
    ``written`` is the file's time in seconds since boot. A reload changes the unit's state but not
    its start; it is enough for keys that need no restart.
    """
    found = dict(line.split("=", 1) for line in properties.splitlines() if "=" in line)
    if found.get("ActiveState") != "active":
        return []
    started = int(found.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
    read = max(started, int(found.get("StateChangeTimestampMonotonic") or 0) / 1e6)
    return sorted(key for key in keys if written > (read if key in RELOADABLE else started) > 0)


def render(config: Mapping[str, Any]) -> str:
    """Return the file's text, sorted, so that equal settings are equal files."""
    return json.dumps(config, indent=2, sort_keys=True) + "\n"
