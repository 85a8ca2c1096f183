"""Judge guided output, whole and streamed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import http_problem, load
from ...common.text import trim
from ..results import Outcome
from .dialect import Said, read, read_stream
from .http_answer import SEE_OTHERS, excerpt, outcome

IGNORED_REMEDY = (
    "Guided decoding is off or ignored (transformers serve ignores response_format): remove "
    "disable_grammar_support from TGI's options"
)
CUT_REMEDY = (
    "max_tokens cut the output: raise it in your requests, or stop runs of white space (vLLM: "
    "structured outputs with disable_any_whitespace)"
)


@dataclass(frozen=True)
class Form:
    """A schema that no answer fits by chance, and a predicate for values.

    It holds only constants, enumerations and arrays of one length. So no healthy answer is longer
    than ``max_tokens``. It holds no ranges or patterns, because TGI's compiler ignores them.
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
    """Return whether the text began as JSON (or is endless white space) and never ended."""
    if load(said.text) is not None:
        return False
    text = said.text.strip()
    return text[:1] in ("{", "[") or (not text and said.finish == "length")


def _text_problem(said: Said, form: Form) -> tuple[str, str]:
    """Return problem and remedy of one guided text."""
    if is_cut(said):
        return f"cut after {len(said.text)} characters, before the JSON was complete", CUT_REMEDY
    value = load(said.text)
    if value is None:
        return "the answer is not JSON", IGNORED_REMEDY
    if not form.fits(value):
        return "the answer is JSON, but does not fit the schema", IGNORED_REMEDY
    if said.finish == "length":
        return "the JSON is complete, but finish_reason is length", CUT_REMEDY
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
        problem = f"the model was still reasoning after {form.max_tokens} tokens: nothing to check"
        return Outcome(problem, problem, excerpt(answer), ms=answer.ms, soft=True)
    problem, remedy = _text_problem(said, form)
    return outcome(answer, [problem] if problem else [], trim(said.text, 80), "", remedy)


def judge_cut(answer: Answer) -> Outcome:
    """Check that JSON which begins also ends, within enough tokens for it."""
    if problem := http_problem(answer):
        return outcome(answer, [f"nothing to check: {problem}"], "", "", SEE_OTHERS)
    said = read(answer)
    if is_cut(said):
        problem = f"cut by max_tokens after {len(said.text)} characters"
        if not said.text.strip():
            problem = f"endless white space, {len(said.text)} characters"
        return outcome(answer, [problem], "", f"{said.text[-80:]!r}", CUT_REMEDY)
    if load(said.text) is None:
        problem = "no JSON came, so max_tokens cut none"
        return Outcome(problem, problem, excerpt(answer), SEE_OTHERS, answer.ms, soft=True)
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
