"""Check a host's driver and GPUs: problems that refuse it, and warnings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ...common.commands import Ask
from ...common.problem import problem
from . import driver_failure
from . import gpus as host_gpus
from .driver import Machine, numbers
from .fabric import check_fabric

_OFFERED = "nvidia_container_toolkit_enabled"


class DriverVerdict(NamedTuple):
    """``problems`` refuse the host, ``warnings`` do not."""

    problems: list[str]
    warnings: list[str]
    gpus: list[dict[str, Any]]
    driver: str | None


def judge(
    models: list[dict[str, Any]],
    wish: dict[str, Any],
    machine: Machine,
    ask: Ask,
) -> DriverVerdict:
    """Check the host for models (name, gpus); at least one wants a GPU.

    ``wish`` has min_driver, recommended_driver and driver_install (whether the role will install a
    missing driver).
    """
    answer = ask(host_gpus.QUERY)
    gpus, driver = host_gpus.parse_gpus(answer.text)
    if not host_gpus.are_usable(answer.rc, gpus):
        if wish["driver_install"] and driver_failure.installable(answer, machine):
            return DriverVerdict([], list(_before_install(machine)), [], None)
        line = driver_failure.explain(answer, machine, wish["min_driver"], ask)
        return DriverVerdict([line], [], [], driver)
    slices: list[host_gpus.Slice] = []
    if any(gpu["mig"] for gpu in gpus):
        slices = host_gpus.parse_slices(ask(host_gpus.LIST).text)
    problems = list(_check_driver(driver, wish["min_driver"]))
    warnings = [] if problems else list(_below_image(driver, wish["recommended_driver"]))
    problems += host_gpus.check_wishes(gpus, slices, models)
    fabric = check_fabric(gpus, driver or "", machine, ask)
    problems += fabric.problems
    warnings += [*fabric.warnings, *host_gpus.check_health(answer.rc, answer.text)]
    warnings += [*_warnings(gpus, machine), *_capabilities(gpus, models)]
    return DriverVerdict(problems, warnings, gpus, driver)


def judge_toolkit(wish: dict[str, Any], machine: Machine, ask: Ask) -> DriverVerdict:
    """Check a host with the toolkit whose models want no GPU."""
    answer = ask(host_gpus.QUERY)
    gpus, driver = host_gpus.parse_gpus(answer.text)
    if host_gpus.are_usable(answer.rc, gpus):
        warnings = list(host_gpus.check_health(answer.rc, answer.text))
        return DriverVerdict([], warnings, gpus, driver)
    if wish["driver_install"] and driver_failure.installable(answer, machine):
        return DriverVerdict([], list(_before_install(machine)), [], None)
    what = "is true, but nvidia-smi shows no GPU and no model wants one"
    remedy = "write false for this host, or make nvidia-smi work on it"
    return DriverVerdict([problem(_OFFERED, what, remedy)], [], [], driver)


def _before_install(machine: Machine) -> Iterator[str]:
    remedy = "run site.yml again after the reboot that it asks for"
    yield problem("NVIDIA driver", "is not installed yet, so the GPUs cannot be checked", remedy)
    if machine.secure_boot:
        remedy = "enrol the module's key on the console when the host boots, or switch it off"
        yield problem("Secure Boot", "is on and only loads signed modules", remedy)


def _check_driver(driver: str | None, least: str) -> Iterator[str]:
    if driver and numbers(driver) < numbers(least):
        remedy = f"install {least} or newer and reboot"
        yield problem("NVIDIA driver", f"is {driver}, too old for TGI's CUDA", remedy)


def _below_image(driver: str | None, recommended: str) -> Iterator[str]:
    if driver and recommended and numbers(driver) < numbers(recommended):
        what = f"is {driver}: it runs the image's CUDA by minor-version compatibility only"
        yield problem("NVIDIA driver", what, f"install {recommended} or newer when convenient")


def _warnings(gpus: list[dict[str, Any]], machine: Machine) -> Iterator[str]:
    off = [str(gpu["index"]) for gpu in gpus if gpu["persistence"] is False]
    if off:
        what = f"is off for GPU {', '.join(off)}: each first CUDA call waits, and settings are lost"
        yield problem("persistence mode", what, "systemctl enable --now nvidia-persistenced")
    if machine.cards and machine.cards > len(gpus):
        what = f"are {machine.cards} on the PCI bus, but {len(gpus)} in nvidia-smi"
        yield problem("GPUs", what, "check dmesg for Xid 79 and NVRM lines")
    if machine.bare:
        what = f"{machine.bare} boots next and has no NVIDIA module"
        remedy = "install its headers, so that DKMS builds one, before the host is rebooted"
        yield problem("kernel", what, remedy)
    if machine.pending:
        what = f"is pending for {', '.join(machine.pending)}"
        yield problem("reboot", what, "reboot before you deploy models")
    if machine.default_runtime == "nvidia":
        what = "has default-runtime nvidia: images can take GPUs that are reserved for others"
        remedy = "write docker_daemon_settings: {default-runtime: null}; GPUs come by CDI"
        yield problem("/etc/docker/daemon.json", what, remedy)


def _capabilities(gpus: list[dict[str, Any]], models: list[dict[str, Any]]) -> Iterator[str]:
    """Warn of GPUs that TGI's kernels are not built for (TGI 3.3's Dockerfile and launcher)."""
    wanted = {gpu.lower() for model in models for gpu in model["gpus"]}
    kinds = {
        (gpu["name"], gpu["compute_cap"])
        for gpu in gpus
        if gpu["compute_cap"] and wanted & {str(gpu["index"]), gpu["uuid"].lower()}
    }
    for name, capability in sorted(kinds):
        major = numbers(capability)
        what = f"has compute capability {capability}, "
        if major < (7, 5):
            what += "for which TGI has no attention kernels: few models run, and slowly"
            yield problem(name, what, "use a card of 8.0 or newer")
        elif major < (8,):
            what += "and TGI's own kernels need 8.0: attention is flashinfer or paged"
            yield problem(name, what, "quantize only with gptq, eetq or bitsandbytes")
        elif major >= (10,):
            what += "newer than the image's kernels (up to 9.0), which run there by PTX at best"
            yield problem(name, what, "test a model there before you rely on it")
