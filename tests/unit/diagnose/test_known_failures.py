"""Show accepted failures as accepted: until their day, for their model, and nothing beside them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from ansible.module_utils.tgi.diagnose.known_failures import read_known
from ansible.module_utils.tgi.diagnose.verdict import judge, read_picture
from ansible.module_utils.tgi.diagnose.verdict_text import Verdict

from tests.support.diagnose.pictures import Case, answer, asked


def known(check: str, until: str = "9999-12-31", **more: Any) -> dict[str, Any]:
    return {"check": check, "reason": "a base model", "until": until, **more}


def verdict_of(case: Case, *accepted: dict[str, Any]) -> Verdict:
    return judge(read_picture(case.results(), accepted))


def state_of(verdict: Verdict, link: str) -> tuple[str, str]:
    (one,) = [one for one in verdict.findings if one.link == link]
    return one.found.state, one.found.seen


def wrong_answers() -> Case:
    case = Case()
    case.model["checks"]["chat.canary"] = asked("0 of 3 answers are correct")
    return case


def test_an_accepted_failure_breaks_nothing() -> None:
    assert not verdict_of(wrong_answers()).passed
    for entry in (known("chat.canary"), known("chat.canary", model="small")):
        verdict = verdict_of(wrong_answers(), entry)
        state, seen = state_of(verdict, "text")
        assert verdict.passed and state == "ok"
        assert seen.startswith("accepted until 9999-12-31 (a base model): chat.canary: 0 of 3")


@pytest.mark.parametrize(
    "entry", [known("chat.canary", model="other"), known("chat.utf8"), known("auth.missing"),
              {"check": "chat.canary"}, {"check": 7, "reason": [], "until": {}},
              known("chat.canary", until="soon")],
)  # fmt: skip
def test_other_entries_accept_nothing(entry: dict[str, Any]) -> None:
    assert not verdict_of(wrong_answers(), entry).passed


def test_a_day_that_is_over_is_a_warning() -> None:
    verdict = verdict_of(wrong_answers(), known("chat.canary", until="2020-01-01"))
    assert verdict.passed and state_of(verdict, "text")[0] == "warning"
    assert "that day is over: 0 of 3 answers" in verdict.line


def test_what_is_accepted_hides_nothing_else() -> None:
    case = wrong_answers()
    case.model["checks"]["chat.degenerate"] = asked("degenerate: ' the' 48 times in a row")
    verdict = verdict_of(case, known("chat.degenerate"))
    assert verdict.cause and verdict.cause.found.code == "chat.canary"
    both = verdict_of(case, known("chat.degenerate"), known("chat.canary"))
    assert both.passed


def test_a_link_without_the_name_of_a_check_has_one_that_stands_for_it() -> None:
    case = Case()
    for one in (case.edge, case.model):
        one["tools"] = {"kind": "ignored", "detail": "text", "status": 200, "ms": 9}
    assert not verdict_of(case).passed
    assert verdict_of(case, known("tools.forced")).passed


def test_an_engine_that_is_gone_is_not_accepted() -> None:
    case = Case()
    case.engine_away()
    case.model["health"] = answer(503, error="unhealthy")
    assert not verdict_of(case, known("chat.basic"), known("generate.basic")).passed


def test_entries_are_read_as_the_checks_read_them() -> None:
    (one,) = read_known([known("chat.canary"), "words", known("no.such")])
    assert (one.check, one.until) == ("chat.canary", date(9999, 12, 31))
