"""CORS as tower-http does it: on every response, and every OPTIONS request is a preflight."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_VARY = "origin, access-control-request-method, access-control-request-headers"


class Cors:
    """Only `content-type` may be sent by browsers: TGI allows no Authorization header."""

    def __init__(self, app: ASGIApp, origins: Sequence[str], allow: Mapping[str, str]) -> None:
        """`allow` names the methods of each path: axum tells them with a preflight's answer too."""
        self._app, self._origins, self._allow = app, origins, allow

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origin = Headers(scope=scope).get("origin", "")
        allowed = "*" if not self._origins else origin if origin in self._origins else ""
        extra = {"vary": _VARY, **({"access-control-allow-origin": allowed} if allowed else {})}
        if scope["method"] == "OPTIONS":
            extra["access-control-allow-methods"] = "GET,POST"
            extra["access-control-allow-headers"] = "content-type"
            if scope["path"] in self._allow:
                extra["allow"] = self._allow[scope["path"]]
            await Response(headers=extra)(scope, receive, send)
            return

        async def send_with_cors(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(extra)
            await send(message)

        await self._app(scope, receive, send_with_cors)
