"""Questions with known answers, as full sentences so that a small model answers them."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

#: Enough for a short sentence; the answer is there before the limit cuts the text.
MAX_TOKENS = 24
#: Enough for a reasoning model's short thought before its answer.
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

#: Checks that compare the lengths of prompts share this question.
PLAIN = "What is the weather in Paris, in celsius?"


def nonce() -> str:
    """Return a word that no cache has seen: letters only, so that it answers no question."""
    return "".join(secrets.choice("bcdfghjkmnpqrstvwxz") for _ in range(6))


def ask(question: Question, word: str = "") -> str:
    """Return the prompt. The nonce comes first, so that no cached prefix answers.

    ``word`` is the nonce for several requests that must begin alike.
    """
    return f"Request {word or nonce()}. {question.text}"
