"""Check OpenAI's older /v1/completions; list the checks of TGI's own routes."""

from __future__ import annotations

from typing import Any

from ...client.answer import Answer
from ...client.http_problem import dig
from ...common.text import trim
from ..judges.chat import greedy, judge_chat_stream, no_choice, read_stream, reply_problems
from ..judges.http_answer import outcome
from ..results import MAJOR, MINOR, Outcome
from ..selection import CheckSpec
from ..session import Session
from .native_routes import generate_compat, generate_reject, generate_stop

TOKENS = 4
_PATH = "/v1/completions"


def prompt(word: str) -> str:
    """Return plain text that a base model can continue."""
    return f"Request {word}. Question: Name the capital of France. Answer:"


def request_body(session: Session, stream: bool) -> dict[str, Any]:
    asked = {"model": session.served, "prompt": prompt(session.word)}
    return {**asked, **greedy(TOKENS, stream)}


async def completions_basic(session: Session) -> Outcome:
    answer = await session.post(_PATH, request_body(session, False))
    return judge_completion(answer, prompt(session.word))


async def completions_stream(session: Session) -> Outcome:
    answer = await session.post(_PATH, request_body(session, True))
    return judge_completion_stream(answer, prompt(session.word), session.model.profile.done)


def _echo_problems(text: str, asked: str) -> list[str]:
    return ["the text repeats the prompt"] if text.lstrip().startswith(asked) else []


def judge_completion(answer: Answer, asked: str) -> Outcome:
    """Check for one choice, text other than the prompt, a finish_reason, usage that adds up."""
    if problem := no_choice(answer):
        return outcome(answer, [problem], "")
    reply = answer.json()
    text = dig(reply, "choices", 0, "text")
    if not isinstance(text, str) or not text.strip():
        return outcome(answer, ["the text is empty"], "")
    problems = _echo_problems(text, asked) + reply_problems(reply, "text_completion", TOKENS)
    return outcome(answer, problems, trim(text, 70))


def judge_completion_stream(answer: Answer, asked: str, done: bool = True) -> Outcome:
    """Check it like a stream of a chat. TGI sends finish_reason "" until the end."""
    found = judge_chat_stream(answer, TOKENS, done)
    if found.problem:
        return found
    stream = read_stream(answer)
    ending = dig(stream.items[stream.finishes[0]], "choices", 0)
    text = stream.text
    if dig(ending, "finish_reason") == "eos_token":
        # TGI sends the end-of-text token itself as text here
        text = text.removesuffix(str(dig(ending, "text")))
    problems = _echo_problems(text, asked) if text.strip() else ["the streamed text is empty"]
    return outcome(answer, problems, found.observed, found.evidence)


SPECS: tuple[CheckSpec, ...] = (
    CheckSpec(
        "generate.reject", "generate", "422 for an empty prompt and for no tokens at all",
        "Another server, or a proxy that rewrites errors, answers on this port: run docker ps and "
        "ss -ltnp",
        generate_reject, severity=MAJOR, needs=("native",),
    ),
    CheckSpec(
        "generate.stop", "generate", "generation ends at a stop sequence",
        "The engine ignores stop sequences: compare its version with the pinned one, and the "
        "tokenizer with the model's",
        generate_stop, severity=MINOR, needs=("native",),
    ),
    CheckSpec(
        "generate.compat", "generate", "POST / returns a list of one generated_text",
        "Old clients get no answer: compare the engine's version with the pinned one, and look "
        "for a proxy that blocks POST /",
        generate_compat, severity=MINOR, needs=("native",),
    ),
    CheckSpec(
        "completions.basic", "generate", "/v1/completions: text, finish_reason and usage",
        "Compare with generate.basic: if that passes, only this route is broken; check the "
        "engine's version and log",
        completions_basic, severity=MAJOR, needs=("completions",),
    ),
    CheckSpec(
        "completions.stream", "generate", "one finish_reason, usage, [DONE] last, no error event",
        "A worker died or a time-out cut the stream: read the engine's log of that time",
        completions_stream, severity=MAJOR, needs=("completions",), grounds=("stream",),
    ),
)  # fmt: skip
