"""Read the engine's own counters, and compare them with the requests of the checks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from ...engines.profiles import Counters

_SAMPLE = re.compile(r"^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{.*\})?\s+(\S+)(?:\s+\S+)?$")
#: Start of the process, in seconds since 1970; from the Prometheus client of Python engines.
STARTED = "process_start_time_seconds"


def parse_metrics(text: str) -> dict[str, float] | None:
    """Return the sum of each metric over its labels; None when the text is not Prometheus's.

    An empty text is a fresh engine: series appear after their first use.
    """
    totals: dict[str, float] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = _SAMPLE.match(line.strip())
        if match is None:
            return None
        try:
            totals[match.group(1)] = totals.get(match.group(1), 0.0) + float(match.group(2))
        except ValueError:
            return None
    return totals


def shortfall(
    before: Mapping[str, float],
    after: Mapping[str, float],
    requests: int,
    tokens: int,
    counters: Counters,
) -> list[str]:
    """Return a problem for each counter that moved by less than our own requests."""
    wanted = dict.fromkeys(counters.requests, requests)
    wanted[counters.tokens] = tokens
    moved = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in wanted}
    return [
        f"{name} moved by {moved[name]:g}, at least {least} expected"
        for name, least in wanted.items()
        if not least <= moved[name] < math.inf  # NaN and Inf prove nothing
    ]


def absent(found: Iterable[str], counters: Counters) -> list[str]:
    """Return missing families; a histogram shows as its _sum, _count and _bucket."""
    names = list(found)
    return [
        family
        for family in counters.families
        if not any(name == family or name.startswith(f"{family}_") for name in names)
    ]


def reset(
    before: Mapping[str, float],
    highest: Mapping[str, float],
    after: Mapping[str, float],
    requests: int,
    counters: Counters,
) -> str:
    """Return a sign that another process counts than at the first reading; "" for none.

    ``highest`` are the largest values seen since. A counter that went back, or moved by less than
    our ``requests``, began again. One that did not move at all is a sign of another instance
    (metrics.delta), not of a restart.
    """
    if STARTED in before and before[STARTED] != after.get(STARTED):
        return f"{STARTED} differs from the first reading"
    for name in (*counters.requests, counters.tokens):
        if after.get(name, 0.0) < max(before.get(name, 0.0), highest.get(name, 0.0)):
            return f"{name} went back from {highest.get(name, 0.0):g} to {after.get(name, 0.0):g}"
    for name in counters.requests:
        moved = after.get(name, 0.0) - before.get(name, 0.0)
        if 0 < moved < requests:
            return f"{name} moved by {moved:g} since the first reading, after {requests} requests"
    return ""
