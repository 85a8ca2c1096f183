"""Test the direct view: each fault turns exactly its row's checks red."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from ansible.module_utils.tgi.checks.catalogue_direct import DIRECT
from ansible.module_utils.tgi.checks.catalogue_edge import EDGE
from ansible.module_utils.tgi.checks.selection import Model
from tgi_emulator.faults.faults import SERVE_FAULTS

from tests.support.checks.emulated_checks import HOUSE, MATRIX, NO_SOCKET, direct, ids
from tests.support.fast_time import fast_time
from tests.support.in_memory_tgi import InMemoryTgi

STEADY = [name for name, row in MATRIX.items() if "moment" not in row]


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with fast_time():
        yield


@pytest.fixture
def tgi() -> InMemoryTgi:
    """Start an engine and let it serve: a fresh one shows no counters."""
    engine = InMemoryTgi(model_id=HOUSE.model_id)
    assert direct(engine, HOUSE, "generate").passed
    return engine


@pytest.fixture(scope="module")
def pinned() -> Model:
    """Return the model with the emulator's tokenizer pinned."""
    seen = next(
        one
        for one in direct(InMemoryTgi(model_id=HOUSE.model_id), HOUSE).checks
        if one.id == "model.tokenizer"
    )
    return replace(HOUSE, tokenizer=seen.observed.partition("tokenizer: ")[2].rstrip(")"))


def test_every_fault_has_its_row() -> None:
    assert {name.partition("=")[0] for name in MATRIX} == set(SERVE_FAULTS)
    for name, row in MATRIX.items():
        assert row["red"] or row.get("warn") or row["edge"] or row.get("why"), name


def test_every_check_of_the_table_exists() -> None:
    here, there = {spec.id for spec in DIRECT}, {spec.id for spec in EDGE} - set(NO_SOCKET)
    for name, row in MATRIX.items():
        assert {*row["red"], *row.get("warn", []), *row.get("not_judged", [])} <= here, name
        assert {*row["edge"], *row.get("edge_not_judged", [])} <= there, name


def test_twenty_healthy_runs_in_a_row_turn_nothing_red_or_yellow(
    tgi: InMemoryTgi, pinned: Model
) -> None:
    for _ in range(20):
        assert ids(direct(tgi, pinned), "fail", "error", "warn") == set()


@pytest.mark.parametrize("fault", STEADY)
def test_a_fault_turns_its_checks_red(tgi: InMemoryTgi, pinned: Model, fault: str) -> None:
    with tgi.broken(fault):
        report = direct(tgi, pinned)
    assert ids(report, "fail", "error") == set(MATRIX[fault]["red"])
    assert ids(report, "warn") == set(MATRIX[fault].get("warn", []))
    assert ids(report, "not_judged") == set(MATRIX[fault].get("not_judged", []))


@pytest.mark.parametrize(
    ("fault", "select"),
    [
        ("wrong-model", "identity"),
        ("unhealthy", "health"),
        ("no-generate", "generate"),
        ("no-cancel", "stream.cancel"),
        ("frozen-counters", "metrics"),
        ("no-context-limit", "limits"),
        ("wrong-status", "limits"),
        ("schema-ignored", "json"),
        ("bad-schema-ok", "json"),
        ("json-cut", "json"),
        ("json-whitespace", "json"),
    ],
)
def test_a_part_of_the_checks_sees_its_part_of_the_matrix(
    tgi: InMemoryTgi, fault: str, select: str
) -> None:
    red = {spec.id for spec in DIRECT if select in (spec.id, spec.group)}
    red &= set(MATRIX[fault]["red"])
    with tgi.broken(fault):
        assert ids(direct(tgi, HOUSE, select), "fail", "error") == red != set()


@pytest.mark.parametrize("name", ["stream.cancel", "ctx.over", "metrics.delta", "ctx.near"])
def test_a_check_alone(tgi: InMemoryTgi, name: str) -> None:
    found = direct(tgi, HOUSE, name)
    assert found.passed and not found.of("warn")


def test_a_base_model_that_talks_nonsense_is_seen(tgi: InMemoryTgi) -> None:
    base = replace(HOUSE, chat=False)
    assert ids(direct(tgi, base), "warn", "fail", "error") == set()
    with tgi.broken("degenerate"):
        assert ids(direct(tgi, base), "fail", "error") == {"generate.degenerate"}


def test_a_pinned_tokenizer_shows_another_one(tgi: InMemoryTgi, pinned: Model) -> None:
    assert len(pinned.tokenizer) == 64 and direct(tgi, pinned, "model.tokenizer").passed
    with tgi.broken("wrong-tokenizer"):
        assert not direct(tgi, pinned, "model.tokenizer").passed
