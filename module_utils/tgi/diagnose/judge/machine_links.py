"""Judge what gateways and GPU hosts share: the way in, disks, memory, the clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...common.file_system import FileSystem, size
from ..finding import Found, Scene, broken, logged, not_reached, ok, unknown

_GIB = 1024**3
_MIB = 1024**2
#: Bytes; below these, writes or starts soon fail
_LEAST_DISK = 256 * _MIB
_LEAST_MEMORY = 256 * _MIB
#: Seconds; older kernel messages do not count
RECENT = 3600


def judge_way_in(scene: Scene) -> Found:
    """Judge whether Ansible could inspect the host."""
    if why := scene.own.get("unreachable"):
        return broken(
            "unreachable",
            f"cannot be reached by SSH: {why}",
            "check that the machine is up, its ansible_host, SSH keys and network",
        )
    if why := scene.own.get("blind"):
        return unknown(f"could not be inspected: {why}")
    return ok("can be inspected")


def seen_at_all(scene: Scene) -> bool:
    """Return whether there are observations of this host to judge."""
    return not (scene.own.get("unreachable") or scene.own.get("blind"))


def judge_disk(scene: Scene) -> Found:
    if "disks" not in scene.own:
        return not_reached()
    seen = [({**one}, one["paths"]) for one in scene.own["disks"]]
    for fields, paths in seen:
        del fields["paths"]
        one = FileSystem(**fields)
        what, remedy = one.complaint(min(_LEAST_DISK, one.total // 20))
        if what:
            return broken(
                "read_only" if one.read_only else "full",
                f"{', '.join(paths)}: the {one.name} {what}",
                f"{remedy}, then run site.yml",
            )
    return ok("free: " + ", ".join(f"{one['mount']} {size(one['free'])}" for one, _ in seen))


def judge_memory(scene: Scene) -> Found:
    seen = scene.own.get("memory")
    if not seen:
        return not_reached()
    kernel = scene.own.get("kernel") or {}
    killed = [one for one in kernel.get("oom") or [] if one["age"] < RECENT]
    said = f"{seen['available'] / _GIB:.1f} of {seen['total'] / _GIB:.1f} GiB available"
    if killed:
        last = killed[-1]
        minutes = max(1, round(last["age"] / 60))
        said += f"; the kernel killed {last['what']} {minutes} min ago: out of memory"
        if _all_up(scene.own):
            return ok(said)
        return logged(
            "oom_kill",
            said,
            "add RAM, stop other programs, or start fewer models at once: weights pass through RAM",
        )
    if seen["available"] < min(_LEAST_MEMORY, seen["total"] / 50):
        return broken("low", said, "stop what holds it (ps aux --sort -rss shows it), or add RAM")
    if not kernel.get("readable"):
        said += "; the kernel's log cannot be read"
    return ok(said)


def _all_up(side: Mapping[str, Any]) -> bool:
    """Return whether nginx or all models run: then the kernel killed something else."""
    if "service" in side:
        return bool(side["service"].get("active") == "active")
    return all((one.get("state") or {}).get("ready") for one in side.get("models") or [])


def judge_clock(scene: Scene) -> Found:
    skew = scene.own.get("skew")
    if skew is None:
        return not_reached()
    if abs(skew) <= scene.picture.limits.skew:
        return ok("within a few seconds of the controller's" if abs(skew) < 5 else f"{skew:+.0f} s")
    side = "ahead of" if skew > 0 else "behind"
    return broken(
        "skew",
        f"{abs(skew):.0f} s {side} the controller's",
        "timedatectl set-ntp true on the host whose clock is wrong: certificates and keys depend "
        "on it",
    )
