"""Check whether a host can run TGI: release, processor, memory, disk, clock.

Functions take the text of the file that they check, so that tests can use recorded files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ..common.file_system import file_system_of
from ..common.problem import problem

# By ID of /etc/os-release: name and releases. In the RHEL family, all minor releases count
SUPPORTED = {
    "debian": ("Debian", ("12", "13")),
    "ubuntu": ("Ubuntu", ("22.04", "24.04")),
    "rhel": ("RHEL", ("9",)),
    "rocky": ("Rocky", ("9",)),
    "almalinux": ("AlmaLinux", ("9",)),
}
_BY_MAJOR = {"rhel", "rocky", "almalinux"}
# Systems whose nginx has no package for njs (on Ubuntu 22.04 it is also too old)
_NO_GATEWAY = {
    ("ubuntu", "22.04"): "which has no nginx with njs for a gateway",
    **{
        (name, "9"): "on which models can run, but no gateway: its nginx has no njs"
        for name in _BY_MAJOR
    },
}
_GIB = 1024**3
#: Bytes; a run writes some small files, and the lists of apt
_LEAST_ROOM = 16 * 1024**2


def check_release(os_release: str, gateway: bool = False) -> list[str]:
    """Check /etc/os-release of a host; ``gateway`` if it must be a gateway too."""
    fields = dict(re.findall(r'(?m)^([A-Z_]+)="?(.*?)"?$', os_release))
    name, version = fields.get("ID", ""), fields.get("VERSION_ID", "")
    release = version.split(".")[0] if name in _BY_MAJOR else version
    known = release in SUPPORTED.get(name, ("", ()))[1]
    reason = _NO_GATEWAY.get((name, release)) if gateway and known else None
    if known and not reason:
        return []
    good = [
        (title, [one for one in releases if not (gateway and (system, one) in _NO_GATEWAY)])
        for system, (title, releases) in SUPPORTED.items()
    ]
    names = ", ".join(f"{title} {' and '.join(releases)}" for title, releases in good if releases)
    found = fields.get("PRETTY_NAME") or f"{name} {version}".strip() or "unknown"
    what = f"is {found}, {reason}" if reason else f"is {found}"
    return [problem("operating system", what, f"use one of {names}")]


def check_processor(machine: str, cpuinfo: str) -> list[str]:
    """Check the architecture (from uname -m) and the flags of /proc/cpuinfo."""
    if machine != "x86_64":
        return [problem("processor", f"is {machine}", "use an x86_64 host: TGI has no other image")]
    flags = re.search(r"(?m)^flags\s*:(.*)$", cpuinfo)
    if flags and "avx2" not in flags.group(1).split():
        remedy = "use a newer one, or pass the host's CPU type to the virtual machine"
        return [problem("processor", "has no AVX2; TGI would end with signal 4", remedy)]
    return []


def check_memory(meminfo: str, least_gib: float) -> list[str]:
    """Check MemTotal of /proc/meminfo against a minimum in GiB."""
    total = re.search(r"(?m)^MemTotal:\s+(\d+) kB", meminfo)
    gib = int(total.group(1)) / 1024**2 if total else 0.0
    if gib >= least_gib:
        return []
    remedy = f"add memory, or lower preflight_min_memory_gib ({least_gib:g})"
    return [problem("memory", f"is {gib:.1f} GiB", remedy)]


def check_disk(data_dir: str, free_bytes: int, least_gib: float) -> list[str]:
    """Check the free space for the models' weights."""
    gib = free_bytes / _GIB
    if gib >= least_gib:
        return []
    remedy = (
        "free some space, write another tgi_data_dir, "
        f"or lower preflight_min_free_disk_gib ({least_gib:g})"
    )
    return [problem("disk", f"has {gib:.1f} GiB free for {data_dir}", remedy)]


def check_image_disk(directory: str, root: Path, least_gib: float) -> list[str]:
    """Check the free space for an image that Docker pulls into ``directory``."""
    one = file_system_of(root / directory.lstrip("/"))
    gib = one.free / _GIB
    if gib >= least_gib:
        return []
    what = f"has {gib:.1f} GiB free, but the image needs {least_gib:g} in {directory}"
    remedy = (
        f"free some space (docker system df), mount a larger disk at {directory}, "
        "or lower preflight_min_free_image_gib"
    )
    return [problem(one.name, what, remedy)]


def free_space(directory: str) -> int:
    """Return the bytes free at a directory, or at its nearest existing parent."""
    return file_system_of(directory).free


def check_room(paths: Iterable[str], root: Path = Path("/")) -> list[str]:
    """Refuse a host where a write would soon fail, at one of ``paths``."""
    found: dict[str, str] = {}
    for path in paths:
        one = file_system_of(root / path.lstrip("/"))
        what, remedy = one.complaint(min(_LEAST_ROOM, one.total // 20))
        if what:
            found.setdefault(
                one.mount, problem(f"{path} is on the {one.name}, which", what, remedy)
            )
    return list(found.values())


def check_clock(skew: float | None, most_seconds: float) -> list[str]:
    """Check how many seconds the host's clock is ahead of the controller's."""
    if skew is None or abs(skew) <= most_seconds:
        return []
    side = "ahead of" if skew > 0 else "behind"
    what = f"is {abs(skew):.0f} s {side} the controller's"
    remedy = "set the clock that is wrong (timedatectl set-ntp true); certificates depend on it"
    return [problem("clock", what, remedy)]


def clock_skew(host: float, before: float, after: float) -> float:
    """Return the seconds that the host is ahead; its clock was read between two times here.

    The round trip is subtracted first.
    """
    if host > after:
        return host - after
    return min(host - before, 0.0)
