"""Read what the callback ansible.posix.jsonl prints: one JSON object a line, among other lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median_low
from typing import Any


@dataclass
class Task:
    """A task of a run, over all hosts and the items of a loop."""

    name: str
    seconds: float = 0.0


@dataclass
class Run:
    """One run of a playbook: wall time in seconds, and the recap over its hosts.

    ``executed`` and ``skipped`` are the busiest host's, for hosts run side by side; ``changed``
    is the sum.
    """

    seconds: float
    code: int
    hosts: int = 0
    executed: int = 0
    skipped: int = 0
    changed: int = 0
    #: Seconds of CPU on the controller, all processes of the run
    cpu: float = 0.0
    failure: str = ""
    tasks: dict[str, Task] = field(default_factory=dict)
    changed_tasks: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return self.code != 0

    def dearest(self, count: int) -> list[Task]:
        return sorted(self.tasks.values(), key=lambda task: task.seconds, reverse=True)[:count]


def middle(runs: Sequence[Run]) -> Run:
    """The run of median time."""
    wanted = median_low([run.seconds for run in runs])
    return next(run for run in runs if run.seconds == wanted)


def read_events(text: str, seconds: float, code: int) -> Run:
    """Sum up a run. Lines that are no events (a progress line, a warning) are passed over."""
    run = Run(seconds, code)
    for event in _events(text):
        kind = event["_event"]
        if kind == "v2_playbook_on_stats":
            recap = list(event["stats"].values())
            run.hosts = len(recap)
            run.skipped = max((host["skipped"] for host in recap), default=0)
            run.executed = max((host["ok"] for host in recap), default=0)
            run.changed = sum(host["changed"] for host in recap)
        elif kind in ("v2_runner_on_ok", "v2_runner_on_failed", "v2_runner_on_skipped"):
            _add_result(run, event, kind == "v2_runner_on_failed")
    return run


def _events(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "_event" in event:
            yield event


def _add_result(run: Run, event: dict[str, Any], failed: bool) -> None:
    told, times = event["task"], event["task"]["duration"]
    task = run.tasks.setdefault(told["id"], Task(told["name"]))
    # Hosts run side by side: the slowest one counts
    span = datetime.fromisoformat(times["end"][:-1]) - datetime.fromisoformat(times["start"][:-1])
    task.seconds = max(task.seconds, span.total_seconds())
    for host, result in event["hosts"].items():
        if result.get("changed"):
            run.changed_tasks.append(f"{told['name']} ({host})")
        if failed and not run.failure:
            run.failure = f"{told['name']} failed on {host}: {result.get('msg', '')}"
