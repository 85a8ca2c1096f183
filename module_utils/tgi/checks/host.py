"""The gateway as a whole, beside its models: what the host-wide checks of the edge view need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..answer import Answer
from ..client import Client
from .plan import Model
from .session import Memo


@dataclass(frozen=True)
class Tier:
    """The limits declared for the checks' own consumer; 0 means that none is declared."""

    rate: float = 0.0
    burst: int = 0
    concurrent: int = 0


@dataclass
class Host:
    """``plain`` speaks to the port that only redirects; ``warn_days`` is for the certificate."""

    client: Client
    models: Sequence[Model]
    tier: Tier = Tier()
    plain: Client | None = None
    warn_days: int = 21
    memo: Memo = field(default_factory=Memo)

    @property
    def names(self) -> list[str]:
        return [model.name for model in self.models]

    @property
    def origin(self) -> str:
        """https://name[:port], as a redirect must give it."""
        parts = urlsplit(self.client.target.url)
        port = "" if self.client.target.port == 443 else f":{self.client.target.port}"
        return f"https://{parts.hostname}{port}"

    async def listing(self) -> Answer:
        return await self.memo.once("list", lambda: self.client.send("GET", "/v1/models"))
