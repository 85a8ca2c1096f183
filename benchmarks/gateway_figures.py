"""Compute the gateway benchmark's figures over rounds from its samples, and compare their goals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A median over rounds, and the middle half of them."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """A line of the table. ``goal`` is at most (or at least, where ``least``) that, or None."""

    what: str
    figure: Figure
    unit: str = "ms"
    goal: float | None = None
    least: bool = False

    @property
    def met(self) -> bool:
        if self.goal is None:
            return True
        value = round(self.figure.value, 3)
        return value >= self.goal if self.least else value <= self.goal


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` of all do not exceed; ValueError without values."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def over_rounds(values: Sequence[float]) -> Figure:
    return Figure(median(values), quantile(values, 0.25), quantile(values, 0.75))


def of_rounds(rounds: Sequence[Sequence[float]], share: float) -> Figure:
    """A quantile of each round's samples."""
    return over_rounds([quantile(samples, share) for samples in rounds])


def added(
    bare: Sequence[Sequence[float]], gateway: Sequence[Sequence[float]], share: float
) -> Figure:
    """Return what the gateway adds, round by round: the machine's speed drifts between rounds."""
    return _paired(bare, gateway, lambda a, b: quantile(b, share) - quantile(a, share))


def ratio(bare: Sequence[float], gateway: Sequence[float]) -> Figure:
    """The gateway's rate as a part of the bare one's, round by round."""
    return _paired(bare, gateway, lambda a, b: b / a)


def _paired(first: Any, second: Any, compare: Callable[[Any, Any], float]) -> Figure:
    return over_rounds([compare(a, b) for a, b in zip(first, second, strict=True)])


def rows(measured: dict[str, Any], scale: dict[str, list[float]]) -> list[Row]:
    """The table of one host, out of measure.py's samples and the seconds of the large site."""
    short, stream, rates = measured["short"], measured["stream"], measured["throughput"]
    bare, gateway = short["bare"], short["gateway"]
    bare_chat, unrouted, chat = (
        short[name] for name in ("bare 2 kB", "gateway 2 kB unrouted", "gateway 2 kB")
    )
    large, rewritten = short["gateway 4 kB"], short["gateway 4 kB rewritten"]
    routed = ratio(rates["bare 2 kB"], rates["gateway 2 kB"])
    routing = ratio(rates["gateway 2 kB unrouted"], rates["gateway 2 kB"])
    together = [sum(times) for times in zip(*scale.values(), strict=False)]
    return [
        Row("Short request, bare: median", of_rounds(bare, 0.5)),
        Row("keys and limits add: median", added(bare, gateway, 0.5), goal=0.3),
        Row("keys and limits add: p99", added(bare, gateway, 0.99)),
        Row("2 kB chat, bare: median", of_rounds(bare_chat, 0.5)),
        Row("with the model taken from the body: median", added(bare_chat, chat, 0.5), goal=0.5),
        Row("with the model taken from the body: p99", added(bare_chat, chat, 0.99)),
        Row("of this, taking the model from it: median", added(unrouted, chat, 0.5)),
        Row("of this, taking the model from it: p99", added(unrouted, chat, 0.99)),
        Row("rewriting 4 kB adds: median", added(large, rewritten, 0.5), goal=0.3),
        Row("rewriting 4 kB adds: p99", added(large, rewritten, 0.99)),
        Row("Streamed event, bare: median", of_rounds(stream["bare"], 0.5)),
        Row("gateway adds: median", added(stream["bare"], stream["gateway"], 0.5), goal=0.25),
        Row("gateway adds: p99", added(stream["bare"], stream["gateway"], 0.99)),
        Row(
            "rewriting an event adds: median",
            added(stream["gateway"], stream["gateway rewritten"], 0.5),
            goal=0.02,
        ),
        Row("Requests per second, bare", over_rounds(rates["bare"]), "/s"),
        Row(
            "with keys and limits, of bare",
            ratio(rates["bare"], rates["gateway"]),
            "",
            0.85,
            least=True,
        ),
        Row("2 kB chats per second, bare", over_rounds(rates["bare 2 kB"]), "/s"),
        Row("with the model taken from the body, of bare", routed, ""),
        Row("with the model taken from the body, of the gateway without", routing, ""),
        *(
            Row(f"CPU of nginx for a request: {name}", over_rounds(costs), "µs")
            for name, costs in measured["cpu"].items()
        ),
        *(
            Row(f"CPU of nginx for an event: {name}", over_rounds(costs), "µs")
            for name, costs in measured["event cpu"].items()
        ),
        *(Row(f"500 consumers, 50 models: {k}", over_rounds(v), "s") for k, v in scale.items()),
        Row("500 consumers, 50 models: all three", over_rounds(together), "s", goal=2),
    ]


def number(value: float, unit: str) -> str:
    """Fit digits to a unit: ``0.123 ms``, ``12345 /s``, ``0.91``."""
    digits = {"ms": 3, "/s": 0, "µs": 1}.get(unit, 2)
    return f"{value:.{digits}f}{' ' if unit and unit != '/s' else ''}{unit}"


def table(found: Sequence[Row]) -> str:
    """As Markdown."""
    lines = ["| What | Measured | Middle half of the rounds | Goal |", "|---|---|---|---|"]
    for row in found:
        ends = (number(value, row.unit) for value in (row.figure.low, row.figure.high))
        span = " to ".join(end.removesuffix(row.unit).strip() for end in ends)
        goal = ""
        if row.goal is not None:
            sign = "≥" if row.least else "≤"
            goal = f"{sign} {row.goal:g}{' ' + row.unit if row.unit else ''}: "
            goal += "met" if row.met else "**missed**"
        lines.append(f"| {row.what} | {number(row.figure.value, row.unit)} | {span} | {goal} |")
    return "\n".join(lines)
