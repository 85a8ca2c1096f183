"""Test that a slow engine is one cause with one remedy, whatever the checks asked it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import httpx
import pytest
from ansible.module_utils.tgi.checks import grounds
from ansible.module_utils.tgi.checks.accepted import Accepted
from ansible.module_utils.tgi.checks.catalogue_direct import DIRECT
from ansible.module_utils.tgi.checks.catalogue_edge import EDGE
from ansible.module_utils.tgi.checks.judges.http_answer import SLOW
from ansible.module_utils.tgi.checks.results import Report
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import Item

from tests.support.checks.reports import row
from tests.support.fast_time import fast_time
from tests.support.in_memory_tgi import MODEL, InMemoryTgi

SPECS = {spec.id: spec for spec in (*EDGE, *DIRECT)}
LATE = "no answer within 30 s"


class BusyTgi(InMemoryTgi):
    """An engine on a busy machine: a generation waits for all that came before it."""

    def __init__(self, seconds: float, places: int) -> None:
        super().__init__()
        self.seconds, self.places = seconds, asyncio.Semaphore(places)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            async with self.places:
                await asyncio.sleep(self.seconds)
        return await super().handle(request)


def run(tgi: InMemoryTgi, **more: object) -> Report:
    options = Options("direct", "x", [MODEL], deadline=900, transport=tgi.transport())
    with fast_time():
        report: Report = asyncio.run(check(replace(options, **more)))  # type: ignore[arg-type]
    return report


#: Engines that answer all within minutes, and some or nothing within the 30 s of a request.
ENGINES: dict[str, Callable[[], InMemoryTgi]] = {
    "three seconds a token": lambda: InMemoryTgi("slow-token=3"),
    "short answers in time": lambda: InMemoryTgi("slow-first=20", "slow-token=0.6"),
    "short answers hardly in time": lambda: InMemoryTgi("slow-first=29", "slow-token=0.3"),
    "a queue": lambda: BusyTgi(7, 1),
    "a queue for a few": lambda: BusyTgi(14, 3),
}


@pytest.mark.parametrize("name", ENGINES)
def test_a_late_engine_has_one_cause_and_one_remedy(name: str) -> None:
    report = run(ENGINES[name]())
    assert not report.passed and len(report.checks) == len(report.planned)
    (root,) = report.of("fail")
    assert not report.of("warn", "error"), [one.name for one in report.of("warn", "error")]
    judged = report.of("not_judged")
    assert {one.consequence_of for one in judged} == {root.name}
    late = [one for one in judged if "answer within" in one.evidence]
    assert len(late) > 5
    assert root.remedy == f"{len(late) + 1} checks got no whole answer in time. {SLOW}"
    assert f"{len(late) + 1} checks got no whole answer in time" in report.message()


def test_an_engine_that_is_just_in_time_passes() -> None:
    assert run(BusyTgi(5, 2)).passed


def settled(*rows: tuple[str, str, str], known: tuple[str, ...] = ()) -> dict[str, str]:
    """Return statuses by id, of rows with id, status and observation."""
    items = [Item(SPECS[name], MODEL if SPECS[name].per_model else None) for name, _, _ in rows]
    found = {
        item.key: row(name, status, item.key[1], observed=said)
        for item, (name, status, said) in zip(items, rows)
    }
    apart = {(name, MODEL.name) for name in known}
    return {one.id: one.status for one in grounds.settle(items, found, apart)}


def test_only_time_outs_are_put_together() -> None:
    said = settled(
        ("generate.basic", "pass", "text"),
        ("chat.utf8", "warn", f"nothing to compare: {LATE}"),
        ("tools.named", "fail", "stream cut short after 3 events (no complete answer within 9 s)"),
        ("json.const", "fail", "HTTP 504 Gateway Timeout"),
        ("json.nested", "fail", "the answer does not fit the schema"),
        ("chat.stream", "fail", "connection closed in the middle of the body"),
    )
    # A required check comes before one that only warns
    assert said["tools.named"] == "fail"
    assert (said["chat.utf8"], said["json.const"]) == ("not_judged", "not_judged")
    assert (said["json.nested"], said["chat.stream"]) == ("fail", "fail")


def test_the_gateway_s_own_checks_are_judged_by_themselves() -> None:
    said = settled(("chat.stream", "fail", LATE), ("auth.bypass", "fail", LATE))
    assert said == {"chat.stream": "fail", "auth.bypass": "fail"}


def test_an_accepted_time_out_hides_no_other() -> None:
    tgi = InMemoryTgi("slow-token=3")
    known = Accepted("chat.stream", "slow", date(2999, 1, 1))
    report = run(tgi, accepted=[known])
    assert [one.id for one in report.of("accepted")] == ["chat.stream"]
    assert len(report.of("fail")) == 1
    assert Counter(one.consequence_of for one in report.of("not_judged")).keys() == {
        one.name for one in report.of("fail")
    }
