"""OpenAI's own SDK for Python: tools, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import openai
from pydantic import ValidationError

from tests.clients.ask_openai import OPENAI, Place, chat, client, user
from tests.clients.rows import RIGHT, Asked, message_of, row, same

#: As recorded: 30 seeds at each of two temperatures, one tool with an enum.
SEEDS, TEMPERATURES = range(30), (0.7, 1.0)
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "kelvin"]},
            },
            "required": ["city", "unit"],
        },
    },
}


def _forced(asked: Asked, tool: Any = WEATHER, **more: Any) -> Any:
    question = "What is the weather in Paris?"
    return chat(asked, question, tools=[tool], tool_choice="required", **more)


@row("tools with references", OPENAI)
def referring_tool(asked: Asked) -> str:
    tool = openai.pydantic_function_tool(Place, name="look_up")
    done = client(asked).chat.completions.parse(
        model=asked.model, messages=user("What is the weather in Paris?"), tools=[tool],
        tool_choice="required", temperature=0, max_tokens=200,
    )  # fmt: skip
    call = next(iter(done.choices[0].message.tool_calls or []), None)
    found = call and call.function.parsed_arguments
    return RIGHT if isinstance(found, Place) else f"not parsed: {call}"


@row("a list of types", OPENAI)
def listed_types(asked: Asked) -> str:
    parameters = {
        "type": "object", "properties": {"on": {"type": ["boolean", "null"]}}, "required": ["on"],
    }  # fmt: skip
    tool = {"type": "function", "function": {"name": "set_lamp", "parameters": parameters}}
    call = _forced(asked, tool).choices[0].message.tool_calls[0].function
    found = json.loads(call.arguments)["on"]
    return RIGHT if found in (True, False, None) else f"on is {found!r}"


@row("recursive tools", OPENAI)
def recursive_tool(asked: Asked) -> str:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    parameters = {"type": "object", "properties": {"list": {"$ref": "#/$defs/Node"}},
                  "$defs": {"Node": node}}  # fmt: skip
    tool = {"type": "function", "function": {"name": "link", "parameters": parameters}}
    return "answered" if _forced(asked, tool) else ""


@row("finish_reason of a call", OPENAI)
def call_finish(asked: Asked) -> str:
    """A forced call of a named tool ends in `stop` at OpenAI, one of `required` in this."""
    return same(_forced(asked).choices[0].finish_reason, "tool_calls")


@row("finish_reason of a call, streamed", OPENAI)
def stream_finish(asked: Asked) -> str:
    reasons = [one.choices[0].finish_reason for one in _forced(asked, stream=True) if one.choices]
    return same([reason for reason in reasons if reason], ["tool_calls"])


@row("ids of calls", OPENAI)
def call_ids(asked: Asked) -> str:
    """Two turns that are not one conversation: a client keeps all calls by id."""
    ids = [_forced(asked).choices[0].message.tool_calls[0].id for _ in range(2)]
    return RIGHT if ids[0] != ids[1] else f"{ids[0]!r} twice"


@row("a call fed back", OPENAI)
def fed_back(asked: Asked) -> str:
    """The assistant's message as the SDK dumps it, then the tool's result."""
    message = _forced(asked).choices[0].message
    turns: Any = [*user("What is the weather in Paris?"), message.model_dump()]
    turns.append({"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "nonce-33"})
    done = client(asked).chat.completions.create(
        model=asked.model, messages=turns, temperature=0, max_tokens=40
    )
    return RIGHT if "nonce-33" in str(done.choices[0].message.content) else "result not read"


@row("a call cut by max_tokens", OPENAI)
def cut_call(asked: Asked) -> str:
    try:
        _forced(asked, max_tokens=3)
    except openai.APIStatusError as error:
        if error.type and error.status_code == 422 and "Failed to parse" in message_of(error):
            return RIGHT
        return f"{error.status_code}: no type in {message_of(error)[:60]}"
    return "not refused"


@row("60 streamed calls", OPENAI)
def sixty_calls(asked: Asked) -> str:
    torn = sum(
        not _is_whole(asked, temperature, seed) for temperature in TEMPERATURES for seed in SEEDS
    )
    return RIGHT if not torn else f"{torn} of {len(SEEDS) * len(TEMPERATURES)} torn"


def _is_whole(asked: Asked, temperature: float, seed: int) -> bool:
    said = _forced(asked, stream=True, temperature=temperature, seed=seed)
    joined = "".join(
        (call.function.arguments or "")
        for one in said if one.choices for call in one.choices[0].delta.tool_calls or []
    )  # fmt: skip
    try:
        return bool(Place.model_validate_json(joined))
    except ValidationError:
        return False
