"""Whether containers can have every GPU of a host by CDI, and what to do where they cannot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ...common.commands import Ask
from . import driver_failure
from .cdi_specs import KIND, find_specs, output_of, superfluous
from .driver import look
from .gpus import LIST, QUERY, parse_gpus, parse_slices

_CDI = ["nvidia-ctk", "cdi", "list"]
_JOURNAL = ["journalctl", "-u", "nvidia-cdi-refresh", "-n", "4", "-o", "cat", "--no-pager"]


class Devices(NamedTuple):
    """UUIDs of the cards and slices a container could be given, and those CDI names.

    ``problem`` says why there are none. ``cards`` counts cards, split or not.
    """

    wanted: tuple[str, ...]
    named: tuple[str, ...]
    cards: int = 0
    problem: str = ""

    @property
    def missing(self) -> list[str]:
        return [uuid for uuid in self.wanted if uuid not in self.named]

    @property
    def stale(self) -> list[str]:
        """Named, and no longer there: a card that left, slices that were cut anew."""
        return [
            name
            for name in self.named
            if name.startswith(("GPU-", "MIG-")) and name not in self.wanted
        ]


def devices(ask: Ask, root: Path = Path("/")) -> Devices:
    """Ask the driver and the toolkit."""
    answer = ask(QUERY)
    gpus, _ = parse_gpus(answer.text)
    if answer.rc != 0 or not gpus:
        return Devices((), (), 0, driver_failure.explain(answer, look(root), "a driver", ask))
    wanted = [str(gpu["uuid"]) for gpu in gpus if not gpu["mig"]]
    if any(gpu["mig"] for gpu in gpus):
        wanted += [one.uuid for one in parse_slices(ask(LIST).text)]
    return Devices(tuple(wanted), named(ask), len(gpus))


def named(ask: Ask) -> tuple[str, ...]:
    """Device names of NVIDIA's kind in the CDI specification."""
    lines = ask(_CDI).text.splitlines()
    return tuple(line.partition("=")[2] for line in lines if line.startswith(f"{KIND}="))


def offered(ask: Ask) -> list[str]:
    """The same with their kind, as Docker is asked for them: nvidia.com/gpu=0."""
    return [f"{KIND}={name}" for name in named(ask)]


def in_the_way(found: Devices, root: Path = Path("/")) -> dict[str, str]:
    """Specification files that have to go, each with the reason."""
    return superfluous(find_specs(root), output_of(root), found.wanted, root)


def complaint(found: Devices, removed: Mapping[str, str], ask: Ask) -> str:
    """Say what the specification lacks after all that could be done."""
    said = " ".join(ask(_JOURNAL).text.split())
    gone = f" ({', '.join(removed)} was put aside)" if removed else ""
    return (
        f"the CDI specification lacks {', '.join(found.missing)} although nvidia-smi shows it"
        f"{gone}. Remedy: install the NVIDIA kernel module where the refresh was skipped for want "
        "of it, look into /etc/cdi and /var/run/cdi for a file that names the same devices; then "
        f"systemctl restart nvidia-cdi-refresh. It said: {said}"
    )
