"""Check the NVSwitch fabric between a machine's GPUs; CUDA fails without it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ...common.commands import Ask
from ...common.problem import problem
from .driver import Machine

_QUERY = ["nvidia-smi", "-q", "-i", "0"]
_SERVICE = ["systemctl", "is-active", "nvidia-fabricmanager"]
_MANAGER = ["nv-fabricmanager", "--version"]
# GPUs on NVSwitch boards whose driver shows the fabric's state
_TELLING = re.compile(r"H100 80GB HBM3|H800|H200(?! NVL)|H20\b|G?B[23]00")
_STATE = re.compile(r"(?m)^ +Fabric\s*\n +State +: (.*)\n +Status +: (.*)$")


class Fabric(NamedTuple):
    """``problems`` stop CUDA, ``warnings`` may."""

    problems: list[str]
    warnings: list[str]


def check_fabric(gpus: list[dict[str, Any]], driver: str, machine: Machine, ask: Ask) -> Fabric:
    """Check the fabric, if there is one."""
    state, status = "", ""
    if any(_TELLING.search(gpu["name"]) for gpu in gpus):
        found = _STATE.search(ask(_QUERY).text)
        state, status = (found[1].strip(), found[2].strip()) if found else ("", "")
    if state == "Completed" and status in ("Success", "N/A"):
        return Fabric([], [])
    started = state in ("Not Started", "In Progress", "Completed")
    if not started and not machine.switches:
        return Fabric([], [])
    if not started and ask(_SERVICE).text.strip() == "active":
        return Fabric([], [])
    line = _line(state, status, driver, ask)
    # Boards without switches may never complete it and still work
    sure = bool(machine.switches) or state == "Completed"
    return Fabric([line], []) if sure else Fabric([], [line])


def _line(state: str, status: str, driver: str, ask: Ask) -> str:
    said = f"{state}, {status}" if state and status not in ("", "N/A") else state
    what = f"is not up ({said or 'nvidia-fabricmanager does not run'}): CUDA fails with error 802"
    version = re.search(r"(?<!\d)\d+\.\d+[.\d]*", ask(_MANAGER).text)
    remedy = f"systemctl enable --now nvidia-fabricmanager, at exactly version {driver}"
    if version is None:
        remedy = (
            f"install nvidia-fabricmanager {driver}, exactly the driver's version, and start it"
        )
    elif version[0] != driver:
        what += f"; nvidia-fabricmanager is {version[0]}, the driver {driver}"
        remedy = f"install nvidia-fabricmanager {driver}, and start it"
    return problem("NVSwitch fabric", what, remedy)
