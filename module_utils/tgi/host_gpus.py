"""Whether the GPUs a host has are those its models ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from .inventory_problem import problem

FIELDS = "index,uuid,name,memory.total,driver_version,compute_cap"
QUERY = ["nvidia-smi", f"--query-gpu={FIELDS}", "--format=csv,noheader,nounits"]
_CPU = "or write gpus: [] for each model, to run on the CPU"
# What nvidia-smi prints (on stdout) when it cannot answer -> what that means, what to do
_FAILURES = (
    (
        "Driver/library version mismatch",
        "was updated while its old module was loaded",
        "reboot the host",
    ),
    (
        "couldn't communicate with the NVIDIA driver",
        "is installed but not running",
        "load it (modprobe nvidia; dmesg and mokutil --sb-state tell why not), then reboot",
    ),
    (
        "couldn't find libnvidia-ml.so",
        "is incomplete: nvidia-smi finds no libnvidia-ml.so",
        f"install the driver's libraries and reboot, {_CPU}",
    ),
    (
        "No devices were found",
        "runs but finds no GPU",
        f"look at lspci -d 10de: and dmesg, {_CPU}",
    ),
    (
        "Insufficient Permissions",
        "refuses access",
        "let the preflight become root, and look at the host's SELinux log",
    ),
    ("Unknown Error", "has lost its GPU", "look for Xid lines in dmesg and reboot the host"),
)


class Answer(NamedTuple):
    """What nvidia-smi said; ``rc`` is None when there is no nvidia-smi."""

    rc: int | None
    text: str


def parse_gpus(text: str) -> tuple[list[dict[str, Any]], str | None]:
    """Give the GPUs and the driver's version from the answer to QUERY.

    Each GPU has index (int), uuid, name, memory_mib (int or None) and compute_cap (str or
    None): fields that a card does not support come as words in brackets.
    """
    gpus: list[dict[str, Any]] = []
    driver = None
    for line in text.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != 6 or not fields[0].isdigit():
            continue
        index, uuid, name, memory, driver, capability = fields
        gpus.append(
            {
                "index": int(index),
                "uuid": uuid,
                "name": name,
                "memory_mib": int(memory) if memory.isdigit() else None,
                "compute_cap": None if capability.startswith("[") else capability,
            }
        )
    return gpus, driver


def check_gpus(answer: Answer, models: list[dict[str, Any]], least_driver: str) -> list[str]:
    """Judge nvidia-smi's answer against the models, each with ``name`` and ``gpus``."""
    gpus, driver = parse_gpus(answer.text)
    if answer.rc != 0 or not gpus:
        return [_no_answer(answer, least_driver)]
    found = []
    if driver and _version(driver) < _version(least_driver):
        remedy = f"install {least_driver} or newer and reboot"
        found.append(problem("NVIDIA driver", f"is {driver}, too old for TGI's CUDA", remedy))
    return found + list(_check_wishes(gpus, models))


def check_toolkit(answer: Answer) -> list[str]:
    """Judge nvidia-smi's answer where the toolkit is asked for and no model wants a GPU."""
    if answer.rc == 0 and parse_gpus(answer.text)[0]:
        return []
    what = "is true, but nvidia-smi shows no GPU and no model wants one"
    remedy = "write false for this host, or make nvidia-smi work on it"
    return [problem("nvidia_container_toolkit_enabled", what, remedy)]


def _no_answer(answer: Answer, least_driver: str) -> str:
    if answer.rc is None:
        remedy = f"install {least_driver} or newer and reboot, {_CPU}"
        return problem("NVIDIA driver", "is not installed (no nvidia-smi)", remedy)
    for words, meaning, remedy in _FAILURES:
        if words in answer.text:
            return problem("NVIDIA driver", meaning, remedy)
    said = " ".join(answer.text.split())[:160] or "nothing"
    what = f"does not answer: nvidia-smi ended with {answer.rc} and said {said}"
    return problem("NVIDIA driver", what, "make nvidia-smi work on the host")


def _check_wishes(gpus: list[dict[str, Any]], models: list[dict[str, Any]]) -> Iterator[str]:
    names = {str(gpu["index"]): gpu["uuid"] for gpu in gpus}
    names.update({gpu["uuid"].lower(): gpu["uuid"] for gpu in gpus})
    present = ", ".join(f"{gpu['index']} ({gpu['uuid']}, {gpu['name']})" for gpu in gpus)
    wanted = sum(len(model["gpus"]) for model in models)
    if wanted > len(gpus):
        remedy = "deploy fewer models here, lower num_shard, or write gpus: [] for the CPU"
        yield problem("GPUs", f"are {len(gpus)}, but the models want {wanted}", remedy)
    owners: dict[str, tuple[str, str]] = {}
    for model in models:
        for gpu in model["gpus"]:
            uuid = names.get(gpu.lower())
            where = f"GPU {gpu} of model {model['name']}"
            if uuid is None:
                # Fewer GPUs than wanted explains an index past the end already
                if not (gpu.isdigit() and wanted > len(gpus)):
                    yield problem(where, "is not in this host", f"write one of {present}")
            elif uuid in owners and owners[uuid][1] != gpu:
                owner, name = owners[uuid]
                what = f"is the same card as GPU {name} of model {owner}"
                yield problem(where, what, "write gpus for both, each card once")
            else:
                owners.setdefault(uuid, (model["name"], gpu))


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))
