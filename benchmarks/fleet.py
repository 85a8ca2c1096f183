"""Plan a roll-out for 8 and for 100 GPU hosts without any: order, replicas out, time on paper.

The plan is that of site.yml; only the facts that hosts would send are made up.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.gateway import ROOT
from benchmarks.page_marks import write_between
from tests.support.ansible_paths import add_project

add_project()

from ansible.module_utils.tgi.rollout.rollout_plan import RolloutPlan, make_plan

SMALL, LARGE = 8, 100
SHARES = ("1", "10%", "25%")
#: Each host has four GPUs: two for chat, one for small, and one for code or tools
GPUS = {"chat": 2, "small": 1, "code": 1, "tools": 1}


@dataclass(frozen=True)
class Pace:
    """What a batch takes, in seconds.

    A host's running generations end, its models start, are watched and checked. Its tasks take
    ``task`` seconds of a core of the controller each.
    """

    drain: float = 60
    start: float = 180
    watch: float = 45
    checks: float = 30
    tasks: int = 40
    task: float = 0.07
    cores: int = 4
    #: Of the whole run: preflight, comparison, publishing, checks through the gateways
    around: float = 120

    def seconds(self, sizes: Sequence[int]) -> float:
        """Return how long a run takes whose batches have so many hosts."""
        each = self.drain + self.start + self.watch + self.checks
        controller = self.tasks * self.task * sum(sizes) / self.cores
        return self.around + each * len(sizes) + controller


def fleet(count: int) -> dict[str, list[dict[str, Any]]]:
    """Return what tgi_changes would find on so many hosts after a change of the image."""
    hosts = {}
    for number in range(1, count + 1):
        names = ("chat", "small", "code" if number <= count / 2 else "tools")
        free = iter(range(4))
        hosts[f"gpu{number}"] = [
            {
                "name": name,
                "action": "replace",
                "why": ["image"],
                "kept": True,
                "returnable": True,
                "serves": True,
                "gap": None,
                "port": 8081 + place,
                "gpus": [str(next(free)) for _ in range(GPUS[name])],
            }
            for place, name in enumerate(names)
        ]
    return hosts


def plan_of(count: int, most: str) -> RolloutPlan:
    """Return the plan of a fleet, with so many replicas of a model out at a time."""
    return make_plan(fleet(count), {}, {}, most)


def out(plan: RolloutPlan) -> list[dict[str, tuple[int, int]]]:
    """Return for each batch: model -> how many of its replicas are out, and how many it has."""
    hosts = {(step.host, step.model) for step in plan.steps}
    total = Counter(model for _, model in hosts)
    return [
        {model: (count, total[model]) for model, count in sorted(found.items())}
        for found in (
            Counter(model for host, model in hosts if host in batch) for batch in plan.batches
        )
    ]


def shown(seconds: float) -> str:
    """Return a duration as people say it: ``36 min``, ``8.9 h``."""
    return f"{math.ceil(seconds / 60)} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def order(most: str) -> str:
    """Return the batches of the small fleet as a table."""
    plan = plan_of(SMALL, most)
    lines = [f"| Turn | Hosts, {most} out at a time | Out meanwhile |", "|---|---|---|"]
    for number, (batch, models) in enumerate(zip(plan.batches, out(plan), strict=True), 1):
        told = ", ".join(f"{model} {gone} of {count}" for model, (gone, count) in models.items())
        lines.append(f"| {number} | {', '.join(batch)} | {told} |")
    return "\n".join(lines)


def times(pace: Pace) -> str:
    """Return turns, what is out, and time on paper of both fleets as a table."""
    lines = [
        "| `rollout_max_unavailable` | Hosts | Turns | Hosts in a turn | Out of a model | Time |",
        "|---|---|---|---|---|---|",
    ]
    for count in (SMALL, LARGE):
        for most in SHARES:
            plan = plan_of(count, most)
            sizes = [len(batch) for batch in plan.batches]
            gone = max(part / of for models in out(plan) for part, of in models.values())
            cells = [len(sizes), max(sizes), f"{gone:.0%} at most", shown(pace.seconds(sizes))]
            lines.append(f"| {most} | {count} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def section(pace: Pace) -> str:
    """Return what the page has: the order of the small fleet, and times of both."""
    said = (
        "Hosts with four GPUs each: all run `chat` (two GPUs) and `small`, the first half `code`, "
        "the second half `tools`.\nThe image changes, so every model of every host is replaced."
    )
    why = (
        f"On paper: in each turn generations end ({pace.drain:g} s), models start "
        f"({pace.start:g} s), are watched ({pace.watch:g} s) and checked\n({pace.checks:g} s); "
        f"{pace.tasks} tasks of {pace.task * 1000:g} ms for each host on {pace.cores} cores of the "
        f"controller, and {pace.around:g} s around all turns."
    )
    return "\n\n".join([said, order("25%"), why, times(pace)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Plan, print, write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--page", default="docs/rollout.md", help="empty writes none")
    options = parser.parse_args(arguments)
    text = section(Pace())
    print(text)
    if options.page:
        write_between(ROOT / options.page, "bench-fleet", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
