"""The matrix: every fault that the emulator can show turns exactly the checks of one table red.

This is the direct view; the edge's is in test_check_matrix_edge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from ansible.module_utils.tgi.checks.catalogue_direct import DIRECT
from ansible.module_utils.tgi.checks.catalogue_edge import EDGE
from ansible.module_utils.tgi.checks.selection import Model
from tgi_emulator.faults import SERVE_FAULTS

from tests.support.emulated_checks import ENVIRONMENT, HOUSE, MATRIX, NO_SOCKET, direct, ids
from tests.support.emulator import Running, running

STEADY = [name for name, row in MATRIX.items() if "moment" not in row]


@pytest.fixture(scope="module")
def tgi() -> Iterator[Running]:
    with running(env=ENVIRONMENT) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def pinned(tgi: Running) -> Model:
    model = replace(HOUSE, url=tgi.url)
    seen = next(one for one in direct(model).checks if one.id == "model.tokenizer")
    return replace(model, tokenizer=seen.observed.partition("tokenizer: ")[2].rstrip(")"))


def test_every_fault_has_its_row() -> None:
    assert {name.partition("=")[0] for name in MATRIX} == set(SERVE_FAULTS)
    for name, row in MATRIX.items():
        assert row["red"] or row.get("warn") or row["edge"] or row.get("why"), name


def test_every_check_of_the_table_exists() -> None:
    here, there = {spec.id for spec in DIRECT}, {spec.id for spec in EDGE} - set(NO_SOCKET)
    for name, row in MATRIX.items():
        assert {*row["red"], *row.get("warn", [])} <= here and set(row["edge"]) <= there, name


def test_twenty_healthy_runs_in_a_row_turn_nothing_red_or_yellow(pinned: Model) -> None:
    for _ in range(20):
        assert ids(direct(pinned), "fail", "error", "warn") == set()


@pytest.mark.parametrize("fault", STEADY)
def test_a_fault_turns_its_checks_red(tgi: Running, pinned: Model, fault: str) -> None:
    with tgi.broken(fault):
        report = direct(pinned)
    assert ids(report, "fail", "error") == set(MATRIX[fault]["red"])
    assert ids(report, "warn") == set(MATRIX[fault].get("warn", []))


@pytest.mark.parametrize("fault", sorted(set(MATRIX) - set(STEADY)))
def test_a_process_that_goes_away_turns_at_least_its_checks_red(fault: str) -> None:
    with running(env=ENVIRONMENT) as alone:
        model = replace(HOUSE, url=alone.url)
        # An engine that has never served has no counters that a restart could set back
        assert direct(model, "generate").passed
        with alone.broken(fault):
            report = direct(model)
    assert set(MATRIX[fault]["red"]) <= ids(report, "fail", "error")
