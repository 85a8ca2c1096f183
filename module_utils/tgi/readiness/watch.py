"""Inspect all models of a host until each is ready, one fails, or time is up."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Callable

from ..docker.compose_containers import Container, Docker, DockerError
from ..engines.releases import other_release
from ..engines.tgi.causes import Cause
from ..engines.tgi.log import parse
from ..engines.tgi.phases import read_progress
from .judge import judge_absent, judge_dead, judge_running, remember, split_runs, warn_of
from .probe import Probe, label_of, probe_all
from .state import Memory, Status, Wanted

ProbeAll = Callable[[dict[str, tuple[str, float]]], dict[str, Probe]]
_START = 3600.0
"""Seconds in which a start is over, where a long log has pushed out its beginning."""
_LONG = 1000
"""Lines of a log that may have lost its beginning."""
_FIRST_TIMEOUT = 8.0
"""Seconds for the first request; doubled each time that was not enough."""


class Watcher:
    """Watches ``models``; ``memories`` holds what earlier calls remembered, by name.

    ``version`` is the release that their image should be, "" if that is not known.
    """

    def __init__(
        self,
        models: Sequence[Wanted],
        memories: dict[str, Memory],
        docker: Docker | None = None,
        probes: ProbeAll = probe_all,
        clock: Callable[[], float] = time.time,
        probe_timeout: float = 30.0,
        version: str = "",
        label: Callable[[str, float], str] = label_of,
    ) -> None:
        self.models = models
        self.memories = memories
        self._docker = docker or Docker(parse)
        self._probes = probes
        self._clock = clock
        self._probe_timeout = probe_timeout
        self._version = version
        self._label = label
        self._starts: dict[tuple[str, float], tuple[tuple[Cause, ...], float]] = {}

    def look(self) -> list[Status]:
        """Inspect every model once, in order. Raises DockerError if Docker does not answer."""
        found = self._docker.containers(model.project for model in self.models)
        asked: dict[str, tuple[str, float]] = {}
        for model in self.models:
            container = found.get(model.project)
            if container and container.status == "running":
                late = self._memory(model).late
                timeout = min(self._probe_timeout, _FIRST_TIMEOUT * 2**late)
                asked[model.name] = (model.url, timeout)
        seen = self._probes(asked)
        return [
            self._judge(model, found.get(model.project), seen.get(model.name))
            for model in self.models
        ]

    def _memory(self, model: Wanted) -> Memory:
        return self.memories.setdefault(model.name, Memory())

    def _judge(self, model: Wanted, container: Container | None, seen: Probe | None) -> Status:
        if container is None:
            return judge_absent(model)
        memory = self._memory(model)
        first = not memory.container
        restarted = remember(memory, container)
        was_ready = memory.ready_since > 0
        now = self._clock()
        if seen and seen.ready and not (restarted and was_ready):
            warnings, served = self._start(container, model.url)
            if first and now - served > model.steady:
                memory.ready_since = served
            status = judge_running(model, container, None, seen, memory, now)
            return replace(status, warnings=warnings)
        lines = self._docker.logs(container.id)
        before, run = split_runs(lines or [], container)
        if seen is None and container.status == "created" and not container.error:
            seen = Probe(False, False, "")
        if seen is None:
            return judge_dead(model, container, run, container.exit_code, was_ready)
        if restarted:
            since = container.finished - 1
            code = self._docker.last_exit_code(container.id, since, now)
            return judge_dead(model, container, before, code, was_ready)
        return judge_running(model, container, None if lines is None else run, seen, memory, now)

    def _start(self, container: Container, url: str) -> tuple[tuple[Cause, ...], float]:
        """Return what is not as asked of this run, and when it began to serve.

        The latter is when the container started, if the log does not say it. Reads each run's log
        and label once.
        """
        run = (container.id, container.started)
        if run not in self._starts:
            _, lines = split_runs(self._docker.logs(container.id) or [], container)
            if len(lines) > _LONG and not any(line.message == "Args {" for line in lines):
                lines = self._docker.first_logs(container, _START)
            stage = read_progress(lines, container.started)
            served = stage.began if stage.phase == "serve" else container.started
            label = self._label(url, _FIRST_TIMEOUT) if self._version else ""
            other = other_release(label, self._version)
            warnings = (*warn_of(lines, container), *([other] if other else []))
            self._starts[run] = warnings, served
        return self._starts[run]

    def watch(
        self, window: float, interval: float, sleep: Callable[[float], None] = time.sleep
    ) -> list[Status]:
        """Inspect until all are ready or one has failed, at most about ``window`` seconds.

        A request that runs at the end of the window is waited for. Docker may be down for part of
        the window (a restart of its daemon); at the end of it raises DockerError.
        """
        until = self._clock() + window
        while True:
            try:
                statuses = self.look()
            except DockerError:
                if self._clock() + interval > until:
                    raise
                sleep(interval)
                continue
            if all(one.ready for one in statuses) or any(one.failure for one in statuses):
                return statuses
            if self._clock() + interval > until:
                return statuses
            sleep(interval)
