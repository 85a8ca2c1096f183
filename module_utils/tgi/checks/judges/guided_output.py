"""Is this what the schema allows? Judges of guided output, whole and streamed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import http_problem, load
from ...common.text import trim
from ..results import Outcome
from .dialect import Said, read, read_stream
from .http_answer import SEE_OTHERS, look, outcome

IGNORED_REMEDY = (
    "Guided decoding is off, or the field is ignored: TGI without disable_grammar_support; some "
    "engines (transformers serve) ignore response_format altogether"
)
CUT_REMEDY = (
    "Output cut by max_tokens, not invalid: raise it in your requests, or stop runs of white space "
    "(vLLM: structured outputs with disable_any_whitespace)"
)


@dataclass(frozen=True)
class Form:
    """A schema that no answer fits by chance, and the test of a value that must fit it.

    Everything in it has an end: constants, enumerations and arrays of one length, so that no
    healthy answer is longer than ``max_tokens``. Ranges and patterns are left out, because
    TGI's grammar compiler passes over them.
    """

    schema: dict[str, Any]
    fits: Callable[[Any], bool]
    max_tokens: int = 96


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def const_form(word: str) -> Form:
    """Return a flat form. No prompt holds ``word``, so only a constrained engine can produce it."""
    schema = _object({"k": {"const": word}, "n": {"enum": [41, 42]}})

    def fits(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and set(value) == {"k", "n"}
            and value["k"] == word
            and type(value["n"]) is int
            and value["n"] in (41, 42)
        )

    return Form(schema, fits)


def nested_form(word: str) -> Form:
    """Return a form with a nested object and an array."""
    sizes = {"type": "array", "items": {"enum": ["S", "M"]}, "minItems": 2, "maxItems": 2}
    schema = _object({"in": _object({"k": {"const": word}}), "of": sizes})

    def fits(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and set(value) == {"in", "of"}
            and value["in"] == {"k": word}
            and isinstance(value["of"], list)
            and len(value["of"]) == 2
            and all(size in ("S", "M") for size in value["of"])
        )

    return Form(schema, fits)


def is_cut(said: Said) -> bool:
    """It began as JSON (or as white space without end) and never came to its end."""
    if load(said.text) is not None:
        return False
    text = said.text.strip()
    return text[:1] in ("{", "[") or (not text and said.finish == "length")


def _text_problem(said: Said, form: Form) -> tuple[str, str]:
    """(problem, remedy) of one guided text."""
    if is_cut(said):
        return f"cut after {len(said.text)} characters, before the JSON was complete", CUT_REMEDY
    value = load(said.text)
    if value is None:
        return "the answer is no JSON", IGNORED_REMEDY
    if not form.fits(value):
        return "the answer is JSON, but not what the schema allows", IGNORED_REMEDY
    if said.finish == "length":
        return "the JSON is complete, but finish_reason says length", CUT_REMEDY
    return "", ""


def _refused(answer: Answer, problem: str) -> Outcome:
    remedy = IGNORED_REMEDY if "grammar is not supported" in problem else ""
    return outcome(answer, [problem], "", "", remedy)


def judge_json(answer: Answer, form: Form) -> Outcome:
    """Check that the answer is complete JSON that fits the schema."""
    if problem := http_problem(answer):
        return _refused(answer, problem)
    said = read(answer)
    if said.reasoning:
        problem = f"still reasoning when {form.max_tokens} tokens were used up: nothing to judge"
        return Outcome(problem, problem, look(answer), ms=answer.ms, soft=True)
    problem, remedy = _text_problem(said, form)
    return outcome(answer, [problem] if problem else [], trim(said.text, 80), "", remedy)


def judge_cut(answer: Answer) -> Outcome:
    """Check that JSON which begins also ends, within enough tokens for it."""
    if problem := http_problem(answer):
        return outcome(answer, [f"nothing to judge: {problem}"], "", "", SEE_OTHERS)
    said = read(answer)
    if is_cut(said):
        problem = f"cut by max_tokens after {len(said.text)} characters"
        if not said.text.strip():
            problem = f"white space without end, {len(said.text)} characters of it"
        return outcome(answer, [problem], "", f"{said.text[-80:]!r}", CUT_REMEDY)
    if load(said.text) is None:
        problem = "no JSON came that could be cut"
        return Outcome(problem, problem, look(answer), SEE_OTHERS, answer.ms, soft=True)
    return outcome(answer, [], f"complete, {len(said.text)} characters, ended by {said.finish}")


def judge_stream(answer: Answer, form: Form) -> Outcome:
    """Check that the pieces of a stream, joined, are the JSON."""
    stream = read_stream(answer)
    if stream.problem:
        return _refused(answer, stream.problem)
    problem, remedy = _text_problem(Said(stream.text, stream.finish), form)
    good = f"{len(stream.times)} pieces: {trim(stream.text, 60)}"
    return outcome(answer, [problem] if problem else [], good, "", remedy)


def judge_invalid(answer: Answer) -> Outcome:
    """Check that an invalid schema gets HTTP 4xx."""
    if not answer.fault and 400 <= answer.status < 500 and answer.status not in (401, 403, 429):
        return outcome(answer, [], f"HTTP {answer.status}")
    problem = http_problem(answer) or "HTTP 200: an invalid schema was not refused"
    return outcome(answer, [problem], "")
