"""Forced tool calls, streamed at a temperature: torn as often and as TGI tears them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tgi_emulator.source.call_spacing import spaced, spacing_of
from tgi_emulator.source.text import Ask, Constraint, Piece
from tgi_emulator.source.tools import schema_for

from tests.support.emulator import App, events

SEEDS = range(30)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "kelvin"]}},
    "required": ["city", "unit"],
}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}
CALL = Constraint(schema_for([{"function": {"name": "f", "arguments": SCHEMA}}]))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    return App(tmp_path_factory.mktemp("tgi"))


def forced(tool: Any, **more: Any) -> dict[str, Any]:
    question = {"role": "user", "content": "Weather in Paris?"}
    return {"messages": [question], "tools": [tool], "tool_choice": "required", **more}


def streamed(app: App, temperature: float, seed: int, tool: Any = WEATHER) -> str:
    body = forced(tool, seed=seed, temperature=temperature, stream=True)
    answer = app.post("/v1/chat/completions", body)
    chunks = [one["choices"][0]["delta"] for one in events(answer.text)[:-1]]
    return "".join(one["tool_calls"][0]["function"]["arguments"] for one in chunks)


def is_usable(arguments: str) -> bool:
    try:
        return bool(Draft202012Validator(SCHEMA).is_valid(json.loads(arguments)))
    except ValueError:
        return False


def test_about_a_third_of_sixty_are_unusable_and_none_without_sampling(app: App) -> None:
    torn = [
        joined
        for temperature in (0.7, 1.0)
        for seed in SEEDS
        if not is_usable(joined := streamed(app, temperature, seed))
    ]
    assert 15 <= len(torn) <= 25, torn
    assert set(torn) == {'{, "city": "Paris", "unit": "celsius"}', "{}"}
    assert all(is_usable(streamed(app, 0, seed)) for seed in SEEDS)
    assert streamed(app, 0.7, 3) == streamed(app, 0.7, 3)


def test_the_same_calls_asked_whole_are_right(app: App) -> None:
    for seed in SEEDS:
        body = forced(WEATHER, seed=seed, temperature=0.7)
        answer = app.post("/v1/chat/completions", body).json()
        call = answer["choices"][0]["message"]["tool_calls"][0]["function"]
        assert is_usable(call["arguments"])


def test_a_call_without_arguments_cannot_be_torn(app: App) -> None:
    lamp = {"type": "function", "function": {"name": "f", "parameters": {"properties": {}}}}
    assert {streamed(app, 0.7, seed, lamp) for seed in SEEDS} == {"{}"}


def written(ask: Ask, *texts: str) -> list[str]:
    async def source() -> AsyncGenerator[Piece, None]:
        for text in texts:
            yield Piece(1, text, -0.1)

    async def work() -> list[str]:
        return [piece.text async for piece in spaced(ask, source())]

    return asyncio.run(work())


def drawn(spacing: str) -> Ask:
    asks = (Ask("x", 9, temperature=0.7, seed=seed, constraint=CALL) for seed in SEEDS)
    return next(ask for ask in asks if spacing_of(ask) == spacing)


def test_white_space_within_a_string_stays_where_the_call_has_none() -> None:
    texts = ('{"a": "x', " \\", '" y', '",', ' "b', '": ', "1", "}", " ")
    joined = "".join(written(drawn("tight"), *texts))
    assert joined == '{"a":"x \\" y","b":1}'


def test_only_sampled_calls_are_spaced() -> None:
    texts = ['{"a": "x"', ", ", '"b": 1}']
    prose = Ask("x", 9, temperature=0.7, seed=drawn("tight").seed)
    assert written(prose, *texts) == texts
    assert "".join(written(Ask("x", 9, constraint=CALL), *texts)) == "".join(texts)
    assert "".join(written(drawn("blank"), *texts)) == '{"a": "x" , "b": 1}'
