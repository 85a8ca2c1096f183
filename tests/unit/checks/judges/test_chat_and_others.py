"""Judges that need no conversation: identity, lists, certificates."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.tgi.checks import selftest
from ansible.module_utils.tgi.checks.endpoint.tls_certificate import Handshake, judge_expiry
from ansible.module_utils.tgi.checks.judges import chat, native
from ansible.module_utils.tgi.checks.judges.identity import judge_info, judge_list
from ansible.module_utils.tgi.checks.judges.metrics import parse_metrics, shortfall
from ansible.module_utils.tgi.checks.results import Outcome
from ansible.module_utils.tgi.checks.selection import Model
from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.engines.profiles import ENGINES
from hypothesis import given
from hypothesis import strategies as st

MODEL = Model("small", "acme/small", "a" * 40, (), "", 1024, 2048)
GOOD_INFO = {"model_id": "acme/small", "model_sha": "a" * 40, "max_input_tokens": 1024,
             "max_total_tokens": 2048}  # fmt: skip


def reply(value: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(status, headers, [(0.0, json.dumps(value).encode())])


INFO: dict[str, dict[str, Any]] = {
    "": {},
    "serves acme/other": {"model_id": "acme/other"},
    "serves revision": {"model_sha": "b" * 40},
    "max_total_tokens is 4096": {"max_total_tokens": 4096},
    "names no model_id": {"model_id": None},
}


@pytest.mark.parametrize("problem", INFO)
def test_info(problem: str) -> None:
    found = judge_info(reply({**GOOD_INFO, **INFO[problem]}), MODEL).problem
    assert problem in found
    assert bool(found) == bool(problem)


def test_info_of_a_local_path_tells_no_revision() -> None:
    assert not judge_info(reply({**GOOD_INFO, "model_sha": None}), MODEL).problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"object": "list", "data": [{"id": "small"}]}, ""),
        ({"object": "list", "data": [{"id": "other"}]}, "not listed: small"),
        ({"object": "list", "data": [{"id": "small"}, {"id": "small"}]}, "unique"),
        ({"object": "list", "data": []}, "no list"),
        (["small"], "no list"),
    ],
)
def test_list(value: Any, problem: str) -> None:
    assert problem in judge_list(reply(value), ["small"]).problem
    assert bool(problem) == bool(judge_list(reply(value), ["small"]).problem)


@pytest.mark.parametrize(
    ("root", "problem"),
    [
        ("acme/small", ""),
        (None, ""),
        ("/models/small", ""),
        ("acme/other", "small is served from acme/other, not acme/small"),
        (7, "small is served from 7"),
    ],
)
def test_what_is_behind_a_name(root: Any, problem: str) -> None:
    """As vLLM tells it; an adapter beside it has its own."""
    adapter = {"id": "adapter", "root": "acme/adapter", "parent": "small"}
    listed = reply({"object": "list", "data": [{"id": "small", "root": root}, adapter]})
    found = judge_list(listed, ["small"], "acme/small")
    assert found.problem.startswith(problem) and bool(found.problem) == bool(problem)
    assert ("/models/small" in found.observed) == (root == "/models/small")
    assert not judge_list(listed, ["small"]).problem


NOW = 4070908800.0  # 2099-01-01


@pytest.mark.parametrize(
    ("until", "problem", "soft"),
    [
        ("Mar  1 00:00:00 2099 GMT", False, False),
        ("Jan 15 00:00:00 2099 GMT", True, True),
        ("Jan  4 00:00:00 2099 GMT", True, False),
    ],
)
def test_expiry(until: str, problem: bool, soft: bool) -> None:
    found = judge_expiry(Handshake({"notAfter": until}), NOW, 21)
    assert (bool(found.problem), found.soft) == (problem, soft)


def test_metrics() -> None:
    text = '# HELP x\na_total{le="1"} 2\na_total{le="2"} 3\nb 1.5e3 1700000000\n\n'
    assert parse_metrics(text) == {"a_total": 5.0, "b": 1500.0}
    assert parse_metrics("") == {}
    assert parse_metrics("<html>nothing here</html>") is None
    assert len(shortfall({}, {"tgi_request_count": 2.0}, 2, 5, ENGINES["tgi"].counters)) == 2


def test_selftest_is_in_order_and_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    assert selftest.find_defect() == ""
    good = chat.judge_chat_stream
    monkeypatch.setattr(chat, "judge_chat_stream", lambda _, n: good(Answer(200), n))
    assert "good stream is taken for bad" in selftest.find_defect()
    monkeypatch.setattr(chat, "judge_chat_stream", lambda *_: Outcome())
    assert "is taken for good" in selftest.find_defect()


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
