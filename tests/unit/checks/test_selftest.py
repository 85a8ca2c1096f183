"""Test the checks' own test of their judges."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.checks import selftest
from ansible.module_utils.tgi.checks.judges import chat
from ansible.module_utils.tgi.checks.results import Outcome
from ansible.module_utils.tgi.client.answer import Answer


def test_selftest_is_in_order_and_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    assert selftest.find_defect() == ""
    good = chat.judge_chat_stream
    monkeypatch.setattr(chat, "judge_chat_stream", lambda _, n: good(Answer(200), n))
    assert "reject a good stream" in selftest.find_defect()
    monkeypatch.setattr(chat, "judge_chat_stream", lambda *_: Outcome())
    assert "the judges accept" in selftest.find_defect()
