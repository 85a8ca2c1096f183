"""Did the events of a stream come one by one, or in heaps (a buffering proxy)?"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

#: Fewer chunks than this say nothing about buffering.
MIN_CHUNKS = 16
#: Seconds; what comes closer together than this came at once.
MIN_GAP = 0.001


def burst_ratio(times: Sequence[float]) -> float:
    """Bursts per chunk, from the chunks' times of arrival in seconds: 1.0 is one by one.

    A new burst begins after a gap longer than a quarter of the median gap, at least 1 ms and
    at most 5 ms. The median, because on a loaded machine single long gaps are no buffering;
    the limits, because what a buffer held comes within a moment however slow the engine is.
    """
    if len(times) < 2:
        return 1.0
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    boundary = min(0.005, max(MIN_GAP, median(gaps) / 4))
    return (1 + sum(gap > boundary for gap in gaps)) / len(times)
