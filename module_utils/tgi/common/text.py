"""Make text from outside safe to show: printable, short, without secrets."""

from __future__ import annotations

import re

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_GAPS = re.compile(r"\0+")
_SECRETS = (
    (re.compile(r"\bhf_(?!transfer\b)[A-Za-z0-9]{6,}"), "hf_***"),
    (re.compile(r"\b(Bearer|Basic)\s+[^\s\"',]+", re.IGNORECASE), r"\1 ***"),
    (re.compile(r"(api_key: Some\(\s*)\"[^\"]*\""), r'\1"***"'),
    (
        re.compile(
            r"((?:api[-_]key|token)[\"']?\s*[=:]\s*[\"']?)(?!Some\(|None\b)[^\s\"',)&]+", re.I
        ),
        r"\1***",
    ),
    (re.compile(r"(--api-key\s+)\S+"), r"\1***"),
    (re.compile(r"(\w://)[^/\s:@]*:[^/\s@]+@"), r"\1***@"),
    (re.compile(r"((?:signature|credential|policy|key-pair-id)=)[^&\s\"']+", re.I), r"\1***"),
)


def mask(text: str) -> str:
    """Replace what looks like a credential (Hub token, bearer, API key, URL password)."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def clean(text: str) -> str:
    """Remove escape sequences, control characters and secrets."""
    return mask(_CONTROL.sub("", _ANSI.sub("", text)).rstrip())


def shorten(text: str, limit: int = 200) -> str:
    """Return at most ``limit`` characters; an ellipsis shows a cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def trim(text: object, most: int = 160) -> str:
    """One printable line of at most ``most`` characters.

    Removes lone surrogates, which no file accepts, and characters that reverse a terminal's text.
    """
    try:
        line = str(text)
    except (RecursionError, ValueError):  # nested too deep, or a number of too many digits
        line = f"something that cannot be shown ({type(text).__name__})"
    line = line if len(line) <= 100 * most else line[: 100 * most]
    if not line.isprintable():
        line = _GAPS.sub(" ", "".join(one if one.isprintable() else "\0" for one in line))
    line = line.strip()
    return line if len(line) <= most else line[: most - 1] + "…"
