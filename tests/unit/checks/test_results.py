"""The plan, the verdict over what was run of it, and how both are told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml
from ansible.module_utils.tgi.checks.catalogue_direct import DIRECT
from ansible.module_utils.tgi.checks.catalogue_edge import EDGE
from ansible.module_utils.tgi.checks.report.text_table import make_table
from ansible.module_utils.tgi.checks.results import Check, Report, scrub
from ansible.module_utils.tgi.checks.selection import (
    Model,
    NothingSelectedError,
    PlanError,
    leave_out,
    make_plan,
)
from ansible.module_utils.tgi.common.text import trim

MODEL = Model("small", "acme/small")
BASE = Model("base", "acme/base", chat=False)
RATE = [spec for spec in EDGE if spec.group == "rate"]
TLS = [spec for spec in EDGE if spec.group == "tls"]


def test_plan_selects_ids_and_groups() -> None:
    plan = make_plan(DIRECT, [MODEL], ["chat", "model.info"])
    ids = [item.spec.id for item in plan]
    chat = [spec.id for spec in DIRECT if spec.group == "chat" and not spec.opt_in]
    assert ids == ["selftest", "model.info", *chat] and "chat.basic" in chat


def test_plan_leaves_chat_out_for_a_base_model() -> None:
    plan = make_plan(DIRECT, [BASE])
    assert {item.spec.group for item in plan}.isdisjoint({"chat"})


def test_what_stands_in_for_a_chat_is_planned_for_a_base_model_alone() -> None:
    assert "generate.degenerate" in {item.spec.id for item in make_plan(DIRECT, [BASE])}
    assert "generate.degenerate" not in {item.spec.id for item in make_plan(DIRECT, [MODEL])}
    assert {one.id for one in leave_out(DIRECT, [MODEL])} == {"gpu.access"}


@pytest.mark.parametrize(
    ("models", "select", "said"),
    [
        ([], [], "no model"),
        ([MODEL, MODEL], [], "unique"),
        ([MODEL], ["chaat"], "no check or group is called chaat"),
        ([MODEL], ["selftest"], "selftest alone proves nothing"),
        ([BASE], ["chat"], "no model here has anything to check for chat"),
        ([BASE], ["model.info", "chat.basic"], "anything to check for chat.basic"),
        ([MODEL], ["tls"], "nothing is declared here that tls could check"),
        ([MODEL], ["model.info", "tls", "rate"], "nothing is declared here that tls could"),
    ],
)
def test_plan_refuses(models: list[Model], select: list[str], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        make_plan(DIRECT, models, select, RATE, TLS)


def test_plan_knows_the_other_view() -> None:
    for select in (["rate"], ["rate", "selftest"]):
        with pytest.raises(NothingSelectedError, match=r"selected by rate$"):
            make_plan(DIRECT, [MODEL], select, RATE, TLS)
    assert make_plan(DIRECT, [MODEL], ["rate", "model.info"], RATE, TLS)


def test_a_refusal_is_no_word_for_skipping() -> None:
    """The module skips on NothingSelectedError, which is a PlanError too."""
    for models, select in (([BASE], ["chat"]), ([MODEL], ["selftest"]), ([MODEL], ["tls"])):
        with pytest.raises(PlanError) as raised:
            make_plan(DIRECT, models, select, RATE, TLS)
        assert not isinstance(raised.value, NothingSelectedError)


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


def test_the_table_is_a_block_of_text_for_ansible_too() -> None:
    ship = replace(row("a", "pass"), observed="\u65e5\u672c \U0001f6a2")
    table = make_table(Report("direct", "gpu1", [("a", "")], [ship]))
    assert table.endswith("\u65e5\u672c U+1F6A2")
    assert (
        yaml.dump(table, allow_unicode=True, default_style="|", Dumper=yaml.CSafeDumper)[0] == "|"
    )


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


def test_scrub_knows_a_hub_token_that_nobody_declared() -> None:
    clean = scrub(["hf_AbCdEf123456 of the host", "hf_hub and self"], [])
    assert clean == ["******** of the host", "hf_hub and self"]
