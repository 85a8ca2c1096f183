"""Test that random JSON is never a healthy answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ansible.module_utils.tgi.checks.judges import chat, native
from ansible.module_utils.tgi.checks.judges.identity import judge_info, judge_list
from ansible.module_utils.tgi.checks.model.health_and_counters import judge_health
from ansible.module_utils.tgi.checks.selection import Model
from ansible.module_utils.tgi.client.answer import Answer
from hypothesis import given
from hypothesis import strategies as st

MODEL = Model("small", "acme/small", "a" * 40, (), "", 1024, 2048)
JUDGES: list[Callable[[Answer], Any]] = [
    native.judge_generate,
    native.judge_generate_stream,
    lambda answer: chat.judge_chat(answer, 24),
    lambda answer: chat.judge_chat_stream(answer, 24),
    lambda answer: judge_info(answer, MODEL),
    lambda answer: judge_list(answer, ["small"]),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["choices", "delta", "message", "content", "usage", "details", "tokens",
                         "token", "logprob", "text", "generated_text", "finish_reason", "error",
                         "data", "object", "id", "index", "model_id"]) | st.text(max_size=3),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(JSON, max_size=4), st.sampled_from(range(len(JUDGES))), st.booleans())
def test_no_answer_breaks_a_judge_or_passes_by_chance(
    values: list[Any], which: int, stream: bool
) -> None:
    if stream:
        body = "".join(f"data: {json.dumps(value)}\n\n" for value in values).encode()
    else:
        body = json.dumps(values[0] if values else {}).encode()
    answer = Answer(200, {"content-type": "text/event-stream"}, [(0.0, body)])
    assert JUDGES[which](answer).problem


def test_plain_http_to_a_tls_port_has_its_own_remedy() -> None:
    told = (
        '{"error": {"message": "Only https is spoken here: ask https://llm.example.org instead."}}',
        "<center>The plain HTTP request was sent to HTTPS port</center>",
        "Client sent an HTTP request to an HTTPS server.",
    )
    for text in told:
        found = judge_health(Answer(400, {}, [(0.0, text.encode())]))
        assert found.remedy == "This port speaks https: begin the URL with https://"
    other = Answer(400, {}, [(0.0, b'{"error": "see https://docs.example.org"}')])
    assert judge_health(other).remedy == ""
