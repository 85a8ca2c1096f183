"""serde_json::from_str: one value and nothing behind it."""

from __future__ import annotations

from typing import Any

from .fault import Fault
from .serde import Reader
from .text import Text


def read_whole(text: str, reader: Reader) -> Any:
    """Return the value; raise ValueError with serde_json's words, which name no path."""
    raw = text.encode()
    source = Text(raw)
    try:
        value = reader(source)
        if source.space():
            raise source.unexpected("trailing characters")
    except Fault as fault:
        fault.path = None
        raise ValueError(fault.told(raw)) from None
    return value
