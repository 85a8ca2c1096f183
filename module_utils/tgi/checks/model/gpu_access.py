"""Check that the container still has its GPUs: it can lose them and still serve for a while."""

from __future__ import annotations

from ...common.text import trim
from ...docker.compose_containers import Container
from .. import model_container
from ..results import Outcome
from ..selection import CheckSpec
from ..session import Session

# Exit codes of docker exec when the program is missing
_NO_PROGRAM = (126, 127)


def judge_access(given: int, code: int, said: str) -> Outcome:
    """Judge exit code and output of nvidia-smi -L in the container."""
    lines = [line for line in said.splitlines() if line.lstrip().startswith(("GPU ", "MIG "))]
    slices = [line for line in lines if line.lstrip().startswith("MIG ")]
    # It may list all and end with an error: 14 tells of a corrupted infoROM, which harms no model
    seen = len(slices or lines)
    words = trim(" ".join(said.split()), 120) or f"exit {code}"
    if seen >= given:
        return Outcome("", f"{seen} of {given}" + (f", exit {code}: {words}" if code else ""))
    if code in _NO_PROGRAM or code < 0:
        problem = f"cannot run nvidia-smi in the container: {words}"
        return Outcome(problem, problem, soft=True)
    problem = f"{seen} of {given}: {words}"
    return Outcome(problem, problem)


async def gpu_access(session: Session) -> Outcome:
    """Check that a new process in the container sees all of the container's GPUs."""
    container = await model_container.find(session.project)
    if not isinstance(container, Container):
        why = container or "Docker has no container of this model"
        problem = f"cannot run nvidia-smi in the container: {why}"
        return Outcome(problem, problem, soft=True)
    return judge_access(len(session.model.gpus), *await model_container.visible(container))


SPECS = (
    CheckSpec(
        "gpu.access",
        "gpu",
        "a new process in the container sees all of its GPUs",
        "The container lost its devices (by systemctl daemon-reload, docker update or a driver "
        "update): run docker restart, then site.yml --tags nvidia_container_toolkit,tgi",
        gpu_access,
        needs=("gpus",),
        generates=False,
        apart=True,
    ),
)
