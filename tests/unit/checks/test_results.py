"""Test the verdict and its message."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible.module_utils.tgi.checks.report.text_table import make_table
from ansible.module_utils.tgi.checks.results import Check, Report, scrub
from ansible.module_utils.tgi.common.text import trim


def row(name: str, status: str, model: str = "") -> Check:
    return Check(name, "g", "direct", model, status, "e", "seen", "", f"mend {name}", 1)


def test_what_was_planned_and_not_run_is_no_pass() -> None:
    report = Report("direct", "gpu1", [("a", ""), ("b", "")], [row("a", "pass")])
    assert not report.passed
    assert report.message() == "1 of 2 planned checks were executed on gpu1 (direct)"


def test_nothing_run_is_no_pass() -> None:
    assert not Report("direct", "gpu1", []).passed


@pytest.mark.parametrize(("status", "passed"), [("warn", True), ("error", False), ("fail", False)])
def test_only_a_warning_lets_a_run_pass(status: str, passed: bool) -> None:
    report = Report("direct", "gpu1", [("a", ""), ("b", "")], [row("a", "pass"), row("b", status)])
    assert report.passed is passed


def test_message_puts_the_cause_first_in_one_line() -> None:
    checks = [row("a", "pass"), row("b", "fail", "small"), row("c", "error")]
    report = Report("edge", "gw1", [("a", ""), ("b", "small"), ("c", "")], checks)
    wanted = "2 of 3 checks failed on gw1 (edge): b small: seen; remedy: mend b; also failed: c"
    assert report.message() == wanted
    assert make_table(report).splitlines()[0].startswith("FAILED: gw1 (edge), 3 of 3 checks run")
    assert "remedy for b small: mend b" in make_table(report)


def test_trim_keeps_to_one_line() -> None:
    assert trim("a\n\u2028b\x1b[31m", 50) == "a b [31m"
    assert trim("x" * 99, 10) == "x" * 9 + "…"


def test_scrub_reaches_everywhere() -> None:
    value = {"a": ["sk-secret-key and sk-secret-ke", {"b": "SK-SECRET-KEY"}], "n": 1}
    clean = scrub(value, ["sk-secret-key", "sk-secret-ke", "SK-SECRET-KEY"])
    assert "secret" not in json.dumps(clean).lower()


@pytest.mark.parametrize("most", range(20, 60))
def test_scrub_blots_out_what_trim_has_left_of_a_secret(most: int) -> None:
    said = trim(f"your key is sk-0123456789abcdef, said the engine, {'x' * 60}", most)
    clean = scrub(f"before: {said}; after", ["sk-0123456789abcdef"])
    assert "sk-01" not in clean and clean.endswith("…; after")


def test_scrub_knows_an_undeclared_hub_token() -> None:
    clean = scrub(["hf_AbCdEf123456 of the host", "hf_hub and self"], [])
    assert clean == ["******** of the host", "hf_hub and self"]


def caused(root: str) -> Report:
    """Return a run in which ``b`` is a consequence of ``d``."""
    lost = replace(row("b", "not_judged", "small"), consequence_of="d small", remedy="")
    rows = [row("a", "fail", "small"), lost, row("c", "pass"), row("d", root, "small")]
    return Report("direct", "gpu1", [(one.id, one.model) for one in rows], rows)


def test_the_cause_of_others_is_named_first() -> None:
    said = caused("fail").message()
    assert said == (
        "2 of 4 checks failed on gpu1 (direct): d small: seen; remedy: mend d; also failed: a small"
        "; not judged, as consequences: 1 of d small"
    )
    assert caused("fail").summary()["not_judged"] == 1
    assert [one["id"] for one in caused("fail").rows()] == ["a", "b", "d"]


def test_what_is_not_judged_is_no_pass_even_where_nothing_failed() -> None:
    report = caused("pass")
    report.checks[0] = row("a", "pass", "small")
    assert not report.passed and report.summary()["failed"] == 0
    assert "not judged, as consequences: 1 of d small" in report.message()


def test_a_check_that_was_not_run_is_not_counted_as_executed() -> None:
    report = caused("fail")
    report.checks[1] = replace(report.checks[1], attempts=0)
    assert report.summary()["executed"] == 3
    assert "3 of 4 checks run" in make_table(report)
