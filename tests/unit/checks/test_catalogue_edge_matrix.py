"""The same table in the edge view: which checks see a fault of the engine through the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from ansible.module_utils.tgi.checks.run import Options, check

from tests.support.emulated_checks import ENVIRONMENT, HOUSE, MATRIX, edge, ids
from tests.support.emulator import Running, running
from tests.support.fakes.gateway import KEY

ALONE = "open-path"
STEADY = [name for name, row in MATRIX.items() if "moment" not in row and name != ALONE]


@pytest.fixture(scope="module")
def tgi() -> Iterator[Running]:
    with running(env=ENVIRONMENT) as emulator:
        yield emulator


def test_five_healthy_runs_in_a_row_turn_nothing_red_or_yellow(tgi: Running) -> None:
    for _ in range(5):
        assert ids(edge(tgi.url), "fail", "error", "warn") == set()


@pytest.mark.parametrize("fault", STEADY)
def test_a_fault_turns_its_checks_red(tgi: Running, fault: str) -> None:
    with tgi.broken(fault):
        report = edge(tgi.url)
    assert ids(report, "fail", "error") == set(MATRIX[fault]["edge"]), report.message()


@pytest.mark.parametrize(
    ("fault", "red"),
    [
        ("", set()),
        ("stream-cut", {"completions.stream", "stream.unbuffered"}),
        ("merged-events", {"stream.unbuffered"}),
    ],
)
def test_a_base_model_s_streams_are_looked_at_too(tgi: Running, fault: str, red: set[str]) -> None:
    with tgi.broken(fault):
        report = edge(tgi.url, False, replace(HOUSE, chat=False))
    assert ids(report, "fail", "error") == red, report.message()
    asked = {one.id for one in report.checks}
    assert {"completions.stream", "stream.unbuffered", "stream.gzip", "stream.header"} <= asked
    assert not {"chat.stream", "stream.same"} & asked


@pytest.mark.parametrize("fault", sorted(set(MATRIX) - {ALONE, *STEADY}))
def test_a_process_that_goes_away_turns_at_least_its_checks_red(fault: str) -> None:
    with running(env=ENVIRONMENT) as alone, alone.broken(fault):
        # Its figures would be the end of it already
        report = edge(alone.url, compared=False)
    assert set(MATRIX[fault]["edge"]) <= ids(report, "fail", "error")


def test_an_open_path_of_an_engine_with_a_key_of_its_own_is_named() -> None:
    with running("--api-key", KEY) as guarded:
        for fault, there in (("", False), (f"{ALONE}=/generate", True)):
            options = Options(
                "edge", "x", [HOUSE], guarded.url, api_key=KEY, http_port=0,
                select=MATRIX[ALONE]["edge"],
            )  # fmt: skip
            with guarded.broken(fault):
                report = asyncio.run(check(options))
            (found,) = [one for one in report.checks if one.id != "selftest"]
            told = f"{found.observed}; {found.evidence}"
            assert ("/generate without a key: HTTP 200" in told) is there, told
