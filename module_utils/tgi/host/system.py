"""Whether a host's system can run TGI: release, processor, memory, disk.

Every function takes the text of the file it judges, so that recorded ones can be judged too.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..common.problem import problem

# By ID of /etc/os-release: how it is called, and its releases. Of the RHEL family every minor one
# of a release will do
SUPPORTED = {
    "debian": ("Debian", ("12", "13")),
    "ubuntu": ("Ubuntu", ("22.04", "24.04")),
    "rhel": ("RHEL", ("9",)),
    "rocky": ("Rocky", ("9",)),
    "almalinux": ("AlmaLinux", ("9",)),
}
_BY_MAJOR = {"rhel", "rocky", "almalinux"}
# Without njs as a package of nginx (in Ubuntu 22.04 that is too old as well)
_NO_GATEWAY = {
    ("ubuntu", "22.04"): "which has no nginx with njs for a gateway",
    **{
        (name, "9"): "on which models can run, but no gateway: its nginx has no njs"
        for name in _BY_MAJOR
    },
}
_GIB = 1024**3


def check_release(os_release: str, gateway: bool = False) -> list[str]:
    """Judge /etc/os-release of a host, which may have to be a gateway too."""
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
    found = fields.get("PRETTY_NAME") or f"{name} {version}".strip() or "not known"
    what = f"is {found}, {reason}" if reason else f"is {found}"
    return [problem("operating system", what, f"take one of {names}")]


def check_processor(machine: str, cpuinfo: str) -> list[str]:
    """Judge the architecture (as uname -m gives it) and the flags in /proc/cpuinfo."""
    if machine != "x86_64":
        return [
            problem("processor", f"is {machine}", "take an x86_64 host: TGI has no other image")
        ]
    flags = re.search(r"(?m)^flags\s*:(.*)$", cpuinfo)
    if flags and "avx2" not in flags.group(1).split():
        remedy = "take a newer one, or a virtual machine that passes the host's processor on"
        return [problem("processor", "has no AVX2, without which TGI dies by signal 4", remedy)]
    return []


def check_memory(meminfo: str, least_gib: float) -> list[str]:
    """Judge MemTotal of /proc/meminfo against GiB."""
    total = re.search(r"(?m)^MemTotal:\s+(\d+) kB", meminfo)
    gib = int(total.group(1)) / 1024**2 if total else 0.0
    if gib >= least_gib:
        return []
    remedy = f"add memory, or lower preflight_min_memory_gib ({least_gib:g})"
    return [problem("memory", f"is {gib:.1f} GiB", remedy)]


def check_disk(data_dir: str, free_bytes: int, least_gib: float) -> list[str]:
    """Judge the free space where the models will be kept."""
    gib = free_bytes / _GIB
    if gib >= least_gib:
        return []
    remedy = (
        "make room, write another tgi_data_dir, "
        f"or lower preflight_min_free_disk_gib ({least_gib:g})"
    )
    return [problem("disk", f"has {gib:.1f} GiB free for {data_dir}", remedy)]


def free_space(directory: str) -> int:
    """Give the bytes free for root at a directory, or at its nearest parent that exists."""
    path = Path(directory)
    while not path.exists() and path != path.parent:
        path = path.parent
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def check_clock(skew: float | None, most_seconds: float) -> list[str]:
    """Judge how many seconds the host's clock is ahead of the controller's."""
    if skew is None or abs(skew) <= most_seconds:
        return []
    side = "ahead of" if skew > 0 else "behind"
    what = f"is {abs(skew):.0f} s {side} the controller's"
    remedy = "set the clock that is wrong (timedatectl set-ntp true); certificates depend on it"
    return [problem("clock", what, remedy)]


def clock_skew(host: float, before: float, after: float) -> float:
    """Give the seconds the host is ahead, given that it was read between two moments here.

    What the journey there and back explains counts as no skew.
    """
    if host > after:
        return host - after
    return min(host - before, 0.0)
