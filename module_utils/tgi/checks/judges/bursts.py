"""Measure whether the events of a stream arrived one by one or in bursts."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

#: Fewer chunks than this prove nothing about buffering.
MIN_CHUNKS = 16
#: Seconds; chunks closer together than this arrived at once.
MIN_GAP = 0.001


def burst_ratio(times: Sequence[float]) -> float:
    """Return bursts per chunk, from the chunks' arrival times in seconds: 1.0 is one by one.

    A new burst begins after a gap longer than a quarter of the median gap, at least 1 ms and
    at most 5 ms. The median ignores single long gaps of a loaded machine. The limits hold because
    a flushed buffer arrives within a moment, however slow the engine is.
    """
    if len(times) < 2:
        return 1.0
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    boundary = min(0.005, max(MIN_GAP, median(gaps) / 4))
    return (1 + sum(gap > boundary for gap in gaps)) / len(times)
