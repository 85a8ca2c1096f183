"""Content types as axum takes them for JSON: what the mime crate 0.3 can read, and no more."""

from __future__ import annotations

import re

_TOKEN = r"[a-z0-9!#$%&'*+\-.^_`|~]"
_QUOTED = r'"[^\x00-\x1f\x7f][^"\x00-\x1f\x7f]*" *'
_NAMED = rf" *{_TOKEN}+="
_PARAMETER = rf"{_NAMED}(?:{_TOKEN}+|{_QUOTED})"
_JSON = re.compile(
    rf"application/(?:json(?:\+[^;]*)?|{_TOKEN}+\+json)"
    rf"(?:;(?:{_PARAMETER};)*(?: *|{_PARAMETER}|{_NAMED}))?",
    re.IGNORECASE,
)


def is_json(content_type: str) -> bool:
    """application/json or application/ANYTHING+json; a blank before the semicolon is too much."""
    return content_type.isascii() and _JSON.fullmatch(content_type) is not None
