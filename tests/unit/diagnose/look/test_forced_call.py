"""Sort answers to a forced tool call into kinds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.diagnose.look import forced_call

from tests.support.diagnose.pictures import call

EOF_TEXT = "Tool error: Failed to parse generated text: EOF while parsing a value"


@pytest.mark.parametrize(
    ("status", "reply", "kind"),
    [
        (200, call('{"city": "Paris"}'), "ok"),
        (200, call({"city": "Paris"}), "arguments"),
        (200, call('"Paris"'), "arguments"),
        (200, call("[1]"), "arguments"),
        (200, call('{"town": "Paris"}'), "arguments"),
        (200, call('{"city": '), "arguments"),
        (200, call('{"city": "P', finish_reason="length"), "cut"),
        (200, {**call('{"city"'), "usage": {"completion_tokens": forced_call.MAX_TOKENS}}, "cut"),
        (200, call("{}", name="other"), "ignored"),
        (200, {"choices": [{"message": {"content": "Hi."}, "finish_reason": "stop"}]}, "ignored"),
        (200, {"choices": [{"message": {"content": ' {"f'}, "finish_reason": "length"}]}, "cut"),
        (200, {"choices": "none"}, "ignored"),
        (422, {"error": "Template error: template not found"}, "template"),
        (422, {"error": EOF_TEXT, "error_type": "tool_error"}, "cut"),
        (422, {"error": "Tool error: Failed to parse generated text: x"}, "arguments"),
        (422, {"error": "Input validation error: grammar is not supported"}, "grammar"),
        (500, {"error": "broken"}, "failed"),
        (503, None, "failed"),
    ],
)  # fmt: skip
def test_kinds_of_tool_calls(status: int, reply: Any, kind: str) -> None:
    answer = Answer(status, {}, [(0.1, json.dumps(reply).encode())])
    assert forced_call.judge_call(answer)[0] == kind
    assert kind == "ok" or forced_call.REMEDIES[kind]
