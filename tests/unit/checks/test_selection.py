"""Test the plan of the checks."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.checks.catalogue_direct import DIRECT
from ansible.module_utils.tgi.checks.catalogue_edge import EDGE
from ansible.module_utils.tgi.checks.selection import (
    Model,
    NothingSelectedError,
    PlanError,
    leave_out,
    make_plan,
)

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
        ([], [], "at least one model"),
        ([MODEL, MODEL], [], "unique"),
        ([MODEL], ["chaat"], "unknown checks or groups: chaat"),
        ([MODEL], ["selftest"], "selftest alone proves nothing"),
        ([BASE], ["chat"], "chat applies to no model here"),
        ([BASE], ["model.info", "chat.basic"], "chat.basic applies to no model here"),
        ([MODEL], ["tls"], "tls has nothing declared to check"),
        ([MODEL], ["model.info", "tls", "rate"], "has nothing declared to check"),
    ],
)
def test_plan_refuses(models: list[Model], select: list[str], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        make_plan(DIRECT, models, select, RATE, TLS)


def test_plan_knows_the_other_view() -> None:
    for select in (["rate"], ["rate", "selftest"]):
        with pytest.raises(NothingSelectedError, match=r"^rate selects no check"):
            make_plan(DIRECT, [MODEL], select, RATE, TLS)
    assert make_plan(DIRECT, [MODEL], ["rate", "model.info"], RATE, TLS)


def test_a_refusal_is_no_word_for_skipping() -> None:
    """Raise PlanError, not NothingSelectedError, on which the module skips."""
    for models, select in (([BASE], ["chat"]), ([MODEL], ["selftest"]), ([MODEL], ["tls"])):
        with pytest.raises(PlanError) as raised:
            make_plan(DIRECT, models, select, RATE, TLS)
        assert not isinstance(raised.value, NothingSelectedError)
