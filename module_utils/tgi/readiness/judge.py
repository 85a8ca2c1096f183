"""Judge one model from its container, log and probe: loading, ready or failed, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..common.log_lines import Line
from ..docker.compose_containers import Container
from ..engines.tgi.causes import Cause, explain_death, recognise
from ..engines.tgi.phases import BUSY, RESTART, SLOW, Progress, deadline, last_run, read_progress
from .probe import Probe
from .state import Failure, Memory, Status, Wanted

_PATIENCE = 10.0
"""Seconds that a server gets after its first HTTP answer: a busy one may refuse some."""


def remember(memory: Memory, container: Container) -> bool:
    """Remember a container; return whether it has restarted since it was first seen."""
    if memory.container != container.id or container.restarts < memory.restarts:
        memory.container, memory.restarts = container.id, container.restarts
        memory.serving_since, memory.late = 0.0, 0
    return container.restarts > memory.restarts


def split_runs(lines: Sequence[Line], container: Container) -> tuple[list[Line], list[Line]]:
    """Return the lines of the run before the last one, and those of the last one."""
    before = [line for line in lines if line.at < container.boundary]
    return last_run(before), [line for line in lines if line.at >= container.boundary]


_TROUBLE = re.compile(r"error: |Error: |Traceback|thread '.*panicked")
_EVIDENCE = 15


def _evidence(lines: Sequence[Line], cause: Cause | None = None) -> tuple[str, ...]:
    """Return the last lines, from shortly before the first sign of trouble if there is one."""
    first = next(
        (
            index
            for index, line in enumerate(lines)
            if line.level == "ERROR" or _TROUBLE.match(line.message)
        ),
        0,
    )
    last = [line.text for line in lines[max(0, first - 2) :] if line.text.strip()][-_EVIDENCE:]
    if cause and cause.line and cause.line not in last:
        return (cause.line, "…", *last[2:])
    return tuple(last)


def judge_dead(
    wanted: Wanted, container: Container, run: Sequence[Line], exit_code: int | None
) -> Status:
    """Judge a container that does not run, or that restarted while we waited."""
    stage = read_progress(run, container.started).phase
    if container.status == "paused":
        exit_code = None
        cause = Cause("paused", "the container is paused", "docker unpause CONTAINER")
    else:
        error = "" if container.status == "running" else container.error
        cause = explain_death(run, stage, exit_code, container.out_of_memory, error)
    failure = Failure(cause.id, cause.text, cause.remedy, exit_code, _evidence(run, cause))
    return Status(
        wanted.name,
        "silent" if container.quiet and stage == "start" else stage,
        container=container.name,
        restarts=container.restarts,
        failure=failure,
    )


def _stage(
    container: Container, run: Sequence[Line] | None, seen: Probe, memory: Memory, now: float
) -> Progress:
    """Return phase, beginning and detail of a running container that is not ready."""
    since = container.started or container.created
    if run is None or container.quiet:
        stage = Progress("silent", since, "")
    else:
        stage = read_progress(run, since)
    if not seen.listening and stage.phase != "serve":
        return stage
    memory.serving_since = memory.serving_since or now
    memory.late += seen.late
    began = stage.began if stage.phase == "serve" else memory.serving_since
    return Progress("serve", began, seen.detail)


def judge_running(
    wanted: Wanted,
    container: Container,
    run: Sequence[Line] | None,
    seen: Probe,
    memory: Memory,
    now: float,
) -> Status:
    """Judge a running container; ``run`` is the log of its last run, None if unreadable."""
    if seen.ready:
        memory.late = 0
        up = max(0.0, now - container.started)
        return Status(wanted.name, "ready", True, up, 0.0, "", container.name, container.restarts)
    stage = _stage(container, run, seen, memory, now)
    allowed = deadline(stage.phase, wanted.timeouts)
    elapsed = max(0.0, now - stage.began)
    failure = None
    patient = stage.phase != "serve" or now - memory.serving_since >= min(_PATIENCE, allowed)
    if elapsed > allowed and patient:
        failure = _overdue(stage, allowed, run or [], seen)
    return Status(
        wanted.name,
        stage.phase,
        False,
        elapsed,
        allowed,
        stage.detail,
        container.name,
        container.restarts,
        failure,
    )


def _overdue(stage: Progress, allowed: float, run: Sequence[Line], seen: Probe) -> Failure:
    known = recognise(run, stage.phase)
    within = f"within {allowed:g} s"
    cause = "deadline"
    if seen.healthy:
        cause = "not_generating"
        text = f"/health returns 200, but generation fails: {seen.detail}; no token {within}"
        remedy = RESTART if known else f"{RESTART}; if it is only overloaded, {BUSY}"
    elif stage.phase == "serve":
        text = f"not ready {within}: {seen.detail}"
        remedy = RESTART if "/health answered 5" in seen.detail else SLOW["serve"]
    else:
        text = f"not done {within}, and the container still runs"
        remedy = "" if known else SLOW[stage.phase]
    if known:
        text = f"{text}; the log says: {known.text}"
        remedy = f"{remedy}; if it comes back: {known.remedy}" if remedy else known.remedy
    return Failure(cause, text, remedy, None, _evidence(run, known))


def judge_absent(wanted: Wanted) -> Status:
    """Return the status of a model whose Compose project has no container."""
    failure = Failure(
        "absent",
        f"no container of Compose project {wanted.project} exists",
        "run site.yml --tags tgi; docker compose ls --all on the host lists its projects",
    )
    return Status(wanted.name, "absent", failure=failure)
