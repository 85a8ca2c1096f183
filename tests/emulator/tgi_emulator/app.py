"""The routes of TGI's router and what surrounds them: key, CORS, limits, empty 404s."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from . import info, native, openai_chat, openai_completions, wire, wire_chat
from .backend import Backend
from .errors import InferError, ReplyError
from .http import EventStream, JsonResponse, Rejected, read_json, until_disconnect
from .serde import DataError, Reader

Handler = Callable[[Any], Coroutine[Any, Any, Response]]


class Routes:
    """Request bodies in, responses out; one method per route."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    async def generate(self, body: Any) -> Response:
        headers, reply = await native.generate(self.backend, body["inputs"], body["parameters"])
        return JsonResponse(reply, headers=headers)

    async def generate_stream(self, body: Any) -> Response:
        events = native.native_events(self.backend, body["inputs"], body["parameters"])
        return EventStream(events, native.stream_headers(body["inputs"]))

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
            return EventStream(events, headers)
        headers, reply = await openai_chat.reply(self.backend, body)
        return JsonResponse(reply, headers=headers)

    async def completions(self, body: Any) -> Response:
        openai_completions.check(self.backend, body)
        if body["stream"]:
            headers, events = openai_completions.start_stream(self.backend, body)
            return EventStream(events, headers)
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
        try:
            done = [await native.generate_once(self.backend, *self._instance(one)) for one in body]
        except InferError:
            raise ReplyError(500, "Incomplete generation", "Incomplete generation") from None
        return JsonResponse({"predictions": [one.last.text for one in done]})

    def _instance(self, body: Any) -> tuple[str, wire.Body]:
        kind, request = body
        if kind == "messages":
            return openai_chat.to_generate(request, self.backend)[:2]
        given = request["parameters"]
        kept = {key: given[key] for key in ("max_new_tokens", "seed")}
        return request["inputs"], wire.parameters(do_sample=True, details=True, **kept)

    async def tokenize(self, body: Any) -> Response:
        return JsonResponse(await native.tokenize(self.backend, body["inputs"]))

    async def chat_tokenize(self, body: Any) -> Response:
        self.backend.metrics.count("tgi_request_count")
        text = openai_chat.to_generate(body, self.backend)[0]
        tokens = await native.tokenize(self.backend, text)
        return JsonResponse({"tokenize_response": tokens, "templated_text": text})


def untagged(*kinds: str) -> Reader:
    """A body told apart by its shape: (kind, request)."""
    readers = {"inputs": wire.compat, "messages": wire_chat.chat, "prompt": wire.completion}

    def read(value: Any, path: str) -> Any:
        for kind in kinds:
            if isinstance(value, dict) and kind in value:
                return kind, readers[kind](value, path)
        raise DataError(path, "data did not match any variant of untagged enum SagemakerRequest")

    return read


def _instances(value: Any, path: str) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("instances"), list):
        raise DataError(path, "missing field `instances`")
    return [untagged("inputs", "messages")(one, "instances") for one in value["instances"]]


def create_app(backend: Backend) -> Starlette:
    """The ASGI application of one served model."""
    routes = Routes(backend)
    limit, key = backend.args.count("payload_limit"), backend.args.text("api_key")

    def post(path: str, reader: Reader, handler: Handler, guarded: bool = True) -> Route:
        async def endpoint(request: Request) -> Response:
            if backend.faults.get("hang") == "all":
                await asyncio.Event().wait()
            if guarded and key is not None:
                given = request.headers.get("authorization", "")
                if given.lower() != f"bearer {key}".lower():
                    return Response(status_code=401)
            try:
                body = await read_json(request, reader, limit)
                return await until_disconnect(request, handler(body))
            except Rejected as problem:
                return problem.response()
            except (InferError, ReplyError) as error:
                return JsonResponse(error.body(), error.status)

        return Route(path, endpoint, methods=["POST"])

    def get(path: str, answer: Callable[[], Awaitable[Response]]) -> Route:
        async def endpoint(_request: Request) -> Response:
            if backend.faults.get("hang") == "all":
                await asyncio.Event().wait()
            return await answer()

        return Route(path, endpoint, methods=["GET"])

    async def health() -> Response:
        if await backend.health():
            return Response()
        return JsonResponse({"error": "unhealthy", "error_type": "healthcheck"}, 503)

    async def metrics() -> Response:
        return PlainTextResponse(backend.metrics.render())

    async def get_info() -> Response:
        return JsonResponse(info.info(backend))

    async def get_models() -> Response:
        return JsonResponse(info.models(backend))

    table = [
        *(get(path, health) for path in ("/", "/health", "/ping")),
        get("/info", get_info),
        get("/metrics", metrics),
        get("/v1/models", get_models),
        post("/", wire.compat, routes.compat),
        post("/generate", wire.generate, routes.generate),
        post("/generate_stream", wire.generate, routes.generate_stream),
        post("/v1/chat/completions", wire_chat.chat, routes.chat),
        post("/v1/completions", wire.completion, routes.completions),
        post("/vertex", _instances, routes.vertex),
        post("/invocations", untagged("inputs", "messages", "prompt"), routes.invocations),
        post("/tokenize", wire.generate, routes.tokenize),
        post("/chat_tokenize", wire_chat.chat, routes.chat_tokenize, guarded=False),
    ]
    origins = backend.args.values["cors_allow_origin"]
    cors = Middleware(
        CORSMiddleware,
        allow_origins=[str(one) for one in origins] if isinstance(origins, list) and origins
        else ["*"],
        allow_methods=["GET", "POST"],
        allow_headers=["content-type"],
    )  # fmt: skip
    return Starlette(routes=table, middleware=[cors], exception_handlers={HTTPException: _empty})


async def _empty(_request: Request, error: Exception) -> Response:
    """404 and 405 have no body in axum."""
    assert isinstance(error, HTTPException)
    return Response(status_code=error.status_code, headers=error.headers)
