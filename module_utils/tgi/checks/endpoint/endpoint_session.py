"""The session of the edge view's host-wide checks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...client.answer import Answer
from ...client.http_client import Client
from ...client.raw_request import send_raw
from ..selection import Model
from ..session import Memo
from . import without_key

ALLOW_ORIGIN = "access-control-allow-origin"
#: Shorter secrets appear in answers by chance.
_SHORTEST_SECRET = 8


@dataclass(frozen=True)
class Tier:
    """The limits declared for the checks' own consumer; 0 means that none is declared."""

    rate: float = 0.0
    burst: int = 0
    concurrent: int = 0


@dataclass(frozen=True)
class Declared:
    """Further declarations of the gateway; an empty one is not checked.

    ``max_body_size`` is in bytes. ``backends`` are the engines' addresses (host:port) as seen
    from outside. No answer may hold one of ``secrets``. ``public_info``: /info is open on purpose.
    ``cors_origins``: web pages that may call; None if nothing is declared about them.
    ``without_sni``: whether a handshake without a name is accepted; None likewise.
    ``openai_dialect``: the gateway translates; ``tool_streams``: whole or live.
    """

    hsts_seconds: int = 0
    max_body_size: int = 0
    public_info: bool = False
    backends: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] | None = None
    without_sni: bool | None = None
    openai_dialect: bool = False
    tool_streams: str = "whole"


@dataclass
class Leaks:
    """Search every answer for secrets; ``paths`` are those whose answer held one.

    ``allowed`` has the web page that an answer lets read it, by path; the last one counts.
    """

    secrets: tuple[str, ...] = ()
    paths: set[str] = field(default_factory=set)
    answers: int = 0
    allowed: dict[str, str] = field(default_factory=dict)

    def search(self, path: str, answer: Answer) -> None:
        self.answers += 1
        text = answer.text + "\n".join(answer.headers.values())
        if any(len(one) >= _SHORTEST_SECRET and one in text for one in self.secrets):
            self.paths.add(path)
        if page := answer.headers.get(ALLOW_ORIGIN):
            self.allowed[path] = page


@dataclass
class EndpointSession:
    """``plain`` is the client of the port that redirects; ``warn_days`` is for the certificate."""

    client: Client
    models: Sequence[Model]
    tier: Tier = Tier()
    plain: Client | None = None
    warn_days: int = 21
    declared: Declared = Declared()
    transport: Any = None
    memo: Memo = field(default_factory=Memo)
    leaks: Leaks = field(default_factory=Leaks)

    def __post_init__(self) -> None:
        self.leaks.secrets = (self.client.target.api_key, *self.declared.secrets)
        for client in filter(None, (self.client, self.plain)):
            client.watch = self.leaks.search

    @property
    def names(self) -> list[str]:
        return [model.name for model in self.models]

    @property
    def origin(self) -> str:
        """Return https://name[:port], as a redirect must name it."""
        target = self.client.target
        return f"https://{target.url_host}" + ("" if target.port == 443 else f":{target.port}")

    async def listing(self) -> Answer:
        return await self.memo.once("list", lambda: self.client.send("GET", "/v1/models"))

    async def unkeyed(self) -> dict[str, Answer]:
        """Return one answer per generation path without a key; all checks share them."""
        return await self.memo.once("unkeyed", lambda: without_key.ask_all(self.client, self.names))

    async def probe(self, path: str, key: str | None, headers: Mapping[str, str]) -> Answer:
        """Ask for a generation with this key, or without one."""
        return await without_key.probe(self.client, self.names[0], path, key, headers)

    async def raw(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        hold: float = 0.0,
    ) -> Answer:
        """Send one request byte for byte, without a key unless ``headers`` hold one."""
        content = body if isinstance(body, bytes) else b""
        if body is not None and not content:
            content = json.dumps(body).encode()
        answer = await send_raw(
            self.client.target, method, path, content, headers,
            hold=hold, transport=self.transport,
        )  # fmt: skip
        self.leaks.search(path.partition("?")[0], answer)
        return answer
