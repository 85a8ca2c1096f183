"""Test judges of chat answers, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

from ansible.module_utils.tgi.checks.judges import chat, native
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.checks.answers import reply


def test_a_nan_that_sglang_tells_beside_the_text_is_no_answer() -> None:
    choice = {"index": 0, "finish_reason": "stop", "matched_stop": "NaN happened"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    message = {"role": "assistant", "content": "ok"}
    whole = {"object": "chat.completion", "choices": [{**choice, "message": message}]}
    found = chat.judge_chat(reply({**whole, "usage": usage}), 24)
    assert "NaN happened" in found.problem and found.remedy == native.NAN_REMEDY
    events = [{"choices": [{**choice, "delta": message}]}, {"choices": [], "usage": usage}]
    found = chat.judge_chat_stream(streamed([*events, "[DONE]"]), 24)
    assert "NaN happened" in found.problem and found.remedy == native.NAN_REMEDY


def streamed(events: list[Any]) -> Answer:
    lines = [one if isinstance(one, str) else json.dumps(one) for one in events]
    body = "".join(f"data: {one}\n\n" for one in lines).encode()
    return Answer(200, {"content-type": "text/event-stream"}, [(0.0, body)])


def test_done_is_asked_of_engines_that_say_it() -> None:
    choice = {"index": 0, "finish_reason": "stop", "delta": {"content": "ok"}}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    events: list[Any] = [{"choices": [choice]}, {"choices": [], "usage": usage}]
    assert "[DONE] is not" in chat.judge_chat_stream(streamed(events), 24).problem
    found = chat.judge_chat_stream(streamed(events), 24, done=False)
    assert not found.problem and "no [DONE]" in found.observed
    late = ["[DONE]", *events]
    assert "[DONE] is not" in chat.judge_chat_stream(streamed(late), 24, done=False).problem


def test_a_usage_that_counts_far_less_than_came_is_wrong() -> None:
    piece = {"choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]}
    ending = {"choices": [{"index": 0, "delta": {"content": "."}, "finish_reason": "stop"}]}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    for count, wrong in ((15, False), (16, True)):
        events = [*[piece] * count, ending, {"choices": [], "usage": usage}, "[DONE]"]
        problem = chat.judge_chat_stream(streamed(events), 24).problem
        assert problem == (f"usage counts 2 tokens, {count + 1} pieces came" if wrong else "")
