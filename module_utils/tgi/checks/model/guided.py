"""Check guided output: JSON that fits a schema which the prompt does not mention."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import http_problem
from ...common.text import trim
from ..judges import dialect
from ..judges.guided_output import (
    IGNORED_REMEDY,
    Form,
    const_form,
    is_unfinished,
    judge_cut,
    judge_invalid,
    judge_json,
    judge_stream,
    nested_form,
)
from ..judges.http_answer import outcome
from ..judges.questions import nonce
from ..results import MAJOR, MINOR, Outcome
from ..selection import CheckSpec
from ..session import Session
from .context import find_room

PROMPT = "Fill in the form."


def schema_fields(form: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the request's fields for a schema, by ``Engine.guided_form``."""
    if form == "value":
        return {"response_format": {"type": "json", "value": schema}}
    named = {"name": "form", "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def regex_fields(engine: str, word: str) -> dict[str, Any]:
    """Return the request's fields for an answer of ``word`` and three digits, by engine."""
    pattern = f"{word}-[0-9]{{3}}"
    forms: dict[str, dict[str, Any]] = {
        "tgi": {"response_format": {"type": "regex", "value": pattern}},
        "vllm": {"structured_outputs": {"regex": pattern}},
        "sglang": {"regex": pattern},
        "llamacpp": {"grammar": f'root ::= "{word}-" [0-9] [0-9] [0-9]'},
    }
    return forms[engine]


async def _fill(session: Session, form: Form, stream: bool = False) -> Answer:
    fields = schema_fields(session.profile.guided_form, form.schema)
    return await session.plain(PROMPT, form.max_tokens, stream=stream, chat_first=True, **fields)


async def _fill_whole(session: Session, form: Form, stream: bool = False) -> tuple[Answer, Form]:
    """Ask for a form; ask once more with more room where the tokens ran out in good JSON."""
    answer = await _fill(session, form, stream)
    if is_unfinished(answer, form, stream):
        roomy = replace(form, max_tokens=await find_room(session, answer, form.max_tokens))
        if roomy != form and not http_problem(again := await _fill(session, roomy, stream)):
            again.attempts += 1
            return again, roomy
    return answer, form


async def _shared(
    session: Session, name: str, make: Callable[[str], Form], stream: bool
) -> tuple[Answer, Form]:
    """Return one answer and its form, for the two checks that share them."""
    return await session.memo.once(name, lambda: _fill_whole(session, make(nonce()), stream))


async def json_const(session: Session) -> Outcome:
    return judge_json(*await _shared(session, "json", const_form, stream=False))


async def json_truncated(session: Session) -> Outcome:
    return judge_cut(*await _shared(session, "json", const_form, stream=False))


async def json_nested(session: Session) -> Outcome:
    """Check nested JSON from the stream of ``json.stream``; ask again whole if the stream broke."""
    answer, form = await _shared(session, "json stream", nested_form, stream=True)
    if not dialect.read_stream(answer).problem:
        return judge_stream(answer, form)
    return replace(judge_json(*await _fill_whole(session, form)), attempts=2)


async def json_stream(session: Session) -> Outcome:
    return judge_stream(*await _shared(session, "json stream", nested_form, stream=True))


async def json_invalid(session: Session) -> Outcome:
    schema = {"type": "object", "properties": {"k": {"type": "hiccup"}}, "required": ["k"]}
    fields = schema_fields(session.profile.guided_form, schema)
    return judge_invalid(await session.plain(PROMPT, 8, chat_first=True, **fields))


def judge_regex(answer: Answer, word: str) -> Outcome:
    """Check that the whole answer matches the regular expression."""
    if problem := http_problem(answer):
        return outcome(answer, [problem], "")
    text = dialect.read(answer).text
    problems = []
    if not re.fullmatch(f"{word}-[0-9]{{3}}", text.strip()):
        problems = [
            "the answer does not match the regular expression" if text else "the answer is empty"
        ]
    return outcome(answer, problems, trim(text, 60), "", IGNORED_REMEDY)


async def regex_grammar(session: Session) -> Outcome:
    word = nonce()
    fields = regex_fields(session.profile.name, word)
    return judge_regex(await session.plain(PROMPT, 24, **fields), word)


SPECS: tuple[CheckSpec, ...] = (
    CheckSpec(
        "json.const",
        "json",
        "JSON that fits a schema which the prompt does not mention",
        IGNORED_REMEDY,
        json_const,
        needs=("guided",),
    ),
    CheckSpec(
        "json.truncated",
        "json",
        "guided JSON is complete",
        "Raise max_tokens",
        json_truncated,
        severity=MAJOR,
        needs=("guided",),
        grounds=("guided",),
    ),
    CheckSpec(
        "json.nested",
        "json",
        "JSON that fits a nested schema",
        "The engine's grammar compiler fails on nested schemas: read its log, or try another "
        "guided decoding backend",
        json_nested,
        severity=MAJOR,
        needs=("guided",),
    ),
    CheckSpec(
        "json.invalid",
        "json",
        "HTTP 4xx for an invalid schema",
        "The engine reports a client's error as its own, or as success: read its log of that time",
        json_invalid,
        severity=MAJOR,
        needs=("guided",),
    ),
    CheckSpec(
        "json.stream",
        "json",
        "the streamed pieces, joined, are the JSON",
        "Streams lose or repeat pieces: compare with json.const, and look for a proxy in between",
        json_stream,
        severity=MINOR,
        needs=("guided",),
        grounds=("stream",),
    ),
    CheckSpec(
        "regex.grammar",
        "json",
        "text that matches a regular expression which the prompt does not mention",
        IGNORED_REMEDY,
        regex_grammar,
        severity=MINOR,
        needs=("regex",),
    ),
)
