"""Test both views against the emulator's own process: sockets, and its end.

The rest of the table of faults runs in memory (test_catalogue_direct_matrix, ..._edge_matrix).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import Model

from tests.support.checks.emulated_checks import (
    ENVIRONMENT,
    HOUSE,
    MATRIX,
    OPEN_PATH,
    RunningTgi,
    direct,
    edge,
    ids,
)
from tests.support.emulator_process import Running, running
from tests.support.fakes.gateway import KEY

ENDS = [name for name, row in MATRIX.items() if "moment" in row]


@pytest.fixture(scope="module")
def tgi() -> Iterator[Running]:
    with running(env=ENVIRONMENT) as emulator:
        yield emulator


def at(emulator: Running) -> Model:
    return replace(HOUSE, url=emulator.url)


def test_a_healthy_engine_passes_everything(tgi: Running) -> None:
    report = asyncio.run(check(Options("direct", "x", [at(tgi)])))
    assert {one.status for one in report.checks} == {"pass"}, report.message()
    assert {"chat.utf8", "tools.forced"} <= ids(report, "pass")
    through = edge(RunningTgi(tgi.url), False, at(tgi))
    assert ids(through, "fail", "error", "warn") == set(), through.message()


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("no-cancel", "stream.cancel"),
        ("stream-cut", "generate.stream"),
        ("error-event", "chat.stream"),
        ("wrong-status", "ctx.over"),
    ],
)
def test_a_fault_shows_over_a_socket(tgi: Running, fault: str, name: str) -> None:
    assert direct(RunningTgi(tgi.url), at(tgi), name).passed
    with tgi.broken(fault):
        assert ids(direct(RunningTgi(tgi.url), at(tgi), name), "fail", "error") == {name}


@pytest.mark.parametrize("fault", ENDS)
def test_a_process_that_goes_away_turns_at_least_its_checks_red(fault: str) -> None:
    with running(env=ENVIRONMENT) as alone:
        # A fresh engine has no counters that a restart could reset
        assert direct(RunningTgi(alone.url), at(alone), "generate").passed
        with alone.broken(fault):
            report = direct(RunningTgi(alone.url), at(alone))
    assert set(MATRIX[fault]["red"]) <= ids(report, "fail", "error", "not_judged")
    # That it went away is the cause, unless all is over before the launcher is
    (root,) = report.of("fail", "error")
    assert root.id in ("health.after", "generate.basic")


@pytest.mark.parametrize("fault", ENDS)
def test_the_gateway_shows_a_process_that_goes_away(fault: str) -> None:
    with running(env=ENVIRONMENT) as alone, alone.broken(fault):
        # The figures would already show the end
        report = edge(RunningTgi(alone.url), compared=False)
    assert set(MATRIX[fault]["edge"]) <= ids(report, "fail", "error", "not_judged")
    assert ids(report, "fail", "error")


def test_an_open_path_of_an_engine_with_a_key_of_its_own_is_named() -> None:
    with running("--api-key", KEY) as guarded:
        for fault, there in (("", False), (f"{OPEN_PATH}=/generate", True)):
            options = Options(
                "edge", "x", [HOUSE], guarded.url, api_key=KEY, http_port=0,
                select=MATRIX[OPEN_PATH]["edge"],
            )  # fmt: skip
            with guarded.broken(fault):
                report = asyncio.run(check(options))
            (found,) = [one for one in report.checks if one.id != "selftest"]
            said = f"{found.observed}; {found.evidence}"
            assert ("/generate without a key: HTTP 200" in said) is there, said
