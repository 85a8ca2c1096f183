"""One method per route: a request body in TGI's shape in, a response out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from starlette.responses import Response

from . import native, openai_chat, openai_completions, wire
from .backend import Backend
from .errors import InferError, ReplyError
from .http import EventStream, JsonResponse


class Routes:
    """Request bodies in, responses out; one method per route."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def _stream(self, events: AsyncGenerator[str, None], headers: dict[str, str]) -> Response:
        merged = self.backend.faults.get("merged-events")
        return EventStream(events, headers, int(merged or 1))

    async def generate(self, body: Any) -> Response:
        headers, reply = await native.generate(self.backend, body["inputs"], body["parameters"])
        return JsonResponse(reply, headers=headers)

    async def generate_stream(self, body: Any) -> Response:
        events = native.native_events(self.backend, body["inputs"], body["parameters"])
        return self._stream(events, native.stream_headers(body["inputs"]))

    async def compat(self, body: Any) -> Response:
        wanted = body["parameters"]
        if wanted["return_full_text"] is None:
            wanted = {**wanted, "return_full_text": True}
        body = {**body, "parameters": wanted}
        if body["stream"]:
            return await self.generate_stream(body)
        headers, reply = await native.generate(self.backend, body["inputs"], wanted)
        return JsonResponse([reply], headers=headers)

    async def chat(self, body: Any) -> Response:
        if body["stream"]:
            headers, events = openai_chat.start_stream(self.backend, body)
            return self._stream(events, headers)
        headers, reply = await openai_chat.reply(self.backend, body)
        return JsonResponse(reply, headers=headers)

    async def completions(self, body: Any) -> Response:
        openai_completions.check(self.backend, body)
        if body["stream"]:
            headers, events = openai_completions.start_stream(self.backend, body)
            return self._stream(events, headers)
        headers, reply = await openai_completions.reply(self.backend, body)
        return JsonResponse(reply, headers=headers)

    async def invocations(self, body: Any) -> Response:
        kind, request = body
        return await {"inputs": self.compat, "messages": self.chat, "prompt": self.completions}[
            kind
        ](request)

    async def vertex(self, body: Any) -> Response:
        self.backend.metrics.count("tgi_request_count")
        if not body:
            raise ReplyError(422, "Input validation error", "Input validation error")
        asked = [self._instance(one) for one in body]
        try:
            done = [await native.generate_once(self.backend, *one) for one in asked]
        except InferError:
            raise ReplyError(500, "Incomplete generation", "Incomplete generation") from None
        return JsonResponse({"predictions": [one.last.text for one in done]})

    def _instance(self, body: Any) -> tuple[str, wire.Body]:
        kind, request = body
        if kind == "messages":
            return openai_chat.to_generate(request, self.backend)[:2]
        given = request["parameters"] or wire.parameters()
        kept = {key: given[key] for key in ("max_new_tokens", "seed")}
        return request["inputs"], wire.parameters(do_sample=True, details=True, **kept)

    async def tokenize(self, body: Any) -> Response:
        return JsonResponse(await native.tokenize(self.backend, body["inputs"]))

    async def chat_tokenize(self, body: Any) -> Response:
        self.backend.metrics.count("tgi_request_count")
        text = openai_chat.to_generate(body, self.backend)[0]
        tokens = await native.tokenize(self.backend, text, special=False)
        return JsonResponse({"tokenize_response": tokens, "templated_text": text})
