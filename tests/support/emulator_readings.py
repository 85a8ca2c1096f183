"""Read emulator_probes' results: finish reasons, log probabilities, arguments, usage."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import chain
from typing import Any

import jsonschema

from tests.support.emulator_probes import POSTS, TOOL, VIEWS

Seen = dict[str, Any]


def reply(seen: Seen, name: str) -> Any:
    """Body of an answer that was 200."""
    status, body = seen[name]
    assert status == 200, (name, body)
    return body


def choice(seen: Seen, name: str) -> Any:
    return reply(seen, name)["choices"][0]


def joined(seen: Seen, name: str) -> str:
    """Text of a chat stream."""
    return "".join(
        chunk["choices"][0]["delta"]["content"]
        for chunk in reply(seen, name)[:-1] if chunk["choices"]
    )  # fmt: skip


def arguments(seen: Seen) -> list[str]:
    """Arguments of the call, whole and joined from the stream."""
    whole = choice(seen, "tools")["message"]["tool_calls"][0]["function"]["arguments"]
    deltas = [chunk["choices"][0]["delta"] for chunk in reply(seen, "tools.stream")[:-1]
              if chunk["choices"]]  # fmt: skip
    parts = [delta["tool_calls"][0]["function"]["arguments"] for delta in deltas]
    return [whole, "".join(parts)]


def finishes(seen: Seen) -> list[Any]:
    native, openai = reply(seen, "generate.stream")[-1], reply(seen, "chat.stream")
    return [
        reply(seen, "generate")["details"]["finish_reason"],
        native["details"]["finish_reason"],
        choice(seen, "chat")["finish_reason"],
        choice(seen, "completions")["finish_reason"],
        reply(seen, "completions.stream")[-2]["choices"][0]["finish_reason"],
        [chunk["choices"][0]["finish_reason"] for chunk in openai[:-1] if chunk["choices"]][-1],
    ]


def logprobs(seen: Seen) -> set[Any]:
    tokens = [*reply(seen, "generate")["details"]["tokens"],
              *(event["token"] for event in reply(seen, "generate.stream")),
              *choice(seen, "chat.logprobs")["logprobs"]["content"]]  # fmt: skip
    tops = chain(
        *reply(seen, "generate")["details"]["top_tokens"],
        *(token.get("top_logprobs", []) for token in tokens),
    )
    return {token["logprob"] for token in [*tokens, *tops]}


def usages(seen: Seen) -> bool:
    """Tell whether any OpenAI answer has usage."""
    parts = [seen[name][1] for name in POSTS if name.startswith(("chat", "tools", "json", "comp"))]
    return any(
        part.get("usage") is not None
        for body in parts for part in (body if isinstance(body, list) else [body])
        if part != "[DONE]"
    )  # fmt: skip


def calls_are(test: Callable[[str], bool]) -> Callable[[Seen], bool]:
    return lambda seen: all(test(one) for one in arguments(seen))


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def keeps_schema(text: str) -> bool:
    schema = TOOL["function"]["parameters"]
    return bool(jsonschema.Draft202012Validator(schema).is_valid(json.loads(text)))


def prose(seen: Seen, *names: str) -> bool:
    said = [choice(seen, name) for name in names]
    return all(
        one["finish_reason"] == "stop" and not is_json(one["message"]["content"]) for one in said
    )


def guided(seen: Seen) -> list[tuple[str, str]]:
    """(text, finish reason) of guided output, native and chat, and the stream's text."""
    body = reply(seen, "generate.json")
    chat = choice(seen, "json")
    return [
        (body["generated_text"], body["details"]["finish_reason"]),
        (chat["message"]["content"], chat["finish_reason"]),
        (joined(seen, "json.stream"), "length"),
    ]


def prompt_tokens(seen: Seen, name: str) -> int:
    return int(reply(seen, name)["usage"]["prompt_tokens"])


def bodies(seen: Seen) -> str:
    return json.dumps([seen[name] for name in VIEWS])
