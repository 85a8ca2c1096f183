"""Ask for a generation in the dialect that the model's engine has, and read the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import dig, error_text, http_problem, load
from ...client.sse import parse
from ..selection import Model
from . import chat, native
from .http_answer import cut_short


def request(
    model: Model,
    served: str,
    prompt: str,
    max_tokens: int,
    *,
    stream: bool = False,
    chat_first: bool = False,
) -> tuple[str, dict[str, Any]]:
    """Return path and body of a greedy generation: native if possible, else chat, else text.

    ``chat_first``: prefer a chat to the native route if the model has a template.
    """
    if "native" in model.profile.abilities and not (chat_first and model.chat):
        parameters = {"max_new_tokens": max_tokens, "do_sample": False, "details": True}
        path = "/generate_stream" if stream else "/generate"
        return path, {"inputs": prompt, "parameters": parameters}
    body = chat.request_body(served, prompt, max_tokens, stream)
    if model.chat:
        return "/v1/chat/completions", body
    del body["messages"]
    return "/v1/completions", {**body, "prompt": prompt}


def add(body: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add fields to a request; a native request of TGI names response_format ``grammar``."""
    for name, value in more.items():
        if "parameters" in body and name == "response_format":
            body["parameters"]["grammar"] = value
        else:
            body[name] = value


def token_count(answer: Answer) -> int:
    """Return the token count in a good answer or stream of any dialect; 0 if unknown."""
    return native.token_count(answer) or chat.completion_tokens(answer)


@dataclass(frozen=True)
class Said:
    """Generated text. ``finish`` is empty without a finish reason."""

    text: str = ""
    finish: str = ""
    reasoning: str = ""


def read(answer: Answer) -> Said:
    """Read a whole answer of any dialect; the text is not stripped."""
    reply = answer.json()
    message = dig(reply, "choices", 0, "message")
    choice = dig(reply, "choices", 0)
    texts = (dig(message, "content"), dig(choice, "text"), dig(reply, "generated_text"))
    finish = dig(choice, "finish_reason") or dig(reply, "details", "finish_reason")
    text = next((one for one in texts if isinstance(one, str)), "")
    thought = "" if text.strip() else chat.message_text(message)
    return Said(text, finish if isinstance(finish, str) else "", thought)


@dataclass(frozen=True)
class Streamed:
    """Text and finish reason of a stream, arrival of each piece in seconds, and its problem."""

    text: str = ""
    finish: str = ""
    times: list[float] = field(default_factory=list)
    problem: str = ""


def read_stream(answer: Answer) -> Streamed:
    """Read a stream of any dialect; ``problem`` is set when it did not end properly."""
    if answer.status != 200:
        return Streamed(problem=http_problem(answer))
    texts, times, finish, ended, problem = [], [], "", False, ""
    events = parse(answer.chunks).events
    for event in events:
        item = load(event.data)
        if dig(item, "error") is not None:
            problem = problem or f"an error event under HTTP 200: {error_text(item)}"
        choice = dig(item, "choices", 0)
        special = dig(item, "token", "special")
        pieces = (
            dig(choice, "delta", "content"),
            dig(choice, "text"),
            None if special else dig(item, "token", "text"),
        )
        piece = next((one for one in pieces if isinstance(one, str) and one), "")
        piece = piece or chat.message_text(dig(choice, "delta"))
        if piece:
            problem = problem or ("text came after the end" if ended else "")
            texts.append(piece)
            times.append(event.at)
        reason = dig(choice, "finish_reason") or dig(item, "details", "finish_reason")
        finish = str(reason) if reason else finish
        ended = ended or bool(reason) or dig(item, "generated_text") is not None
    if not ended:
        problem = problem or cut_short(answer, len(events), "an ending")
    return Streamed("".join(texts), finish, times, problem or answer.fault)
