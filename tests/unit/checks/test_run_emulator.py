"""The direct view against the emulator's own process: sockets, streams, a real end of things."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.catalogue_direct import DIRECT
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import Model

from tests.support.emulated_checks import MATRIX
from tests.support.emulator import MODEL, Running, running


@pytest.fixture(scope="module")
def tgi() -> Iterator[Running]:
    with running() as emulator:
        yield emulator


def report(
    tgi: Running, *select: str, tokenizer: str = "", slo: tuple[float, float] = (0.0, 0.0)
) -> Any:
    model = Model("house", MODEL, url=tgi.url, tokenizer=tokenizer)
    return asyncio.run(check(Options("direct", "x", [model], select=select, slo=slo)))


def test_a_healthy_engine_turns_nothing_red_or_yellow(tgi: Running) -> None:
    for _ in range(3):
        found = report(tgi)
        assert found.passed
        assert not found.of("warn", "fail", "error")


@pytest.mark.parametrize("name", ["stream.cancel", "ctx.over", "metrics.delta", "ctx.near"])
def test_a_check_alone(tgi: Running, name: str) -> None:
    found = report(tgi, name)
    assert found.passed and not found.of("warn")


@pytest.mark.parametrize(
    ("fault", "select"),
    [
        ("wrong-model", "identity"),
        ("unhealthy", "health"),
        ("no-generate", "stream.cancel"),
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
    tgi: Running, fault: str, select: str
) -> None:
    red = {spec.id for spec in DIRECT if select in (spec.id, spec.group)}
    red &= set(MATRIX[fault]["red"])
    report(tgi, "generate")
    with tgi.broken(fault):
        assert {one.id for one in report(tgi, select).of("fail", "error")} == red != set()


@pytest.mark.parametrize(
    ("fault", "name", "slo"),
    [("slow-first=0.3", "smoke.ttft", (250.0, 0.0)), ("slow-token=0.1", "smoke.tpot", (0.0, 80.0))],
)
def test_slow_is_a_warning_where_a_limit_is_set(
    tgi: Running, fault: str, name: str, slo: tuple[float, float]
) -> None:
    tgi.fault("set", fault)
    try:
        found = report(tgi, "smoke", slo=slo)
        assert found.passed and [one.id for one in found.of("warn")] == [name]
        assert not report(tgi, "smoke").of("warn")
    finally:
        tgi.fault("clear")


def test_a_base_model_that_talks_nonsense_is_seen(tgi: Running) -> None:
    base = Model("house", MODEL, url=tgi.url, chat=False)
    options = Options("direct", "x", [base])
    assert not asyncio.run(check(options)).of("warn", "fail", "error")
    tgi.fault("set", "degenerate")
    try:
        found = asyncio.run(check(options)).of("fail", "error")
        assert [one.id for one in found] == ["generate.degenerate"]
    finally:
        tgi.fault("clear")


def test_a_pinned_tokenizer_shows_another_one(tgi: Running) -> None:
    seen = next(one for one in report(tgi, "model.tokenizer").checks if one.id != "selftest")
    pin = seen.observed.partition("tokenizer: ")[2].rstrip(")")
    assert len(pin) == 64 and report(tgi, "model.tokenizer", tokenizer=pin).passed
    tgi.fault("set", "wrong-tokenizer")
    try:
        assert not report(tgi, "model.tokenizer", tokenizer=pin).passed
    finally:
        tgi.fault("clear")
