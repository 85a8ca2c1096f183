"""Return scripted text: known answers, echoes, and filler for open prompts."""

from __future__ import annotations

import hashlib
import re

_CAPITALS = {
    "france": "Paris", "germany": "Berlin", "italy": "Rome", "spain": "Madrid",
    "japan": "Tokyo", "austria": "Vienna", "portugal": "Lisbon", "england": "London",
}  # fmt: skip
_FACTS = (
    (r"opposite of hot", "The opposite of hot is cold."),
    (r"opposite of cold", "The opposite of cold is hot."),
    (r"colou?r .*\bbananas?\b|\bbananas?\b.* colou?r", "A banana is yellow."),
    (r"colou?r .*\bsky\b|\bsky\b.* colou?r", "The sky is blue."),
)
_ECHO = re.compile(
    r"\b(?:(?:repeat|say)(?: with)?(?: exactly| only| just)*"
    r"|(?:reply|answer|respond|write)(?: with)?(?:(?: exactly| only| just)+|(?<=with)|(?=:)))"
    r"(?: (?:this|the)(?: following)?(?: text| words?| line)?)?(?: exactly)?:?\s+(.+)",
    re.I | re.S,
)
_WORDS = [
    "river", "stone", "window", "garden", "letter", "engine", "forest", "market", "bridge",
    "candle", "harbour", "violet", "mountain", "paper", "signal", "winter", "orchard", "lantern",
    "compass", "saddle", "feather", "kitchen", "thunder", "meadow", "anchor", "ribbon", "quarry",
    "village", "copper", "station", "shadow", "basket", "castle", "pepper", "sailor", "tunnel",
    "blossom", "hammer", "island", "journey", "kettle", "library", "mirror", "needle", "ocean",
    "pencil", "quilt", "rocket", "silver", "timber",
]  # fmt: skip


def answer(turns: list[tuple[str, str]]) -> str:
    """The reply to a conversation; the same conversation always gets the same reply."""
    role, text = next(
        ((role, text) for role, text in reversed(turns) if role in ("user", "tool")), ("user", "")
    )
    if role == "tool":
        return f"The tool says: {text.strip()}"
    return _known(text) or _filler(text)


def _known(text: str) -> str:
    lowered = text.lower()
    capital = re.search(r"capital (?:city )?of (\w+)", lowered)
    if capital and capital.group(1) in _CAPITALS:
        country = capital.group(1)
        return f"The capital of {country.capitalize()} is {_CAPITALS[country]}."
    total = re.search(r"(\d+)\s*(\+|plus|-|minus|\*|times)\s*(\d+)", lowered)
    if total:
        left, sign, right = int(total.group(1)), total.group(2), int(total.group(3))
        results = {"+": left + right, "plus": left + right, "-": left - right,
                   "minus": left - right, "*": left * right, "times": left * right}  # fmt: skip
        return f"{left} {sign} {right} is {results[sign]}."
    echo = _ECHO.search(text)
    if echo and len(echo.group(1).split()) <= 40:
        said = echo.group(1).strip()
        order, colon, rest = said.partition(": ")
        return (rest if colon and len(order.split()) <= 8 else said).strip().strip("\"'`")
    return next((said for pattern, said in _FACTS if re.search(pattern, lowered)), "")


def _filler(text: str) -> str:
    """200 words in sentences of eight, drawn from the prompt's hash: long, and not repetitive."""
    state = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    words = []
    for index in range(200):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        word = _WORDS[(state >> 33) % len(_WORDS)]
        start, end = index % 8 == 0, index % 8 == 7
        words.append((word.capitalize() if start else word) + ("." if end else ""))
    return " ".join(words)
