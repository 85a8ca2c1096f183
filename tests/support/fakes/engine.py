"""The rest of the TGI in memory: lists, tokens, guided output, limits, streams one can leave."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from tests.support.fakes.tgi import FakeTgi

SSE = {"content-type": "text/event-stream"}
LONG = 200


def answer(fake: FakeTgi, request: httpx.Request, body: dict[str, Any]) -> httpx.Response | None:
    """What FakeTgi says to the newer checks; None where its older half answers."""
    path = request.url.path
    if request.method == "GET":
        return _get(fake, path)
    if path == "/tokenize":
        ids = re.findall(r"\w+|\W", body["inputs"])
        return httpx.Response(200, json=[{"id": n, "text": t} for n, t in enumerate(ids)])
    if refused := _refused(fake, body):
        return refused
    if "no-generate" in fake.faults or ("no-template" in fake.faults and "messages" in body):
        return None
    limits = body.get("parameters") or body
    if form := limits.get("grammar") or body.get("response_format"):
        return _guided(fake, path, form, body)
    if path == "/generate_stream" and limits["max_new_tokens"] > LONG:
        return httpx.Response(200, headers=SSE, stream=Endless(fake))
    return None


def _get(fake: FakeTgi, path: str) -> httpx.Response | None:
    if path == "/":
        return httpx.Response(200)
    if path == "/v1/models":
        served = "acme/other" if "wrong-model" in fake.faults else fake.model_id
        entry = {"id": served, "object": "model", "created": 0, "owned_by": served}
        return httpx.Response(200, json={"object": "list", "data": [entry]})
    if "other-engine" in fake.faults and path in ("/info", "/metrics"):
        text = "vllm:num_requests_running 0\nvllm:generation_tokens_total 0\n"
        return httpx.Response(200, text=text) if path == "/metrics" else httpx.Response(404)
    return None


def _refused(fake: FakeTgi, body: dict[str, Any]) -> httpx.Response | None:
    problem = ""
    if "hiccup" in json.dumps(body):
        problem = "grammar is not valid: 'hiccup' is not valid"
    if len(str(body.get("inputs", "")).split()) > 1024 and "no-context-limit" not in fake.faults:
        problem = "`inputs` must have less than 1024 tokens. Given: 1100"
    if not problem:
        return None
    error = {"error": f"Input validation error: {problem}", "error_type": "validation"}
    return httpx.Response(422, json=error)


def _guided(fake: FakeTgi, path: str, form: dict[str, Any], body: dict[str, Any]) -> httpx.Response:
    if form["type"] == "regex":
        text = re.sub(r"\[0-9\]\{3\}$", "123", form["value"])
    else:
        text = json.dumps(_fill(form["value"]))
    if "empty-text" in fake.faults:
        text = ""
    words = list(text)
    usage = {"prompt_tokens": 9, "completion_tokens": len(words), "total_tokens": 9 + len(words)}
    fake.noted(len(words))
    if path == "/generate_stream":
        pieces = [{"token": {"text": one, "special": False}} for one in words]
        end = {"generated_text": text, "details": {"finish_reason": "stop"}}
        events = [*pieces, {"token": {"text": "</s>", "special": True}, **end}]
        content = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        return httpx.Response(200, headers=SSE, text=content)
    if path == "/generate":
        details = {"finish_reason": "eos_token", "generated_tokens": len(words)}
        return httpx.Response(200, json={"generated_text": text, "details": details})
    if body["stream"]:
        return fake.chat_stream(words or [""], usage)
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return httpx.Response(
        200, json={"object": "chat.completion", "choices": [choice], "usage": usage}
    )


def _fill(schema: dict[str, Any]) -> Any:
    """A value to a schema of the kinds that the checks use."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "array":
        return [_fill(schema["items"])] * int(schema["minItems"])
    return {name: _fill(inner) for name, inner in schema["properties"].items()}


class Endless(httpx.AsyncByteStream):
    """A long answer. It keeps its place until it is over, or until the client has gone."""

    def __init__(self, fake: FakeTgi) -> None:
        self.fake, self.open = fake, True
        fake.running += 1

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for event in self.events():
            await asyncio.sleep(0.002)
            yield event
        self.fake.noted(LONG)
        await self.aclose()

    def events(self) -> Iterator[bytes]:
        for index in range(1, LONG + 1):
            token = {"id": 1, "text": " sea", "logprob": -0.5, "special": False}
            end = {"generated_text": " sea" * LONG} if index == LONG else {"generated_text": None}
            yield f"data: {json.dumps({'index': index, 'token': token, **end})}\n\n".encode()

    async def aclose(self) -> None:
        if self.open:
            self.fake.running -= 1
        self.open = False
