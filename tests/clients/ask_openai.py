"""OpenAI's own SDK for Python: structured output, stops, endings, errors, models."""

from __future__ import annotations

import enum
import functools
import json
from typing import Any

import openai
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel

from tests.clients.rows import RIGHT, Asked, message_of, row, same

OPENAI = "openai for Python"


class Unit(str, enum.Enum):
    """In a schema this becomes a definition and a reference to it."""

    celsius = "celsius"
    kelvin = "kelvin"


class Place(BaseModel):
    city: str
    unit: Unit


class Trip(BaseModel):
    """Nested, so its schema has references."""

    name: str
    stops: list[Place]


@functools.cache
def client(asked: Asked) -> openai.OpenAI:
    return openai.OpenAI(base_url=asked.v1, api_key=asked.key, max_retries=0, timeout=60)


def user(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


def chat(asked: Asked, text: str, **more: Any) -> Any:
    more = {"temperature": 0, "max_tokens": 200, **more}
    done = client(asked).chat.completions
    return done.create(model=asked.model, messages=user(text), **more)


@row("schema", OPENAI)
def parsed_object(asked: Asked) -> str:
    done = client(asked).chat.completions.parse(
        model=asked.model, messages=user("A trip to Paris."), response_format=Trip,
        temperature=0, max_tokens=400,
    )  # fmt: skip
    found = done.choices[0].message.parsed
    return RIGHT if isinstance(found, Trip) else f"nothing parsed: {done.choices[0].message}"


@row("schema streamed", OPENAI)
def parsed_stream(asked: Asked) -> str:
    with client(asked).chat.completions.stream(
        model=asked.model, messages=user("A trip to Rome."), response_format=Trip,
        temperature=0, max_tokens=400,
    ) as stream:  # fmt: skip
        found = stream.get_final_completion().choices[0].message.parsed
    return RIGHT if isinstance(found, Trip) else f"nothing parsed: {found}"


@row("json mode", OPENAI)
def json_mode(asked: Asked) -> str:
    done = chat(asked, "Some JSON.", response_format={"type": "json_object"}, max_tokens=400)
    found = json.loads(done.choices[0].message.content)
    return RIGHT if isinstance(found, dict) else f"no object: {found!r}"


@row("response_format text", OPENAI)
def text_format(asked: Asked) -> str:
    done = chat(asked, "Name the capital of France.", response_format={"type": "text"})
    return RIGHT if "Paris" in done.choices[0].message.content else "another answer"


@row("stop is a string", OPENAI)
def stop_string(asked: Asked) -> str:
    done = chat(asked, "Say exactly: one two three four five", stop=" four")
    return same(done.choices[0].message.content, "one two three")


@row("stop not in the text", OPENAI)
def stop_left_out(asked: Asked) -> str:
    done = chat(asked, "Say exactly: one two three four five", stop=[" four"])
    return same(done.choices[0].message.content, "one two three")


@row("stop not in the text, streamed", OPENAI)
def stop_left_out_of_stream(asked: Asked) -> str:
    said = chat(asked, "Say exactly: one two three four five", stop=[" four"], stream=True)
    joined = "".join(one.choices[0].delta.content or "" for one in said if one.choices)
    return same(joined, "one two three")


@row("finish_reason at a stop", OPENAI)
def finish_at_stop(asked: Asked) -> str:
    done = chat(asked, "Say exactly: one two three four five", stop=[" four"])
    return same(done.choices[0].finish_reason, "stop")


def _text_stream(asked: Asked) -> tuple[str, str | None]:
    said = client(asked).completions.create(
        model=asked.model, prompt="Say exactly: one two", temperature=0, max_tokens=40, stream=True
    )
    pieces = [one.choices[0] for one in said if one.choices]
    return "".join(piece.text for piece in pieces), pieces[-1].finish_reason


@row("end of a text stream", OPENAI)
def text_stream_end(asked: Asked) -> str:
    text, finish = _text_stream(asked)
    special = text[text.index("<|") :] if "<|" in text else ""
    return RIGHT if (special, finish) == ("", "stop") else f"{special!r} and {finish!r} at its end"


@row("logit_bias", OPENAI)
def logit_bias(asked: Asked) -> str:
    return f"{len(chat(asked, 'Hello.', logit_bias={'1': -100}).choices)} answer, no word"


@row("n=2", OPENAI)
def two_answers(asked: Asked) -> str:
    found = len(chat(asked, "Hello.", n=2).choices)
    return RIGHT if found == 2 else f"{found} answer, no word"


@row("top_p=1", OPENAI)
def all_tokens(asked: Asked) -> str:
    return RIGHT if chat(asked, "Hello.", top_p=1).choices[0].message.content else "no text"


@row("presence_penalty", OPENAI)
def penalty(asked: Asked) -> str:
    return f"{len(chat(asked, 'Hello.', presence_penalty=0.5).choices)} answer, no word"


@row("ids of answers", OPENAI)
def distinct_ids(asked: Asked) -> str:
    ids = [chat(asked, "Say exactly: one").id for _ in range(2)]
    return RIGHT if all(ids) and ids[0] != ids[1] else f"{ids[0]!r} twice"


@row("form of errors", OPENAI)
def error_form(asked: Asked) -> str:
    """A SDK that finds no error object shows the raw text, and has neither type nor code."""
    try:
        chat(asked, "Hello.", top_p=5)
    except openai.APIStatusError as error:
        if error.type and message_of(error):
            return RIGHT
        return f"{error.status_code}: no type in {message_of(error)[:60]}"
    return "not refused"


@row("a model by name", OPENAI)
def model_by_name(asked: Asked) -> str:
    return same(client(asked).models.retrieve(asked.model).id, asked.model)


@row("embeddings", OPENAI)
def embeddings(asked: Asked) -> str:
    return str(client(asked).embeddings.create(model=asked.model, input="x"))


@row("responses", OPENAI)
def responses(asked: Asked) -> str:
    return str(client(asked).responses.create(model=asked.model, input="x"))


@row("plain chat and streams", OPENAI)
def plain(asked: Asked) -> str:
    """Rows that TGI always had right: they must stay so."""
    turns: Any = [{"role": "developer", "content": "Be brief."}, *user("Capital of France?")]
    done = client(asked).chat.completions.create(
        model=asked.model, messages=turns, temperature=0, max_completion_tokens=40,
        store=False, metadata={"a": "b"}, parallel_tool_calls=True,
    )  # fmt: skip
    if not done.choices[0].message.content or not done.usage:
        return "no text or no usage"
    said = list(chat(asked, "Say exactly: one", stream=True,
                     stream_options={"include_usage": True}))  # fmt: skip
    text = "".join(one.choices[0].delta.content or "" for one in said if one.choices)
    return RIGHT if "one" in text and said[-1].usage else "no text or no usage in the stream"
