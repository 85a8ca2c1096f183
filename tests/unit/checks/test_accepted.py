"""Test known failures: accepted until a day, then a warning, and never for keys and TLS."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.accepted import (
    Accepted,
    apply,
    find_problems,
    read_accepted,
)
from ansible.module_utils.tgi.checks.report.document import document
from ansible.module_utils.tgi.checks.report.html_page import make_page
from ansible.module_utils.tgi.checks.report.junit import make_junit
from ansible.module_utils.tgi.checks.report.text_table import make_table
from ansible.module_utils.tgi.checks.results import Report
from ansible.module_utils.tgi.checks.run import Options, check

from tests.support.checks.reports import row
from tests.support.fakes.gateway import KEY, NAME, FakeGateway
from tests.support.fast_time import fast_time
from tests.support.in_memory_tgi import MODEL, InMemoryTgi

TODAY, LAST = date(2026, 11, 29), date(2026, 12, 31)
KNOWN = Accepted("json.nested", "grammar bug 1234", LAST, "small")
ENTRY = {"check": "json.nested", "reason": "grammar bug", "until": "2026-12-31"}


@pytest.mark.parametrize(
    ("status", "today", "shown", "said"),
    [
        ("fail", TODAY, "accepted", "seen"),
        ("fail", LAST, "accepted", "seen"),
        ("warn", TODAY, "accepted", "seen"),
        ("fail", date(2027, 1, 1), "warn", "accepted until 2026-12-31, that day is over (grammar"),
        ("pass", TODAY, "warn", "no longer fails: remove it from checks_accepted"),
        ("pass", date(2027, 1, 1), "warn", "no longer fails: remove it from checks_accepted"),
        # Nothing is known of these
        ("error", TODAY, "error", "seen"),
        ("not_judged", TODAY, "not_judged", "seen"),
    ],
)
def test_an_entry_changes_its_check(status: str, today: date, shown: str, said: str) -> None:
    checks = [row("json.nested", status, "small"), row("json.nested", "fail", "other")]
    found, other = apply(checks, [KNOWN], today)
    assert found.status == shown and found.observed.startswith(said)
    assert (found.accepted == "grammar bug 1234 (until 2026-12-31)") == (shown == "accepted")
    assert bool(found.remedy) == (shown not in ("accepted",))
    assert other == checks[1]


def test_an_entry_for_all_models_is_needed_until_none_fails() -> None:
    everywhere = replace(KNOWN, model="")
    checks = [row("json.nested", "pass", "small"), row("json.nested", "fail", "other")]
    assert [one.status for one in apply(checks, [everywhere], TODAY)] == ["pass", "accepted"]
    checks[1] = row("json.nested", "pass", "other")
    assert [one.status for one in apply(checks, [everywhere], TODAY)] == ["warn", "warn"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, ""),
        ({"until": date(2026, 12, 31)}, ""),
        ({"model": "small"}, ""),
        ({"model": None}, ""),
        (
            {"check": "json.nestd"},
            'a[0].check is "json.nestd", not a check\'s id; write json.neste',
        ),
        ({"check": "json"}, 'a[0].check is "json", not a check\'s id; write '),
        ({"check": "hsts"}, ""),
        *(
            ({"check": name}, f"a[0].check is {name}, which cannot be accepted (auth.*, tls.*, ")
            for name in ("auth.missing", "tls.expiry", "selftest", "auth.no-such")
        ),
        *(
            ({"check": name}, f"a[0].check is {name}, without which nothing is proven; delete")
            for name in ("health.status", "health.after", "generate.basic", "chat.basic")
        ),
        ({"model": "smal"}, 'a[0].model is "smal", not a model\'s name; write small'),
        ({"model": "x"}, 'a[0].model is "x", not a model\'s name; write one of: other, small'),
        ({"until": "31.12.2026"}, 'a[0].until is "31.12.2026", not a day; write YYYY-MM-DD'),
        ({"until": "2026-02-30"}, 'a[0].until is "2026-02-30", not a day; write YYYY-MM-DD'),
        ({"until": 2026}, "a[0].until is 2026, not a day; write YYYY-MM-DD"),
        ({"reason": " "}, "a[0].reason is empty; write why the check fails"),
    ],
)
def test_a_wrong_entry_is_one_line(change: dict[str, Any], problem: str) -> None:
    lines = list(find_problems([{**ENTRY, **change}], "a", {"small", "other"}))
    assert len(lines) == bool(problem)
    assert all(line.startswith(problem) and "\n" not in line for line in lines), lines


def test_values_of_other_types_are_left_to_the_specification() -> None:
    strange: list[Any] = [None, 7, [], {}, ["x"], {"a": 1}, True]
    for value in strange:
        for name in ENTRY:
            assert isinstance(list(find_problems([{**ENTRY, name: value}], "a", {"small"})), list)


def test_entries_are_read_as_data() -> None:
    given: list[dict[str, Any]] = [
        {**ENTRY, "model": "small"},
        {**ENTRY, "until": LAST, "model": None},
    ]
    wanted = Accepted("json.nested", "grammar bug", LAST, "small")
    assert read_accepted(given) == (wanted, replace(wanted, model=""))


def run(options: Options, transport: Any) -> Report:
    with fast_time():
        report: Report = asyncio.run(check(replace(options, today=TODAY, transport=transport)))
    return report


DIRECT = Options("direct", "gpu1", [MODEL], select=["json", "chat"])


def test_an_accepted_failure_fails_no_run_and_every_report_shows_it() -> None:
    known = [replace(KNOWN, check=name) for name in ("json.const", "json.nested", "json.truncated")]
    tgi = InMemoryTgi("json-whitespace")
    assert not run(DIRECT, tgi.transport()).passed
    report = run(replace(DIRECT, accepted=known), tgi.transport())
    assert report.passed and report.summary()["accepted"] == 3
    why = "grammar bug 1234 (until 2026-12-31)"
    assert f"accepted: json.const small: {why}" in report.message()
    table = make_table(report)
    assert "0 errors, 3 accepted, " in table
    assert f"\naccepted, {why}: json.nested small" in table
    found = document(report)
    assert f'<skipped message="accepted: {why}">'.encode() in make_junit(found)
    page = make_page([found])
    assert "accepted</span>" in page and why in page
    assert "No required check failed, except for accepted failures." in page


def test_consequences_of_an_accepted_root_fail_no_run() -> None:
    tgi = InMemoryTgi("no-chat-template")
    for until in (LAST, date(2026, 11, 1)):
        known = Accepted("chat.template", "a base model for a week", until)
        report = run(replace(DIRECT, accepted=[known]), tgi.transport())
        assert report.passed and report.of("not_judged"), report.message()
        assert [one.id for one in report.of("accepted" if until == LAST else "warn")] == [
            "chat.template"
        ]
    other = Accepted("json.const", "no", LAST)
    assert not run(replace(DIRECT, accepted=[other]), tgi.transport()).passed


def test_the_edge_view_accepts_too() -> None:
    edge = Options("edge", "gw1", [MODEL], f"https://{NAME}", api_key=KEY, http_port=0,
                   select=["server.tokens", "model.unknown"])  # fmt: skip
    known = [Accepted("model.unknown", "a router answers", LAST)]
    gateway = FakeGateway("any-model")
    assert not run(edge, gateway.transport()).passed
    report = run(replace(edge, accepted=known), gateway.transport())
    assert report.passed and [one.id for one in report.of("accepted")] == ["model.unknown"]
