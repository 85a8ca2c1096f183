"""Judge one model from its container, log and probe: loading, ready or failed, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ..common.log_lines import Line
from ..common.text import shorten
from ..docker.compose_containers import Container
from ..docker.start_errors import start_error
from ..engines.tgi.causes import Cause, explain_death, recognise
from ..engines.tgi.causes_gpu import GPU_UNSEEN
from ..engines.tgi.phases import BUSY, RESTART, SLOW, Progress, deadline, last_run, read_progress
from ..engines.tgi.quote import quote
from ..engines.tgi.start_warnings import start_warnings
from .probe import Probe
from .state import Failure, Memory, Status, Wanted

_UNSEEN = re.compile(rf"{GPU_UNSEEN}|Could not import Flash Attention enabled models")
_PATIENCE = 10.0
_SILENT_MINUTES = 2
"""Seconds that a server gets after its first HTTP answer: a busy one may refuse some."""


def remember(memory: Memory, container: Container) -> bool:
    """Remember a container; return whether Docker has restarted it since it was first seen.

    A run that was started by hand is a new one: nothing is known of it yet.
    """
    if memory.container == container.id and container.restarts > memory.restarts:
        return True
    run = (container.id, container.restarts, container.started)
    if run != (memory.container, memory.restarts, memory.started):
        memory.container, memory.restarts, memory.started = run
        memory.serving_since, memory.ready_since, memory.late = 0.0, 0.0, 0
    return False


def split_runs(lines: Sequence[Line], container: Container) -> tuple[list[Line], list[Line]]:
    """Return the lines of the run before the last one, and those of the last one."""
    before = [line for line in lines if line.at < container.boundary]
    return last_run(before), [line for line in lines if line.at >= container.boundary]


def on_host(remedy: str, container: Container) -> str:
    """Name the host's folder in a remedy, where Docker says which it is."""
    return remedy.replace("tgi_data_dir/", f"{container.data or 'tgi_data_dir'}/")


def warn_of(lines: Sequence[Line], container: Container) -> tuple[Cause, ...]:
    """Return what a ready server's log says is not as asked."""
    return tuple(
        replace(one, remedy=on_host(one.remedy, container))
        for one in start_warnings(_for(container, lines))
    )


def _for(container: Container, lines: Sequence[Line]) -> Sequence[Line]:
    """Leave out that a container sees no GPU if it asks for none."""
    if container.devices is not False:
        return lines
    return [line for line in lines if line.level != "WARN" or not _UNSEEN.search(line.message)]


def judge_dead(
    wanted: Wanted,
    container: Container,
    run: Sequence[Line],
    exit_code: int | None,
    was_ready: bool = False,
) -> Status:
    """Judge a container that does not run, or that restarted while we waited.

    ``was_ready`` says that it had generated a token; a long log may not show that any more.
    """
    stage = "serve" if was_ready else read_progress(run, container.started).phase
    if container.status == "paused":
        exit_code = None
        cause = Cause("paused", "the container is paused", "docker unpause CONTAINER")
    else:
        error = "" if container.status == "running" else container.error
        cause = _docker_said(error) or explain_death(
            _for(container, run),
            stage,
            exit_code,
            container.out_of_memory,
            error,
            container.offline,
            container.memory,
        )
    remedy = on_host(cause.remedy, container)
    failure = Failure(cause.id, cause.text, remedy, exit_code, quote(run, cause))
    shown = "silent" if container.quiet and stage == "start" else stage
    return Status(
        wanted.name,
        "steady" if was_ready else shown,
        container=container.name,
        restarts=container.restarts,
        failure=failure,
    )


def _docker_said(error: str) -> Cause | None:
    """Return why Docker could not start a container, from its own words."""
    found = start_error(error)
    if found is None:
        return None
    return Cause(found.id, f"{found.text} ({shorten(error)})", found.remedy, error)


def _stage(
    container: Container, run: Sequence[Line] | None, seen: Probe, memory: Memory, now: float
) -> Progress:
    """Return phase, beginning and detail of a running container that is not ready."""
    since = container.started or container.created
    if run is None or container.quiet:
        stage = Progress("silent", since, "")
    else:
        stage = read_progress(run, since)
    served = seen.listening or memory.ready_since > 0
    if not served and stage.phase != "serve":
        return stage
    # The log says Connected before the port is open
    phase = "serve" if served else "listen"
    memory.serving_since = memory.serving_since or now
    memory.late += seen.late
    # One that has generated has the whole deadline from the moment at which it stopped
    logged = stage.phase == "serve" and not memory.ready_since
    return Progress(phase, stage.began if logged else memory.serving_since, seen.detail)


def _generates(wanted: Wanted, container: Container, memory: Memory, now: float) -> Status:
    """Judge a container that has just generated: ready, or watched until it has for long enough."""
    memory.late, memory.serving_since = 0, 0.0
    memory.restarts, memory.started = container.restarts, container.started
    memory.ready_since = memory.ready_since or now
    name, restarts = container.name, container.restarts
    watched = max(0.0, now - memory.ready_since)
    if watched < wanted.steady:
        return Status(wanted.name, "steady", False, watched, wanted.steady, "", name, restarts)
    up = max(0.0, now - container.started)
    return Status(wanted.name, "ready", True, up, 0.0, "", name, restarts)


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
        return _generates(wanted, container, memory, now)
    stage = _stage(container, run, seen, memory, now)
    silence = _silence(stage, run or [], now)
    allowed = deadline(stage.phase, wanted.timeouts)
    elapsed = max(0.0, now - stage.began)
    failure = None
    served = now - memory.serving_since
    patient = stage.phase not in ("listen", "serve") or served >= min(_PATIENCE, allowed)
    if elapsed > allowed and patient:
        failure = _overdue(stage, allowed, run or [], seen, container, silence)
    elif refuses := _refuses_all(run or []) if seen.healthy else None:
        failure = Failure(refuses.id, refuses.text, refuses.remedy)
    return Status(
        wanted.name,
        "steady" if failure and memory.ready_since else stage.phase,
        False,
        elapsed,
        allowed,
        "; ".join(filter(None, [stage.detail, silence])),
        container.name,
        container.restarts,
        failure,
    )


def _silence(stage: Progress, run: Sequence[Line], now: float) -> str:
    """Return how long the log has been silent, if long: a download that hangs prints nothing."""
    minutes = int((now - run[-1].at) / 60) if run and run[-1].at else 0
    spoken = stage.phase in ("start", "download", "load", "warmup")
    return f"no line for {minutes} min" if spoken and minutes >= _SILENT_MINUTES else ""


def _refuses_all(run: Sequence[Line]) -> Cause | None:
    return next((one for one in start_warnings(run) if one.id == "refuses_all"), None)


def _overdue(
    stage: Progress,
    allowed: float,
    run: Sequence[Line],
    seen: Probe,
    container: Container,
    silence: str,
) -> Failure:
    known = recognise(_for(container, run), stage.phase, container.offline)
    within = f"within {allowed:g} s"
    cause = "deadline"
    if seen.healthy:
        cause = "not_generating"
        text = f"/health returns 200, but generation fails: {seen.detail}; no token {within}"
        remedy = RESTART if known else f"{RESTART}; if it is only overloaded, {BUSY}"
    elif stage.phase in ("listen", "serve"):
        text = f"not ready {within}: {seen.detail}"
        remedy = RESTART if "/health answered 5" in seen.detail else SLOW["serve"]
    else:
        text = f"not done {within}, and the container still runs"
        text += f" ({silence})" if silence else ""
        remedy = "" if known else SLOW[stage.phase]
    if known:
        text = f"{text}; the log says: {known.text}"
        remedy = f"{remedy}; if it comes back: {known.remedy}" if remedy else known.remedy
    return Failure(cause, text, on_host(remedy, container), None, quote(run, known))


def judge_absent(wanted: Wanted) -> Status:
    """Return the status of a model whose Compose project has no container."""
    failure = Failure(
        "absent",
        f"no container of Compose project {wanted.project} exists",
        "run site.yml --tags tgi; docker compose ls --all on the host lists its projects",
    )
    return Status(wanted.name, "absent", failure=failure)
