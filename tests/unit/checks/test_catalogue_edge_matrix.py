"""Test the edge view: which checks see an engine's fault through the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.checks.emulated_checks import HOUSE, MATRIX, OPEN_PATH, TOKEN, edge, ids
from tests.support.fast_time import patch_time
from tests.support.in_memory_tgi import InMemoryTgi

STEADY = [name for name, row in MATRIX.items() if "moment" not in row and name != OPEN_PATH]


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch_time(patch)
        patch.setenv("HF_TOKEN", TOKEN)
        yield


@pytest.fixture
def tgi() -> InMemoryTgi:
    return InMemoryTgi(model_id=HOUSE.model_id)


def test_five_healthy_runs_in_a_row_turn_nothing_red_or_yellow(tgi: InMemoryTgi) -> None:
    for _ in range(5):
        assert ids(edge(tgi), "fail", "error", "warn") == set()


@pytest.mark.parametrize("fault", STEADY)
def test_a_fault_turns_its_checks_red(tgi: InMemoryTgi, fault: str) -> None:
    with tgi.broken(fault):
        report = edge(tgi)
    assert ids(report, "fail", "error") == set(MATRIX[fault]["edge"]), report.message()
    assert ids(report, "not_judged") == set(MATRIX[fault].get("edge_not_judged", []))


@pytest.mark.parametrize(
    ("fault", "red"),
    [
        ("", set()),
        ("stream-cut", {"completions.stream"}),
        ("merged-events", {"stream.unbuffered"}),
    ],
)
def test_a_base_model_s_streams_are_checked_too(
    tgi: InMemoryTgi, fault: str, red: set[str]
) -> None:
    with tgi.broken(fault):
        report = edge(tgi, False, replace(HOUSE, chat=False))
    assert ids(report, "fail", "error") == red, report.message()
    asked = {one.id for one in report.checks}
    assert {"completions.stream", "stream.unbuffered", "stream.gzip", "stream.header"} <= asked
    assert not {"chat.stream", "stream.same"} & asked
