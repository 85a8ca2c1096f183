"""Whether the container still has its GPUs: it can lose them, and serve on for a while."""

from __future__ import annotations

from ...common.text import trim
from ...docker.compose_containers import Container
from .. import model_container
from ..results import Outcome
from ..selection import CheckSpec
from ..session import Session

# Of docker exec, where there is no such program
_NO_PROGRAM = (126, 127)


def judge_access(given: int, code: int, said: str) -> Outcome:
    """``code`` and ``said`` are of nvidia-smi -L in the container."""
    lines = [line for line in said.splitlines() if line.lstrip().startswith(("GPU ", "MIG "))]
    slices = [line for line in lines if line.lstrip().startswith("MIG ")]
    seen = len(slices or lines) if code == 0 else 0
    if seen >= given:
        return Outcome("", f"{seen} of {given}")
    words = trim(" ".join(said.split()), 120) or f"exit {code}"
    if code in _NO_PROGRAM or code < 0:
        problem = f"cannot be asked: {words}"
        return Outcome(problem, problem, soft=True)
    problem = f"{seen} of {given}: {words}"
    return Outcome(problem, problem)


async def gpu_access(session: Session) -> Outcome:
    """A new process in the container sees every GPU that it was given."""
    container = await model_container.look(session.project)
    if not isinstance(container, Container):
        why = container or "Docker shows no container of this model"
        problem = f"cannot be asked: {why}"
        return Outcome(problem, problem, soft=True)
    return judge_access(len(session.model.gpus), *await model_container.visible(container))


SPECS = (
    CheckSpec(
        "gpu.access",
        "gpu",
        "a new process in the container sees every GPU it was given",
        "The container lost its devices (a systemctl daemon-reload, docker update or a driver "
        "update does that) and fails at its next start: docker restart it, then site.yml --tags "
        "nvidia_container_toolkit,tgi",
        gpu_access,
        needs=("gpus",),
        generates=False,
    ),
)
