"""Did the events of a stream come one by one, or in heaps (a buffering proxy)?"""

from __future__ import annotations

from collections.abc import Sequence

#: Fewer chunks than this say nothing about buffering.
MIN_CHUNKS = 16


def burst_ratio(times: Sequence[float]) -> float:
    """Bursts per chunk, from the chunks' times of arrival in seconds: 1.0 is one by one.

    A new burst begins after a gap longer than max(1 ms, a quarter of the mean gap).
    """
    if len(times) < 2:
        return 1.0
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    boundary = max(0.001, sum(gaps) / len(gaps) / 4)
    return (1 + sum(gap > boundary for gap in gaps)) / len(times)
