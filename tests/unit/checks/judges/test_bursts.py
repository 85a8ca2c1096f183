"""Tell a stream that comes in bursts from one that flows."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.checks.judges.bursts import burst_ratio

STREAMS = {
    "one by one": ([n * 0.01 for n in range(30)], 1.0),
    "slow engine": ([n * 0.5 for n in range(30)], 1.0),
    "all at the end": ([2.0] * 30, 1 / 30),
    "three heaps": ([n // 10 * 0.3 + n % 10 * 0.00005 for n in range(30)], 0.1),
    "heaps of a slow engine": ([n // 10 * 6 + n % 10 * 0.0005 for n in range(30)], 0.1),
    "one long pause": ([n * 0.01 + (n > 15) * 5 for n in range(30)], 1.0),
    "nothing": ([], 1.0),
}


@pytest.mark.parametrize("name", STREAMS)
def test_burst_ratio(name: str) -> None:
    times, wanted = STREAMS[name]
    assert burst_ratio(times) == pytest.approx(wanted, abs=0.04)
