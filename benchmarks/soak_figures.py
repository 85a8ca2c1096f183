"""Judge the samples of the soak: is the client served as usual, and does nothing grow?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.gateway_figures import quantile

_MIB = 2**20
#: Lines of the log that docs/gateway.md lets an address cause: each second, and at once
_LINES, _AT_ONCE = 2 * 20 + 5, 2 * 100 + 50
#: Bytes of a line, and of blocks and error lines besides
_LINE, _BESIDES = 1024, 2 * _MIB
#: What may be left of an attack, and what a measure may grow by chance
_FILES_LEFT, _GROWTH = 64, 1.1


@dataclass(frozen=True)
class Line:
    """A row of the table; ``bound`` is empty where there is none."""

    what: str
    before: str
    seen: str
    bound: str = ""
    met: bool = True


def judge(found: dict[str, Any], seconds: float) -> list[Line]:
    """Return the table of one host."""
    quiet, attacked = found["quiet"], [ms for window in found["windows"] for ms in window]
    p99, usual = quantile(attacked, 0.99), quantile(quiet, 0.99)
    asked = len(quiet) + len(attacked) + found["failed"]
    first = found["samples"][0]
    medians = _ms(quantile(quiet, 0.5)), _ms(quantile(attacked, 0.5))
    failed = found["failed"]
    return [
        Line("a request of the client: median", *medians),
        Line("its p99", _ms(usual), _ms(p99), f"≤ {_ms(2 * usual)}", p99 <= 2 * usual),
        Line("its requests that failed", "", f"{failed} of {asked}", "none", not failed),
        _steady("nginx's memory", found["samples"], "memory", _MIB, " MiB"),
        _steady("nginx's open files", found["samples"], "files", 1, ""),
        _left("open files after it", first["files"], found["calm"]["files"]),
        _disk(found, asked, seconds),
    ]


def _ms(value: float) -> str:
    return f"{value:.1f} ms"


def _steady(what: str, samples: Sequence[dict[str, int]], name: str, unit: int, word: str) -> Line:
    """Compare the last half of the attack with its first: what is bounded does not grow on."""
    values = [one[name] for one in samples]
    half = max(1, len(values) // 2)
    early, late = max(values[: half + 1]), max(values[half:])
    bound = f"≤ {early * _GROWTH / unit:.0f}{word}, {_GROWTH:g} times the first half's"
    return Line(
        what, f"{values[0] / unit:.0f}{word}", f"{late / unit:.0f}{word}", bound,
        late <= early * _GROWTH,
    )  # fmt: skip


def _left(what: str, before: int, after: int) -> Line:
    bound = before + _FILES_LEFT
    return Line(what, str(before), str(after), f"≤ {bound}", after <= bound)


def _disk(found: dict[str, Any], asked: int, seconds: float) -> Line:
    grown = found["calm"]["logs"] - found["samples"][0]["logs"]
    lines = found["sent"]["strangers"] * (_LINES * seconds + _AT_ONCE)
    bound = (lines + found["sent"]["with_key"] + asked) * _LINE + _BESIDES
    return Line(
        "the logs grew by", "", f"{grown / _MIB:.1f} MiB", f"≤ {bound / _MIB:.1f} MiB",
        grown <= bound,
    )  # fmt: skip


def table(lines: Sequence[Line]) -> str:
    """Return the table as Markdown."""
    rows = ["| What | Before | Under attack | Bound |", "|---|---|---|---|"]
    for one in lines:
        verdict = f"{one.bound}: {'met' if one.met else '**missed**'}" if one.bound else ""
        rows.append(f"| {one.what} | {one.before} | {one.seen} | {verdict} |")
    return "\n".join(rows)
