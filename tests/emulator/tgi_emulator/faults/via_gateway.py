"""Fault `via-gateway`: another fault, but only for requests that came through the gateway.

nginx adds X-Forwarded-For and X-Forwarded-Proto; who asks the engine's own port sends neither.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from .faults import FORWARDED

_MARKS = {b"x-forwarded-for", b"x-forwarded-proto"}


class ViaGateway:
    """Middleware that says of each request whether a gateway sent it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # One connection of nginx carries many requests, each with a context that it hands down
        sent = FORWARDED.set(not _MARKS.isdisjoint(name for name, _ in scope.get("headers", ())))
        try:
            await self._app(scope, receive, send)
        finally:
            FORWARDED.reset(sent)
