"""TGI behind a gateway that translates OpenAI's dialect, row by row, in memory.

It knows only what the checks ask for; the gateway's own translation is roles/gateway/files/dialect.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

from tests.support.in_memory_tgi import InMemoryTgi

#: What it translates, and can be told not to.
ROWS = {
    "schema", "json", "references", "types", "finish", "finish-streamed", "ids", "stop",
    "stop-text", "model", "whole-streams",
}  # fmt: skip
_OBJECT = r'\{"[a-z]{1,9}": "[a-z]{1,9}"\}'


class TranslatingTgi:
    """An engine of FakeGateway; ``without``: rows that pass as they are."""

    def __init__(self, *without: str) -> None:
        assert {*without} <= ROWS, without
        self.rows = ROWS - {*without}
        self.tgi = InMemoryTgi()
        self.numbers = itertools.count(1)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.startswith("/v1/models/") and "model" in self.rows:
            return httpx.Response(200, json={"id": path[len("/v1/models/") :], "object": "model"})
        if path != "/v1/chat/completions":
            return await self.tgi.handle(request)
        body = json.loads(request.content)
        stops = [body["stop"]] if isinstance(body.get("stop"), str) else []
        whole = bool(body.get("stream") and body.get("tools") and "whole-streams" in self.rows)
        asked = self.translated(body, whole)
        answer = await self.tgi.handle(
            httpx.Request("POST", request.url, json=asked, headers={"host": "tgi"})
        )
        if answer.status_code != 200 or (asked.get("stream") and not whole):
            return answer
        reply = self.answered(json.loads(await answer.aread()), stops)
        if not whole:
            return httpx.Response(200, json=reply)
        head = {"content-type": "text/event-stream"}
        return httpx.Response(200, content=written(self.replayed(reply)), headers=head)

    def translated(self, body: dict[str, Any], whole: bool) -> dict[str, Any]:
        asked = dict(body)
        form = asked.get("response_format") or {}
        if "json_schema" in form and "schema" in self.rows:
            asked["response_format"] = {"type": "json_schema", "value": form["json_schema"]}
        if form.get("type") == "json_object" and "json" in self.rows:
            asked["response_format"] = {"type": "regex", "value": _OBJECT}
        if isinstance(asked.get("stop"), str) and "stop" in self.rows:
            asked["stop"] = [asked["stop"]]
        if asked.get("tools"):
            asked["tools"] = [self.resolved(tool, {}) for tool in asked["tools"]]
        if whole:
            asked.pop("stream_options", None)
            asked["stream"] = False
        return asked

    def resolved(self, node: Any, definitions: dict[str, Any]) -> Any:
        if isinstance(node, list):
            return [self.resolved(one, definitions) for one in node]
        if not isinstance(node, dict):
            return node
        definitions = node.get("$defs", definitions)
        if "$ref" in node and "references" in self.rows:
            return self.resolved(definitions[node["$ref"].rpartition("/")[2]], definitions)
        if isinstance(node.get("type"), list) and "types" in self.rows:
            return {"anyOf": [{"type": one} for one in node["type"]]}
        kept = {key: one for key, one in node.items() if key != "$defs"}
        return {key: self.resolved(one, definitions) for key, one in kept.items()}

    def answered(self, reply: dict[str, Any], stops: list[str]) -> dict[str, Any]:
        (choice,) = reply["choices"]
        message = choice["message"]
        if "ids" in self.rows:
            reply["id"] = f"chatcmpl-{next(self.numbers)}"
        for call in message.get("tool_calls", []):
            if "ids" in self.rows:
                call["id"] = f"call_{next(self.numbers)}"
            if "finish" in self.rows:
                choice["finish_reason"] = "tool_calls"
        if choice["finish_reason"] == "stop_sequence" and "finish" in self.rows:
            choice["finish_reason"] = "stop"
        for stop in stops if "stop-text" in self.rows else []:
            message["content"] = message["content"].partition(stop)[0]
        return reply

    def replayed(self, reply: dict[str, Any]) -> Iterator[str]:
        (choice,) = reply["choices"]
        head = {"id": reply["id"], "object": "chat.completion.chunk", "model": reply["model"]}
        calls = [{"index": at, **call} for at, call in enumerate(choice["message"]["tool_calls"])]
        finish = choice["finish_reason"] if "finish-streamed" in self.rows else None
        for delta, reason in (({"role": "assistant", "tool_calls": calls}, None), ({}, finish)):
            one = {"index": 0, "delta": delta, "finish_reason": reason}
            yield json.dumps({**head, "choices": [one]})
        yield json.dumps({**head, "choices": [], "usage": reply["usage"]})
        yield "[DONE]"


async def written(events: Iterator[str]) -> AsyncIterator[bytes]:
    """Yield each event by itself, as the gateway sends it."""
    for one in events:
        yield f"data: {one}\n\n".encode()
