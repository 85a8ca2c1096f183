"""Test the benchmark of weights: a small run of all programs, and what it calls missed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.weights import FILES, WeightBench, WeightFigures, hub_process, measure

GOOD = WeightFigures(20 << 30, [20.0, 21.0], [19.0, 21.0], [9.0], [9.0], [0.2], 40, 45)


def test_every_program_runs_and_is_timed(tmp_path: Path) -> None:
    found = measure(tmp_path, FILES << 20, 1)
    times = [found.fetch, found.client, found.prove, found.sums, found.second]
    assert all(len(one) == 1 and one[0] > 0 for one in times)
    assert 5 < found.small < 500 and 5 < found.peak < 500
    assert "| prove again, beside `sha256sum` |" in found.page()


def test_a_run_that_fetches_too_little_ends_it(tmp_path: Path) -> None:
    with hub_process(tmp_path, FILES << 10) as endpoint:
        bench = WeightBench(tmp_path, endpoint)
        bench.ours(FILES + 1)
        with pytest.raises(SystemExit, match="0 files came instead of 5"):
            bench.ours(FILES + 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"client": [17.0]}, "fetch: 0.83 of the other's speed"),
        ({"sums": [8.0]}, "prove: 0.89 of the other's speed"),
        ({"peak": 73}, "memory grew by 33 MiB"),
        ({"second": [1.1]}, "a second run took 1.10 s"),
    ],
)
def test_a_missed_goal_is_named(change: dict[str, object], words: str) -> None:
    assert GOOD.missed() == []
    (missed,) = replace(GOOD, **change).missed()  # type: ignore[arg-type]
    assert missed.startswith(words)
    assert f"**Missed**: {words}" in replace(GOOD, **change).page()  # type: ignore[arg-type]
