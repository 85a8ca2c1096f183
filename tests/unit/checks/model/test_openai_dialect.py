"""Test the checks of OpenAI's dialect against TGI behind a gateway that translates, or does not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import Declared
from ansible.module_utils.tgi.checks.judges.openai_form import REMEDY
from ansible.module_utils.tgi.checks.model.openai_dialect import SPECS
from ansible.module_utils.tgi.checks.results import Report
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import PlanError

from tests.support.checks.emulated_checks import NO_SOCKET, ids
from tests.support.fakes.gateway import KEY, NAME, Engine, FakeGateway
from tests.support.fakes.translating_tgi import ROWS, TranslatingTgi
from tests.support.fast_time import patch_time
from tests.support.in_memory_tgi import MODEL, InMemoryTgi

ALL = {spec.id for spec in SPECS}
TRANSLATED = Declared(openai_dialect=True)
#: A row that is not translated, and the checks that say so.
RED = {
    "schema": {"openai.schema"},
    "json": {"openai.json"},
    "references": {"openai.tools", "openai.finish", "openai.ids"},
    "types": {"openai.tools", "openai.finish", "openai.ids"},
    "finish": {"openai.finish", "openai.stop", "openai.streams"},
    "finish-streamed": {"openai.streams"},
    "ids": {"openai.ids"},
    "stop": {"openai.stop"},
    "stop-text": {"openai.stop"},
    "model": {"openai.model"},
    "whole-streams": {"openai.streams"},
}


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch_time(patch)
        yield


def run(engine: Engine, declared: Declared = TRANSLATED, select: str = "openai") -> Report:
    gateway = FakeGateway("no-limit", tgi=engine)
    options = Options(
        "edge", "gw1", [MODEL], f"https://{NAME}", api_key=KEY, http_port=0,
        select=[select] if select else (), without=NO_SOCKET, transport=gateway.transport(),
        declared=declared,
    )  # fmt: skip
    report: Report = asyncio.run(check(options))
    return report


def test_all_pass_where_the_gateway_translates() -> None:
    report = run(TranslatingTgi())
    assert ids(report, "pass") == {*ALL, "selftest"}, report.message()


def test_all_fail_with_the_remedy_where_tgi_answers_by_itself() -> None:
    report = run(InMemoryTgi())
    assert ids(report, "fail") == ALL
    assert {one.remedy for one in report.checks if one.id in ALL} == {REMEDY}
    said = {one.id: one.observed for one in report.checks}
    assert "missing field `value`" in said["openai.schema"]
    assert "missing field `value`" in said["openai.json"]
    assert "Invalid reference path: $defs" in said["openai.tools"]
    assert "expected a sequence" in said["openai.stop"]
    assert said["openai.streams"].startswith("4 of 4 streamed calls are not whole: arguments ")


def test_each_row_has_checks_that_see_it() -> None:
    assert RED.keys() == ROWS


@pytest.mark.parametrize("row", sorted(ROWS))
def test_a_row_that_is_not_translated_fails_its_checks_and_no_others(row: str) -> None:
    report = run(TranslatingTgi(row))
    assert ids(report, "fail", "error") == RED[row], report.message()


def test_streams_that_come_as_the_engine_writes_them_are_no_fault_of_the_site() -> None:
    live = replace(TRANSLATED, tool_streams="live")
    report = run(TranslatingTgi("whole-streams"), live)
    assert ids(report, "pass") == {*ALL, "selftest"} - {"openai.streams"}
    (left,) = [one for one in report.left_out if one.id == "openai.streams"]
    assert "(gateway_tool_streams, or the consumer's own tool_streams)" in left.reason


def test_a_site_that_does_not_translate_is_not_asked() -> None:
    with pytest.raises(PlanError, match="openai has nothing declared to check"):
        run(InMemoryTgi(), Declared())
    left = {one.id: one.reason for one in run(InMemoryTgi(), Declared(), "").left_out}
    assert {left[name] for name in ALL} == {
        "the gateway does not translate (gateway_openai_dialect)"
    }
