"""Explain why nvidia-smi shows no GPU, in one line with the remedy."""

from __future__ import annotations

from ...common.commands import Ask, CommandResult
from ...common.problem import problem
from .driver import Machine
from .gpus import parse_gpus, without_rows

_CPU = "or write gpus: [] for each model, to run on the CPU"
_ROLE = "nvidia_driver_install: true does this from the distribution"
_MISMATCH = "Driver/library version mismatch"
_NOT_RUNNING = "couldn't communicate with the NVIDIA driver"
_NO_LIBRARY = "couldn't find libnvidia-ml.so"
_NONE = "No devices were found"
# Text that nvidia-smi prints (on stdout) -> meaning, remedy
_FAILURES = (
    (
        "Insufficient Permissions",
        "refuses access",
        "let the preflight become root, and check the host's SELinux log",
    ),
    ("Unknown Error", "has lost its GPU", "check dmesg for Xid lines and reboot the host"),
)


def installable(answer: CommandResult, machine: Machine) -> bool:
    """Check whether installing a driver can help."""
    lacking = answer.rc is None or any(word in answer.text for word in (_NOT_RUNNING, _NO_LIBRARY))
    return lacking and machine.cards != 0 and not machine.loaded


def explain(answer: CommandResult, machine: Machine, least: str, ask: Ask) -> str:
    """Return the message for an answer without GPUs; ``least`` is the oldest usable driver."""
    what, remedy = _meaning(answer, machine, least, ask)
    return problem("NVIDIA driver", what, remedy)


def _meaning(answer: CommandResult, machine: Machine, least: str, ask: Ask) -> tuple[str, str]:
    if answer.rc is None:
        return _not_installed(machine, least)
    if _MISMATCH in answer.text:
        versions = ""
        if machine.loaded and machine.libraries:
            versions = f" (module {machine.loaded}, libraries {', '.join(machine.libraries)})"
        return f"was updated while its old module was loaded{versions}", "reboot the host"
    if _NOT_RUNNING in answer.text:
        return _not_running(machine, ask)
    if _NO_LIBRARY in answer.text:
        what = "is incomplete: nvidia-smi finds no libnvidia-ml.so"
        return what, f"install the driver's libraries and reboot ({_ROLE}), {_CPU}"
    if _NONE in answer.text:
        seen = "" if machine.cards is None else f", and the PCI bus shows {machine.cards} cards"
        return f"runs but finds no GPU{seen}", f"check lspci -d 10de: and dmesg, {_CPU}"
    for words, what, remedy in _FAILURES:
        if words in answer.text:
            return what, remedy
    said = " ".join(without_rows(answer.text).split())[:160] or "nothing"
    lists = parse_gpus(answer.text)[0]
    state = f"lists {len(lists)} GPUs, but" if lists else "does not answer:"
    what = f"{state} nvidia-smi ended with {answer.rc} and printed {said}"
    return what, "make nvidia-smi work on the host"


def _not_installed(machine: Machine, least: str) -> tuple[str, str]:
    what = "is not installed (no nvidia-smi)"
    if machine.cards == 0:
        what += ", and the PCI bus shows no NVIDIA card"
        return what, f"add a card or pass one through, {_CPU}"
    if machine.nouveau:
        what += ", and nouveau uses the card"
        return what, f"install {least} or newer, blacklist nouveau and reboot ({_ROLE}), {_CPU}"
    return what, f"install {least} or newer and reboot ({_ROLE}), {_CPU}"


def _not_running(machine: Machine, ask: Ask) -> tuple[str, str]:
    if machine.nouveau:
        return (
            "is installed, but nouveau uses the card",
            "blacklist nouveau (a file in /etc/modprobe.d, then update-initramfs -u or "
            f"dracut --force) and reboot ({_ROLE})",
        )
    if machine.built is False:
        return (
            f"has no module for the running kernel {machine.kernel}",
            "install that kernel's headers, so that DKMS builds one, or boot the kernel it was "
            f"built for ({_ROLE})",
        )
    if machine.secure_boot and not machine.loaded:
        signer = ask(["modinfo", "-F", "signer", "nvidia"])
        name = signer.text.strip() if signer.rc == 0 else ""
        how = f"signed by {name}, whose key is not enrolled" if name else "not signed"
        return (
            f"is not loaded: Secure Boot is on, and the module is {how}",
            "enrol the key that signs it (mokutil --import, reboot, confirm on the console), use "
            "the distribution's signed modules, or switch Secure Boot off",
        )
    return (
        "is installed but not running",
        "load it (modprobe nvidia; dmesg and mokutil --sb-state show why it fails), then reboot",
    )
