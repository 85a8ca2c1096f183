"""What unmodified clients are asked to do, and how the outcome becomes one line.

A row is a function that uses its client as the client's own documentation says, and returns
`right` or what was wrong. An exception of the client gives its words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

RIGHT = "right"
Row = Callable[["Asked"], str]
ROWS: dict[tuple[str, str], Row] = {}


@dataclass(frozen=True)
class Asked:
    """The endpoint: its base URL without `/v1`, the name of the model, and the key."""

    url: str
    model: str
    key: str

    @property
    def v1(self) -> str:
        return f"{self.url}/v1"


def sides(text: str) -> dict[str, Asked]:
    """Read {SIDE: {url, model, key}}; all sides share one process, as clients are slow to load."""
    return {side: Asked(**given) for side, given in json.loads(text).items()}


def row(name: str, client: str) -> Callable[[Row], Row]:
    """Enter a function as what `client` does for the row `name`."""

    def enter(function: Row) -> Row:
        assert (name, client) not in ROWS, (name, client)
        ROWS[name, client] = function
        return function

    return enter


def ask(asked: Asked, only: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield (row, client, what came of it) of each row whose name or client contains `only`."""
    for (name, client), function in ROWS.items():
        if only in name or only in client:
            yield name, client, told(function, asked)


def told(function: Row, asked: Asked) -> str:
    try:
        return one_line(function(asked))
    except Exception as error:
        status = getattr(error, "status_code", None)
        answer = getattr(error, "response", None)
        status = status or getattr(answer, "status_code", None)
        words = message_of(error) or str(error)
        return one_line(f"{status or type(error).__name__}: {words}")


def message_of(error: Exception) -> str:
    """Return the server's words in an exception of OpenAI's SDK; "" when there are none."""
    body = getattr(error, "body", None)
    if isinstance(body, dict):
        said = body.get("message") or body.get("error")
        return said if isinstance(said, str) else json.dumps(body)
    return str(body or "")


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()[:160]


def same(found: Any, wanted: Any) -> str:
    """`right`, or what came instead."""
    return RIGHT if found == wanted else f"{found!r}, not {wanted!r}"
