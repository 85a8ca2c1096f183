"""Test whole answers: ids, reasons and stops in OpenAI's words, all else as the engine wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types import Completion
from openai.types.chat import ChatCompletion

from tests.support.gateway.dialect import CHAT, COMPLETIONS, FRESH, NJS, ask

pytestmark = pytest.mark.skipif(NJS is None, reason="njs is not installed")

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
HEAD = {"id": "", "created": 1764000000, "model": "m", "system_fingerprint": "3.3.6-dev0-native"}


def _written(value: Any) -> str:
    """As TGI's router writes JSON: no blanks, no escapes beyond what must be."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def chat(message: dict[str, Any], reason: str = "stop", logprobs: Any = None) -> str:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "logprobs": logprobs}
    choices = [{**choice, "finish_reason": reason}]
    return _written({"object": "chat.completion", **HEAD, "choices": choices, "usage": USAGE})


def text(*texts: str, reason: str = "stop") -> str:
    choices = [
        {"index": number, "text": one, "logprobs": None, "finish_reason": reason}
        for number, one in enumerate(texts)
    ]
    return _written({"object": "text_completion", **HEAD, "choices": choices, "usage": USAGE})


def called(*names: str) -> dict[str, Any]:
    function = {"description": None, "arguments": '{"id":"","finish_reason":"stop"}'}
    return {
        "tool_calls": [
            {"id": "0", "type": "function", "function": {**function, "name": name}}
            for name in names
        ]
    }


def _answer(given: str, route: str = CHAT, **plan: Any) -> Any:
    return json.loads(ask("answers", "answer", [[given, {"route": route, **plan}, FRESH]])[0])


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("stop", "stop"), ("stop_sequence", "stop"), ("eos_token", "stop"), ("length", "length")],
)
def test_a_reason_is_one_of_openais(given: str, wanted: str) -> None:
    answer = _answer(chat({"content": "a"}, given))
    assert answer["choices"][0]["finish_reason"] == wanted


#: stops, what the engine said, what the client gets
CUT = [
    (["4"], "1 2 3 4", "1 2 3 "),
    (["3", "2"], "1 2 3", "1 "),
    (["\n"], 'a "quoted" \\ \n', 'a "quoted" \\ '),
    (["é😀"], "aé😀b", "a"),
    (["b"], "a😀", "a😀"),
    (["a"], "", ""),
]


@pytest.mark.parametrize(("stops", "said", "wanted"), CUT)
def test_a_stop_is_not_in_the_text(stops: list[str], said: str, wanted: str) -> None:
    whole = _answer(chat({"content": said}, "stop_sequence"), stop=stops)
    assert whole["choices"][0]["message"]["content"] == wanted
    several = _answer(text("x", said, reason="stop_sequence"), COMPLETIONS, stop=stops)
    assert several["choices"][1]["text"] == wanted


@pytest.mark.parametrize("reason", ["length", "eos_token", "stop_sequence"])
def test_an_answer_that_a_stop_cuts_has_stopped_there(reason: str) -> None:
    """TGI writes on if a token goes on behind the stop, and looks at the length first."""
    whole = _answer(chat({"content": 'He "is". And'}, reason), stop=["."])
    assert whole["choices"][0]["message"]["content"] == 'He "is"'
    assert whole["choices"][0]["finish_reason"] == "stop"
    several = _answer(text("a.b", "ab", reason="length"), COMPLETIONS, stop=["."])
    assert [one["finish_reason"] for one in several["choices"]] == ["stop", "length"]


def test_an_answer_has_an_id_of_its_own() -> None:
    assert _answer(chat({"content": "a"}))["id"] == f"chatcmpl-{FRESH}"
    assert _answer(text("a"), COMPLETIONS)["id"] == f"cmpl-{FRESH}"


def test_calls_have_ids_of_nine_letters_and_digits_and_end_in_tool_calls() -> None:
    answer = _answer(chat(called("f", "g")))
    choice = answer["choices"][0]
    ids = [call["id"] for call in choice["message"]["tool_calls"]]
    assert len(set(ids)) == 2
    assert all(one.isalnum() and len(one) == 9 for one in ids)
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    arguments = choice["message"]["tool_calls"][0]["function"]["arguments"]
    assert arguments == '{"id":"","finish_reason":"stop"}'


def test_a_call_that_was_cut_says_so() -> None:
    assert _answer(chat(called("f"), "length"))["choices"][0]["finish_reason"] == "length"


def test_what_looks_like_a_key_within_a_text_stays() -> None:
    said = '"id":"" "finish_reason":"eos_token" "tool_calls":[{ "id":"0","type":"function"'
    answer = _answer(chat({"content": said}))
    assert answer["choices"][0]["message"]["content"] == said
    assert answer["choices"][0]["finish_reason"] == "stop"


def test_all_else_is_as_the_engine_wrote_it() -> None:
    token = {"token": "a", "logprob": -0.0, "top_logprobs": [{"token": "id", "logprob": -1.0}]}
    given = chat({"content": "a"}, logprobs={"content": [token]})
    made = ask("answers", "answer", [[given, {"route": CHAT, "stop": ["x"]}, FRESH]])[0]
    assert made == given.replace('"id":""', f'"id":"chatcmpl-{FRESH}"', 1)


def test_answers_are_of_the_types_of_openais_own_client() -> None:
    given = [chat({"content": "a 4"}, "stop_sequence"), chat(called("f", "g"))]
    for one in ask(
        "answers", "answer", [[one, {"route": CHAT, "stop": ["4"]}, FRESH] for one in given]
    ):
        ChatCompletion.model_validate_json(one)
    for one in ask("answers", "answer", [[text("a", "b"), {"route": COMPLETIONS}, FRESH]]):
        Completion.model_validate_json(one)
