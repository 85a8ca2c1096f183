"""The routes of TGI's router and what surrounds them: key, CORS, limits, empty 404s."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ..faults.via_gateway import ViaGateway
from ..reading.serde import Reader
from . import info, wire, wire_chat
from .backend import Backend
from .cors import Cors
from .errors import InferError, ReplyError
from .handlers import Routes
from .http import JsonResponse, Rejected, read_json, until_disconnect
from .rust_words import dumps

_OPEN = ("/chat_tokenize",)
_BAD_REQUEST = (400, 404, 405, 413, 415, 422)
Handler = Callable[[Any], Coroutine[Any, Any, Response]]


def create_app(backend: Backend) -> Starlette:
    """The ASGI application of one served model."""
    routes = Routes(backend)
    limit, key = backend.args.count("payload_limit"), backend.args.text("api_key")

    def refusal(status: int) -> int:
        """Bad requests only: 401, 424 and 429 say something else."""
        wrong = backend.faults.get("wrong-status")
        return status if wrong is None or status not in _BAD_REQUEST else int(wrong)

    def locked(request: Request) -> bool:
        """The key is asked for before anything else, a wrong method included."""
        path = request.scope["path"]
        if key is None or path in _OPEN or backend.faults.get("open-path") == path:
            return False
        return request.headers.get("authorization", "").lower() != f"bearer {key}".lower()

    def post(path: str, reader: Reader, handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            if backend.faults.get("hang") == "all":
                return await until_disconnect(request, _never())
            if locked(request):
                return Response(status_code=401)
            try:
                body = await read_json(request, reader, limit)
                if broken := backend.faults.get("server-error"):
                    raise ReplyError(int(broken), "Incomplete generation", "incomplete_generation")
                return await until_disconnect(request, handler(body))
            except Rejected as problem:
                return PlainTextResponse(problem.message, refusal(problem.status))
            except (InferError, ReplyError) as error:
                return JsonResponse(error.body(), refusal(error.status))

        return Route(path, endpoint, methods=["POST"])

    def get(path: str, answer: Callable[[], Awaitable[Response]]) -> Route:
        async def endpoint(request: Request) -> Response:
            if backend.faults.get("hang") == "all":
                return await until_disconnect(request, _never())
            return await answer()

        return Route(path, endpoint, methods=["GET"])

    async def health() -> Response:
        if await backend.health():
            return Response()
        return JsonResponse({"error": "unhealthy", "error_type": "healthcheck"}, 503)

    async def metrics() -> Response:
        frozen = backend.faults.get("frozen-counters") is not None
        return PlainTextResponse(backend.metrics.render(frozen))

    async def get_info() -> Response:
        return JsonResponse(info.info(backend))

    async def get_models() -> Response:
        return JsonResponse(info.models(backend))

    table = [
        post("/", wire.compat, routes.compat),
        post("/generate", wire.generate, routes.generate),
        post("/generate_stream", wire.generate, routes.generate_stream),
        post("/v1/chat/completions", wire_chat.chat, routes.chat),
        post("/v1/completions", wire.completion, routes.completions),
        post("/vertex", wire_chat.vertex, routes.vertex),
        post("/invocations", wire_chat.invocation, routes.invocations),
        post("/tokenize", wire.generate, routes.tokenize),
        post("/chat_tokenize", wire_chat.chat, routes.chat_tokenize),
        *(get(path, health) for path in ("/", "/health", "/ping")),
        get("/info", get_info),
        get("/metrics", metrics),
        get("/v1/models", get_models),
        *_documentation(),
    ]
    allow: dict[str, str] = {}
    for route in table:
        methods = "POST" if "POST" in (route.methods or ()) else "GET,HEAD"
        allow[route.path] = ",".join(filter(None, [allow.get(route.path), methods]))

    async def empty(request: Request, error: Exception) -> Response:
        """404 and 405 have no body in axum."""
        assert isinstance(error, HTTPException)
        if error.status_code != 405:
            return Response(status_code=refusal(error.status_code))
        path = request.scope["path"]
        # Two routers meet at "/", and what is left over there goes to the one without a key
        shut = allow[path] == "POST" and locked(request)
        return Response(status_code=401 if shut else refusal(405), headers={"allow": allow[path]})

    origins = backend.args.values["cors_allow_origin"]
    allowed = [str(one) for one in origins] if isinstance(origins, list) else []
    app = Starlette(
        routes=table,
        middleware=[Middleware(ViaGateway), Middleware(Cors, origins=allowed, allow=allow)],
        exception_handlers={HTTPException: empty},
    )
    app.router.redirect_slashes = False
    return app


def _documentation() -> list[Route]:
    """TGI's OpenAPI document as it stands; of Swagger UI the page, in name only."""
    text = dumps(json.loads(Path(__file__).with_name("openapi.json").read_text()))

    async def document(_request: Request) -> Response:
        return Response(text, media_type="application/json")

    async def page(_request: Request) -> Response:
        said = b"<title>Swagger UI</title>tgi-emulator: see /api-doc/openapi.json"
        return Response(said, headers={"content-type": "text/html"})

    async def to_page(_request: Request) -> Response:
        return RedirectResponse("/docs/", 303)

    return [
        Route("/api-doc/openapi.json", document),
        Route("/docs/", page),
        Route("/docs", to_page),
    ]


async def _never() -> Response:
    await asyncio.Event().wait()
    return Response()
