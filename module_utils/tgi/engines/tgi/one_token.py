"""TGI's requests for readiness, health and one token, and what their answers mean.

Another engine needs a file like this one; the wait itself knows no path and no body.
"""

from __future__ import annotations

import json
from typing import Any

HEALTH = "/health"
GENERATE = "/generate"
ONE_TOKEN = json.dumps(
    {"inputs": "Hello", "parameters": {"max_new_tokens": 1, "details": True}}
).encode()
#: A proxy returns these while TGI does not listen
_FROM_PROXY = (502, 504)


def from_engine(status: int, body: bytes) -> bool:
    """Return whether an answer to HEALTH is TGI's own, not that of a proxy without it."""
    return status not in _FROM_PROXY and not (status == 503 and b"healthcheck" not in body)


def generated(body: bytes) -> bool:
    """Return whether an answer to ONE_TOKEN holds a generated token."""
    try:
        answer: Any = json.loads(body)
    except ValueError:
        return False
    if not isinstance(answer, dict) or not isinstance(answer.get("generated_text"), str):
        return False
    details = answer.get("details")
    if isinstance(details, dict) and isinstance(details.get("generated_tokens"), int):
        return bool(details["generated_tokens"] >= 1)
    return bool(answer["generated_text"])
