"""Test streams: however a stream is cut into chunks, a client reads the same in OpenAI's words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types import Completion
from openai.types.chat import ChatCompletionChunk

from tests.support.gateway.dialect import CHAT, COMPLETIONS, FRESH, NJS, streamed
from tests.support.gateway.stream_events import DONE, USAGE, call, completed, event, piece

pytestmark = pytest.mark.skipif(NJS is None, reason="njs is not installed")


def stream(chunks: list[str], **plan: Any) -> list[str]:
    """Return the events that a client gets of a stream that comes in these chunks."""
    out = streamed([chunks], {"route": CHAT, **plan})[0]
    assert out.endswith("\n\n")
    return out.split("\n\n")[:-1]


def data(events: list[str]) -> list[Any]:
    return [
        json.loads(one[6:]) for one in events if one.startswith("data: ") and one != "data: [DONE]"
    ]


def said(events: list[str]) -> str:
    return "".join(
        choice["delta"].get("content") or ""
        for one in data(events)
        for choice in one.get("choices", [])
    )


def test_pieces_have_an_id_and_a_reason_of_openais() -> None:
    made = data(stream([piece("a"), ": keep-alive\n\n" + piece("b", "eos_token"), DONE]))
    assert [one["id"] for one in made] == [f"chatcmpl-{FRESH}"] * 2
    assert [one["choices"][0]["finish_reason"] for one in made] == [None, "stop"]
    for one in made:
        ChatCompletionChunk.model_validate(one)


def test_a_completion_does_not_end_in_the_name_of_its_last_token() -> None:
    made = data(
        stream([completed("a"), completed("<|im_end|>", "eos_token"), DONE], route=COMPLETIONS)
    )
    assert [one["choices"][0]["text"] for one in made] == ["a", ""]
    assert [one["choices"][0]["finish_reason"] for one in made] == [None, "stop"]
    for one in made:
        Completion.model_validate(
            {**one, "choices": [{**one["choices"][0], "finish_reason": "stop"}]}
        )


#: pieces, stops, what the client reads
STOPS = [
    (["1", " 2", " 3", " 4"], ["4"], "1 2 3 "),
    (["x", " Obser", "vation", ":"], ["Observation:"], "x "),
    (["x Obs", "cure"], ["Observation:"], "x Obscure"),
    (["aab"], ["ab"], "a"),
    (["a", "a", "b", "c"], ["ab"], "a"),
    (["a", "b"], ["ba"], "ab"),
    (["é", "😀", "!"], ["😀!"], "é"),
    (['say "', "hi", '" \\', "\n"], ["\n"], 'say "hi" \\'),
    (["ab", "cd", "ef"], ["zz", "cd"], "ab"),
]


@pytest.mark.parametrize(("pieces", "stops", "wanted"), STOPS)
def test_a_stop_is_not_in_the_pieces(pieces: list[str], stops: list[str], wanted: str) -> None:
    events = [piece(one) for one in pieces[:-1]] + [piece(pieces[-1], "stop_sequence"), DONE]
    assert said(stream(events, stop=stops)) == wanted


def test_a_stream_that_a_stop_cuts_has_stopped_there() -> None:
    """TGI writes on if a token goes on behind the stop, and may end for another reason."""
    events = [piece("1 2."), piece("3"), piece("4", "length"), DONE]
    made = data(stream(events, stop=["."]))
    assert made[-1]["choices"][0]["finish_reason"] == "stop"
    whole = data(stream([piece("a"), piece("b", "length"), DONE], stop=["."]))
    assert whole[-1]["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("end", [[DONE], []])
def test_what_was_held_back_comes_when_a_stream_ends_without_a_reason(end: list[str]) -> None:
    assert said(stream([piece("a"), piece("b Ob"), *end], stop=["Obs"])) == "ab Ob"


def test_live_calls_have_one_id_and_a_reason() -> None:
    events = [call("{", "f"), call('"a": 1'), call("}"), event([], USAGE), DONE]
    made = data(stream(events, tools=True))
    deltas = [one["choices"][0]["delta"]["tool_calls"][0] for one in made[:3]]
    assert [one["id"] is None for one in deltas] == [False, True, True]
    assert made[3]["choices"][0]["finish_reason"] == "tool_calls"
    assert made[3]["choices"][0]["delta"] == {}
    assert made[4]["usage"] == USAGE
    for one in made:
        ChatCompletionChunk.model_validate(one)


def test_an_error_in_a_stream_has_openais_form() -> None:
    broken = 'data: {"error":{"message":"Model is overloaded","http_status_code":422}}\n\n'
    made = data(stream([piece("a"), broken, DONE]))
    assert made[-1] == {
        "error": {
            "message": "Model is overloaded",
            "type": "rate_limit_error",
            "param": None,
            "code": None,
        }
    }


_WHOLE = (
    piece("é"), piece("Obser"), piece("v"), piece("ing 😀"), piece("Observation", "stop_sequence"),
    event([], USAGE), DONE,
)  # fmt: skip


@given(
    cuts=st.lists(
        st.lists(st.integers(0, len("".join(_WHOLE))), max_size=6), min_size=8, max_size=8
    )
)
@settings(max_examples=5, deadline=None)
def test_chunks_may_end_anywhere(cuts: list[list[int]]) -> None:
    whole = "".join(_WHOLE)
    streams = [[whole]]
    for some in cuts:
        places = [0, *sorted(some), len(whole)]
        streams.append([whole[a:b] for a, b in zip(places, places[1:], strict=False)])
    first, *others = streamed(streams, {"route": CHAT, "stop": ["Observation"]})
    assert said(first.split("\n\n")[:-1]) == "éObserving 😀"
    assert all(one == first for one in others)
