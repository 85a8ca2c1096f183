"""A client that asks an address under another name, as DNS would make it do."""

from __future__ import annotations

from typing import Any

import httpx


class NamedClient(httpx.Client):
    """An httpx client whose TLS handshake asks for ``server_name``."""

    def __init__(self, server_name: str, **options: Any) -> None:
        super().__init__(**options)
        self._server_name = server_name

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        request.extensions["sni_hostname"] = self._server_name
        return super().send(request, **options)
