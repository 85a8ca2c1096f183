"""Check sizes and numbers of the roles that only their types would check."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..common.problem import UNKNOWN, number, problem, shown, whole

_SIZE = re.compile(r"(?:[1-9]\d*|\d+\.\d+) ?[kmgt]i?b?", re.IGNORECASE)
# Variable -> smallest and largest number. Processes count threads: TGI's router, each shard and
# their libraries start threads for each core
_RANGES = {
    "checks_timeout": (1, 3600),
    "checks_deadline": (1, 86400),
    "checks_canary_passes": (0, 4),
    "checks_ttft_ms": (0, 10**7),
    "checks_tpot_ms": (0, 10**7),
    "checks_tls_warn_days": (0, 3650),
    "docker_log_max_files": (1, 1000),
    "hub_mirror_port": (1, 65535),
    "hub_mirror_throttle": (0, 10**6),
    "preflight_min_free_disk_gib": (0, 10**6),
    "preflight_min_free_image_gib": (0, 10**6),
    "preflight_min_memory_gib": (0, 10**6),
    "rollout_drain_timeout": (1, 86400),
    "rollout_models_at_once": (0, 64),
    "rollout_steady_seconds": (0, 3600),
    # The active set and one to go back to
    "tgi_keep_sets": (2, 50),
    "tgi_pids_limit": (256, 4194304),
    "tgi_steady_seconds": (0, 3600),
}
#: Replicas that may be out: a number or a share
_SHARE = re.compile(r"[1-9]\d*|(?:[1-9]\d?|100)%")
_VERSIONS = (
    "docker_version",
    "docker_containerd_version",
    "docker_compose_version",
    "nvidia_container_toolkit_version",
    "gateway_nginx_version",
)
#: The beginning of a version, which is the version of no package
_BEGINNING = re.compile(r"(?:\d+:)?\d+(?:\.\d+)?\.?")


def check_quantities(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield numbers out of their range, sizes without a unit, and beginnings of versions."""
    for name, (least, most) in _RANGES.items():
        given = number(values.get(name))
        if given is not None and not least <= given <= most:
            yield problem(name, f"is {given:g}", f"write one from {least} to {most}")
    share = values.get("rollout_max_unavailable", "1")
    if share is not UNKNOWN and not _SHARE.fullmatch(str(share)):
        remedy = 'write a number from 1 on, or a share such as "25%"'
        yield problem("rollout_max_unavailable", f"is {shown(share)}", remedy)
    yield from _check_versions(values)
    yield from check_size(values.get("tgi_shm_size"), "tgi_shm_size", "16g")
    yield from check_size(values.get("tgi_memory_limit"), "tgi_memory_limit", "64g")
    yield from check_size(values.get("docker_log_max_size"), "docker_log_max_size", "50m")
    settings = values.get("docker_daemon_settings")
    if isinstance(settings, Mapping):
        where = "docker_daemon_settings"
        yield from check_size(settings.get("default-shm-size"), f"{where}.default-shm-size", "16g")
        options = settings.get("log-opts")
        size = options.get("max-size") if isinstance(options, Mapping) else None
        yield from check_size(size, f"{where}.log-opts.max-size", "50m")


def check_size(value: Any, where: str, like: str) -> Iterator[str]:
    """Yield a problem for a size that Docker would read as bytes, or not at all."""
    if (
        isinstance(value, (str, int, float))
        and value != ""
        and not _SIZE.fullmatch(str(value).strip())
    ):
        what = f"is {shown(value)}, not a size with a unit"
        if whole(value) is not None:
            what = f"is {shown(value)}, which Docker takes for bytes"
        yield problem(where, what, f"write one such as {like}")


def _check_versions(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield versions such as 29 or 29.1: only with a star do they match a package."""
    for name in _VERSIONS:
        given = values.get(name)
        if isinstance(given, bool) or not isinstance(given, (str, int, float)):
            continue
        text = str(given).strip()
        if _BEGINNING.fullmatch(text):
            like = f"{text.rstrip('.')}.*"
            what = f"is {text}, and no package has just that version"
            # YAML reads 29.10 as 29.1
            yield problem(name, what, f'write "{like}", with the star and in quotes')
