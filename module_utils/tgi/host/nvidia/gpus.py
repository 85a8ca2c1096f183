"""Read a host's GPUs from nvidia-smi, and check those that its models want."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from ...common.problem import problem

FIELDS = "index,uuid,name,memory.total,driver_version,compute_cap,mig.mode.current,persistence_mode"
QUERY = ["nvidia-smi", f"--query-gpu={FIELDS}", "--format=csv,noheader,nounits"]
#: Lists MIG slices, which QUERY does not
LIST = ["nvidia-smi", "-L"]
#: Exit codes with which nvidia-smi lists all GPUs and they work: what it warns of, and the remedy
AILING = {
    8: (
        "lacks a power cable, or one is loose",
        "attach it; until then the card may be slow, or drop out under load",
    ),
    10: ("has an interrupt problem", "look for NVRM lines in dmesg, and reboot the host"),
    14: (
        "has a corrupted infoROM",
        "models run on it, but ask your vendor to replace the card: NVIDIA takes it back for this",
    ),
}
_ROW = re.compile(r"\d+, (?:GPU|MIG)-")
_BUS = re.compile(r"\b[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d\b")
_NEEDED = 6
_CARD = re.compile(r"GPU (\d+): ")
_SLICE = re.compile(r"\s+MIG (\S+)\s+Device\s+\d+: \(UUID: ([^)]+)\)")


class Slice(NamedTuple):
    """A MIG slice: its GPU's index, its UUID and its profile (1g.10gb)."""

    card: int
    uuid: str
    profile: str


def parse_gpus(text: str) -> tuple[list[dict[str, Any]], str | None]:
    """Return the GPUs and the driver's version from the output of QUERY.

    Each GPU has index (int), uuid, name, memory_mib (int or None), compute_cap (str or None), mig
    and persistence (bool or None). Fields that a GPU does not support are words in brackets.
    """
    gpus: list[dict[str, Any]] = []
    driver = None
    for line in text.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) < _NEEDED or not fields[0].isdigit():
            continue
        index, uuid, name, memory, driver, capability, mig, persistence = [*fields, "", ""][:8]
        switch = {"Enabled": True, "Disabled": False}
        gpus.append(
            {
                "index": int(index),
                "uuid": uuid,
                "name": name,
                "memory_mib": int(memory) if memory.isdigit() else None,
                "compute_cap": None if capability.startswith("[") else capability,
                "mig": switch.get(mig),
                "persistence": switch.get(persistence),
            }
        )
    return gpus, driver


def are_usable(rc: int | None, gpus: Collection[Any]) -> bool:
    """Return whether nvidia-smi, which ended with ``rc``, listed GPUs that work."""
    return bool(gpus) and (rc == 0 or rc in AILING)


def check_health(rc: int | None, text: str) -> Iterator[str]:
    """Yield what the exit code of QUERY warns of; the text may name the card."""
    if rc in AILING:
        what, remedy = AILING[rc]
        cards = list(dict.fromkeys(_BUS.findall(text)))
        yield problem("a GPU" + (f" ({', '.join(cards)})" if cards else ""), what, remedy)


def without_rows(text: str) -> str:
    """Return what else than GPUs is in the output of QUERY."""
    return "\n".join(line for line in text.splitlines() if not _ROW.match(line))


def parse_slices(text: str) -> list[Slice]:
    """Return the MIG slices from the output of LIST."""
    found = []
    card = -1
    for line in text.splitlines():
        if match := _CARD.match(line):
            card = int(match[1])
        elif match := _SLICE.match(line):
            found.append(Slice(card, match[2], match[1]))
    return found


def check_wishes(
    gpus: list[dict[str, Any]], slices: list[Slice], models: list[dict[str, Any]]
) -> Iterator[str]:
    """Check the GPUs and slices that the models, each with ``name`` and ``gpus``, want."""
    names, present = _places(gpus, slices)
    split = {str(name).lower(): gpu for gpu in gpus if gpu["mig"] for name in _names_of(gpu)}
    wanted = sum(len(model["gpus"]) for model in models)
    if wanted > len(present):
        remedy = "deploy fewer models here, lower num_shard, or write gpus: [] for the CPU"
        yield problem("GPUs", f"are {len(present)}, but the models want {wanted}", remedy)
    owners: dict[str, tuple[str, str]] = {}
    for model in models:
        for gpu in model["gpus"]:
            uuid = names.get(gpu.lower())
            where = f"GPU {gpu} of model {model['name']}"
            if gpu.lower() in split:
                yield _split(where, split[gpu.lower()], slices)
            elif uuid is None:
                # The message about too few GPUs already explains an index past the end
                if not (gpu.isdigit() and wanted > len(present)):
                    yield problem(where, "is not in this host", f"write one of {_list(present)}")
            elif uuid in owners and owners[uuid][1] != gpu:
                owner, name = owners[uuid]
                what = f"is the same card as GPU {name} of model {owner}"
                yield problem(where, what, "write gpus for both models, each card once")
            else:
                owners.setdefault(uuid, (model["name"], gpu))
        yield from _check_slices(model, names)


def _places(
    gpus: list[dict[str, Any]], slices: list[Slice]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return each allowed name -> UUID, and UUID -> description, of usable GPUs and slices."""
    names: dict[str, str] = {}
    present: dict[str, str] = {}
    for gpu in gpus:
        if not gpu["mig"]:
            names.update((str(name).lower(), gpu["uuid"]) for name in _names_of(gpu))
            present[gpu["uuid"]] = f"{gpu['index']} ({gpu['uuid']}, {gpu['name']})"
    for one in slices:
        names[one.uuid.lower()] = one.uuid
        present[one.uuid] = f"{one.uuid} ({one.profile} of GPU {one.card})"
    return names, present


def _names_of(gpu: dict[str, Any]) -> tuple[str, str]:
    return str(gpu["index"]), gpu["uuid"]


def _list(present: dict[str, str]) -> str:
    return ", ".join(present.values()) or "none, as there is none"


def _split(where: str, gpu: dict[str, Any], slices: list[Slice]) -> str:
    own = {one.uuid: f"{one.uuid} ({one.profile})" for one in slices if one.card == gpu["index"]}
    if own:
        return problem(where, "is split into MIG slices", f"write one of {_list(own)}")
    remedy = (
        f"create some (nvidia-smi mig -i {gpu['index']} -cgi … -C), "
        f"or switch MIG off (nvidia-smi -i {gpu['index']} -mig 0)"
    )
    return problem(where, "is in MIG mode but has no slice", remedy)


def _check_slices(model: dict[str, Any], names: dict[str, str]) -> Iterator[str]:
    uuids = [names.get(gpu.lower(), "") for gpu in model["gpus"]]
    if len(uuids) > 1 and any(uuid.startswith("MIG-") for uuid in uuids):
        what = f"wants {len(uuids)} GPUs, but CUDA shows a process only one MIG slice"
        yield problem(f"model {model['name']}", what, "write one slice, and num_shard: 1")
