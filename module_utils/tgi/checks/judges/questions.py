"""Questions with known answers, put as full sentences so that a small model stays on them."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

#: Enough for a short sentence; a model that goes on is cut, its answer is already there.
MAX_TOKENS = 24
#: Enough for a short thought before it, of a model that reasons.
THOUGHT_TOKENS = 320


@dataclass(frozen=True)
class Question:
    text: str
    answer: str

    def answered_by(self, text: str) -> bool:
        return re.search(self.answer, text, re.IGNORECASE) is not None


QUESTIONS = (
    Question("Name the capital of France.", r"\bparis\b"),
    Question("What is 2 + 2?", r"\b(4|four)\b"),
    Question("What is the opposite of hot?", r"\bcold\b"),
    Question("Name the capital of Japan.", r"\btokyo\b"),
)

#: A question of one token, with tools and without: every check of this prompt's length shares it.
PLAIN = "What is the weather in Paris, in celsius?"


def nonce() -> str:
    """A word no cache has seen. Letters only, so that it answers no question by chance."""
    return "".join(secrets.choice("bcdfghjkmnpqrstvwxz") for _ in range(6))


def ask(question: Question, word: str = "") -> str:
    """The prompt: the nonce first, so that a cached prefix does not answer in our stead.

    ``word`` is the nonce to take when several requests must begin alike.
    """
    return f"Request {word or nonce()}. {question.text}"
