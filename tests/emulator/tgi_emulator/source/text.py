"""The interface between the HTTP API and a source of text."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Protocol


class TextError(Exception):
    """The source could not generate; becomes TGI's 424 generation error."""


@dataclass(frozen=True)
class Piece:
    """One generated token; `top` are the likeliest tokens at this place, likeliest first.

    `last` says that the engine stops here for want of room, before the limit that was asked for.
    """

    id: int
    text: str
    logprob: float
    special: bool = False
    top: tuple[Piece, ...] = ()
    last: bool = False


@dataclass(frozen=True)
class InputToken:
    """One token of an input; start and stop are offsets in characters."""

    id: int
    text: str
    start: int
    stop: int


BEGIN = InputToken(1, "", 0, 0)
"""The begin-of-sequence token, put before every input that no template made."""


@dataclass(frozen=True)
class Constraint:
    """A JSON schema (dict) or a regular expression (str) the text must fulfil."""

    schema: dict[str, Any] | None = None
    regex: str | None = None

    @property
    def calls_tools(self) -> bool:
        """Made by the router for tool calls, not asked for by the client."""
        return self.schema is not None and "$functions" in self.schema


IGNORED = Constraint()
"""Faults only: a constraint was asked for, and the engine answers in prose."""


@dataclass(frozen=True)
class Ask:
    """One generation, validated. `temperature` None means greedy. Tokens, not characters."""

    prompt: str
    max_new_tokens: int
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int = 0
    top_n: int = 0
    constraint: Constraint | None = None


class TextSource(Protocol):
    """Implemented by text_scripted and text_llama."""

    described: str
    max_context: int

    def load(self, max_total_tokens: int | None) -> None:
        """Get ready; called once, in the load phase, may block."""

    def close(self) -> None:
        """Let go of threads and ports."""

    async def tokenize(self, text: str) -> list[InputToken]:
        """All tokens of the text, in order."""

    def generate(self, ask: Ask) -> AsyncGenerator[Piece, None]:
        """Tokens as they come; ends with a special piece (end of sequence) or at the limit.

        Raises TextError. Closing the iterator stops the generation.
        """
