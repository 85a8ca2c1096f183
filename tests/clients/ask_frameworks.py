"""Clients built on OpenAI's API: LangChain, instructor, LiteLLM; and Hugging Face's own."""

from __future__ import annotations

import json
from typing import Any

import huggingface_hub
import instructor
import litellm
import openai
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.clients.ask_openai import Place, Trip
from tests.clients.ask_openai_tools import WEATHER
from tests.clients.rows import RIGHT, Asked, row

LANGCHAIN, INSTRUCTOR, LITELLM = "LangChain", "instructor", "LiteLLM"
HUB = "huggingface_hub"
QUESTION: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]


def _structured(asked: Asked, **method: Any) -> str:
    model = ChatOpenAI(
        base_url=asked.v1, api_key=SecretStr(asked.key), model=asked.model, temperature=0,
        max_retries=0, timeout=60,
    )  # fmt: skip
    found = model.with_structured_output(Trip, **method).invoke("A trip to Paris, as JSON.")
    return RIGHT if isinstance(found, Trip) else f"no object: {found!r}"


@row("schema", LANGCHAIN)
def default_method(asked: Asked) -> str:
    return _structured(asked)


@row("tools with references", LANGCHAIN)
def function_calling(asked: Asked) -> str:
    return _structured(asked, method="function_calling")


def _instructed(asked: Asked, mode: instructor.Mode) -> str:
    sdk = openai.OpenAI(base_url=asked.v1, api_key=asked.key, max_retries=0, timeout=60)
    found = instructor.from_openai(sdk, mode=mode).chat.completions.create(
        model=asked.model, messages=QUESTION, response_model=Trip, temperature=0, max_tokens=400,
        max_retries=0,
    )  # fmt: skip
    return RIGHT if isinstance(found, Trip) else f"no object: {found!r}"


@row("tools with references", INSTRUCTOR)
def by_tools(asked: Asked) -> str:
    return _instructed(asked, instructor.Mode.TOOLS)


@row("schema", INSTRUCTOR)
def by_schema(asked: Asked) -> str:
    return _instructed(asked, instructor.Mode.JSON_SCHEMA)


def _lite(asked: Asked, **more: Any) -> Any:
    return litellm.completion(
        model=f"openai/{asked.model}", api_base=asked.v1, api_key=asked.key, messages=QUESTION,
        temperature=0, max_tokens=400, max_retries=0, num_retries=0, **more,
    )  # fmt: skip


@row("schema", LITELLM)
def lite_schema(asked: Asked) -> str:
    done = _lite(asked, response_format=Trip)
    return RIGHT if Trip.model_validate_json(done.choices[0].message.content) else ""


@row("stop is a string", LITELLM)
def lite_stop(asked: Asked) -> str:
    return RIGHT if _lite(asked, stop="\n").choices else "no answer"


@row("finish_reason of a call, streamed", LITELLM)
def lite_stream(asked: Asked) -> str:
    chunks = list(_lite(asked, tools=[WEATHER], tool_choice="required", stream=True))
    built = litellm.stream_chunk_builder(chunks).choices[0]
    call = built.message.tool_calls[0].function
    if not Place.model_validate_json(call.arguments):
        return f"arguments are {call.arguments}"
    return RIGHT if built.finish_reason == "tool_calls" else f"{built.finish_reason!r}"


def _hub(asked: Asked, url: str) -> huggingface_hub.InferenceClient:
    return huggingface_hub.InferenceClient(base_url=url, api_key=asked.key, timeout=60)


@row("plain chat and streams", HUB)
def hub_chat(asked: Asked) -> str:
    client = _hub(asked, asked.v1)
    options: Any = {"model": asked.model, "temperature": 0, "max_tokens": 40}
    whole = client.chat_completion(QUESTION, **options).choices[0].message.content
    said = client.chat_completion(QUESTION, stream=True, **options)
    joined = "".join(one.choices[0].delta.content or "" for one in said if one.choices)
    return RIGHT if whole and joined == whole else f"{joined!r} streamed, {whole!r} whole"


@row("native text", HUB)
def hub_text(asked: Asked) -> str:
    # A base URL with a path would get /v1 for chat; text goes to the URL as it is
    client = huggingface_hub.InferenceClient(
        model=f"{asked.url}/generate", token=asked.key, timeout=60
    )
    whole = client.text_generation("Say exactly: one two", max_new_tokens=20)
    stream = huggingface_hub.InferenceClient(
        model=f"{asked.url}/generate_stream", token=asked.key, timeout=60
    )
    said = "".join(stream.text_generation("Say exactly: one two", max_new_tokens=20, stream=True))
    return RIGHT if whole and said.startswith(whole) else f"{said!r} streamed, {whole!r} whole"


@row("TGI's own schema form", HUB)
def hub_schema(asked: Asked) -> str:
    schema = {"properties": {"city": {"type": "string"}}, "required": ["city"]}
    form: Any = {"type": "json", "value": schema}
    done = _hub(asked, asked.v1).chat_completion(
        QUESTION, model=asked.model, temperature=0, max_tokens=60, response_format=form
    )
    found = json.loads(str(done.choices[0].message.content))
    return RIGHT if set(found) == {"city"} else f"{found!r}"


@row("schema", HUB)
def hub_openai_schema(asked: Asked) -> str:
    form: Any = {
        "type": "json_schema", "json_schema": {"name": "Trip", "schema": Trip.model_json_schema()},
    }  # fmt: skip
    done = _hub(asked, asked.v1).chat_completion(
        QUESTION, model=asked.model, temperature=0, max_tokens=400, response_format=form
    )
    return RIGHT if Trip.model_validate_json(str(done.choices[0].message.content)) else ""
