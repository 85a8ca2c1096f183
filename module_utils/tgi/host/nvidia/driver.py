"""Read the state of the NVIDIA driver from the kernel, its modules and the firmware."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import NamedTuple

from ...common.files import read, read_bytes

_NVIDIA = "0x10de"
# PCI classes: VGA and 3D controllers are GPUs, "other bridges" of NVIDIA are NVSwitches
_CARDS, _SWITCHES = ("0x0300", "0x0302"), ("0x0680",)
_EFI = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_LIBRARIES = ("usr/lib/*-linux-gnu", "usr/lib/*-linux-gnu/nvidia/current", "usr/lib64", "usr/lib")
# Debian calls the file nvidia-current.ko; all may be compressed
_MODULE = re.compile(r"(?m)/nvidia(?:-current)?\.ko[.:]")
_PENDING = re.compile(r"(?m)^((?:linux-(?:image|modules)|nvidia|libnvidia)\S*)$")
_VERSION = re.compile(r"(?<!\d)\d+\.\d+(?:\.\d+)?")


class Machine(NamedTuple):
    """The state of a host's driver and GPUs.

    ``cards`` and ``switches`` count PCI devices (None: bus not visible). ``loaded`` is the version
    of the loaded module, ``libraries`` those of libnvidia-ml on the disk. ``built``: whether the
    running kernel has a module file (None: unknown). ``bare`` is a newer kernel without one.
    """

    kernel: str = ""
    loaded: str = ""
    libraries: tuple[str, ...] = ()
    nouveau: bool = False
    built: bool | None = None
    bare: str = ""
    secure_boot: bool = False
    cards: int | None = None
    switches: int | None = None
    pending: tuple[str, ...] = ()
    default_runtime: str = ""


def look(root: Path) -> Machine:
    """Read the state below ``root``."""
    kernel = read(root / "proc/sys/kernel/osrelease").strip()
    own = read(root / "lib/modules" / kernel / "modules.dep") if kernel else ""
    return Machine(
        kernel=kernel,
        loaded=_loaded(root),
        libraries=tuple(sorted(_libraries(root))),
        nouveau=bool(re.search(r"(?m)^nouveau ", read(root / "proc/modules"))),
        built=bool(_MODULE.search(own)) if own else None,
        bare=_bare(root, kernel) if _MODULE.search(own) else "",
        secure_boot=read_bytes(root / _EFI)[-1:] == b"\x01",
        cards=_devices(root, _CARDS),
        switches=_devices(root, _SWITCHES),
        pending=tuple(_PENDING.findall(read(root / "run/reboot-required.pkgs"))),
        default_runtime=_default_runtime(root),
    )


def _loaded(root: Path) -> str:
    own = read(root / "sys/module/nvidia/version").strip()
    # NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 …
    found = _VERSION.search(read(root / "proc/driver/nvidia/version").partition("\n")[0])
    return own or (found[0] if found else "")


def _libraries(root: Path) -> set[str]:
    names = (path.name for place in _LIBRARIES for path in root.glob(f"{place}/libnvidia-ml.so.*"))
    return {found[0] for name in names if (found := _VERSION.search(name))}


def _bare(root: Path, kernel: str) -> str:
    """Return the newest kernel if it boots next and has no NVIDIA module, or ""."""
    newer = sorted(
        (
            path.name
            for path in root.glob("lib/modules/*")
            if (root / "boot" / f"vmlinuz-{path.name}").exists()
        ),
        key=numbers,
    )[-1:]
    for name in newer:
        known = read(root / "lib/modules" / name / "modules.dep")
        if numbers(name) > numbers(kernel) and known and not _MODULE.search(known):
            return name
    return ""


def _devices(root: Path, classes: tuple[str, ...]) -> int | None:
    """Count NVIDIA's PCI devices, without those passed to virtual machines."""
    bus = root / "sys/bus/pci/devices"
    if not bus.is_dir():
        return None
    found = 0
    for device in bus.iterdir():
        mine = read(device / "vendor").strip() == _NVIDIA
        if mine and read(device / "class").strip()[:6] in classes:
            driver = device / "driver"
            found += not (driver.is_symlink() and driver.readlink().name == "vfio-pci")
    return found


def _default_runtime(root: Path) -> str:
    with contextlib.suppress(ValueError):
        settings = json.loads(read(root / "etc/docker/daemon.json") or "{}")
        if isinstance(settings, dict):
            return str(settings.get("default-runtime") or "")
    return ""


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, for comparison."""
    return tuple(int(part) for part in re.findall(r"\d+", version))
