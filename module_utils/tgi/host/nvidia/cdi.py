"""Check whether the CDI specification names each GPU of a host."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ...common.commands import Ask
from . import driver_failure
from .cdi_specs import KIND, find_specs, output_of, superfluous
from .driver import look
from .gpus import LIST, QUERY, are_usable, parse_gpus, parse_slices

_CDI = ["nvidia-ctk", "cdi", "list"]
_JOURNAL = ["journalctl", "-u", "nvidia-cdi-refresh", "-n", "4", "-o", "cat", "--no-pager"]


class Devices(NamedTuple):
    """UUIDs of the GPUs and MIG slices for containers, and the device names that CDI has.

    ``problem`` says why there are none. ``cards`` counts GPUs, with or without MIG.
    """

    wanted: tuple[str, ...]
    named: tuple[str, ...]
    cards: int = 0
    problem: str = ""

    @property
    def missing(self) -> list[str]:
        """Return the UUIDs that CDI does not name."""
        return [uuid for uuid in self.wanted if uuid not in self.named]

    @property
    def stale(self) -> list[str]:
        """Return names of devices that are gone: a removed GPU, old MIG slices."""
        return [
            name
            for name in self.named
            if name.startswith(("GPU-", "MIG-")) and name not in self.wanted
        ]


def devices(ask: Ask, root: Path = Path("/")) -> Devices:
    """Run nvidia-smi and nvidia-ctk."""
    answer = ask(QUERY)
    gpus, _ = parse_gpus(answer.text)
    if not are_usable(answer.rc, gpus):
        return Devices((), (), 0, driver_failure.explain(answer, look(root), "a driver", ask))
    wanted = [str(gpu["uuid"]) for gpu in gpus if not gpu["mig"]]
    if any(gpu["mig"] for gpu in gpus):
        wanted += [one.uuid for one in parse_slices(ask(LIST).text)]
    return Devices(tuple(wanted), named(ask), len(gpus))


def named(ask: Ask) -> tuple[str, ...]:
    """Return the device names of kind nvidia.com/gpu in the CDI specification."""
    lines = ask(_CDI).text.splitlines()
    return tuple(line.partition("=")[2] for line in lines if line.startswith(f"{KIND}="))


def offered(ask: Ask) -> list[str]:
    """Return the full names, as Docker needs them: nvidia.com/gpu=0."""
    return [f"{KIND}={name}" for name in named(ask)]


def in_the_way(found: Devices, root: Path = Path("/")) -> dict[str, str]:
    """Return specification files to remove, each with the reason."""
    return superfluous(find_specs(root), output_of(root), found.wanted, root)


def complaint(found: Devices, removed: Mapping[str, str], ask: Ask) -> str:
    """Return a message with the devices that are still missing after the refresh."""
    said = " ".join(ask(_JOURNAL).text.split())
    gone = f" ({', '.join(removed)} was renamed)" if removed else ""
    return (
        f"the CDI specification lacks {', '.join(found.missing)} although nvidia-smi shows it"
        f"{gone}. Remedy: install the NVIDIA kernel module if the refresh was skipped without it, "
        "search /etc/cdi and /var/run/cdi for another file with the same devices; then run "
        f"systemctl restart nvidia-cdi-refresh. Its log: {said}"
    )
