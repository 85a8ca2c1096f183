"""Judge guided output, whole and streamed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import error_text, http_problem, load
from ...common.text import trim
from ..results import Outcome
from .chat import TEMPLATE_REMEDY
from .dialect import Said, read, read_stream, token_count
from .http_answer import SEE_OTHERS, excerpt, outcome
from .json_prefix import BEGUN, WHOLE, WRONG, is_endless_space, judge_beginning

IGNORED_REMEDY = (
    "Guided decoding is off or ignored (transformers serve ignores response_format): remove "
    "disable_grammar_support from TGI's options"
)
CUT_REMEDY = (
    "max_tokens cut the output: raise it in your requests, or stop runs of white space (vLLM: "
    "structured outputs with disable_any_whitespace)"
)
_EARLY_REMEDY = (
    "The engine ended guided output before it was complete, with tokens left: read its log of that "
    "time, compare its version with the pinned one"
)


@dataclass(frozen=True)
class Form:
    """A schema that no answer fits by chance, and a predicate for values.

    It holds only constants, enumerations and arrays of one length. So a healthy answer seldom
    needs more than ``max_tokens``; a small model that puts white space between tokens may. It
    holds no ranges or patterns, because TGI's compiler ignores them.
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


def _ran_out(said: Said, tokens: int, form: Form) -> bool:
    """Return whether the limit of tokens ended the text; ``tokens`` is 0 when unknown.

    An engine that says so with tokens left has cut the text by itself.
    """
    return said.finish == "length" and (not tokens or tokens >= form.max_tokens)


def is_unfinished(answer: Answer, form: Form, stream: bool) -> bool:
    """Return whether the tokens ran out before JSON that began well was complete."""
    if stream:
        streamed = read_stream(answer)
        said, problem = Said(streamed.text, streamed.finish), streamed.problem
    else:
        said, problem = read(answer), http_problem(answer)
    if problem or said.reasoning or said.finish != "length":
        return False
    return judge_beginning(said.text, form.schema) != WRONG


@dataclass(frozen=True)
class _Verdict:
    problem: str = ""
    remedy: str = ""
    soft: bool = False


def _judge_cut_text(said: Said, tokens: int, form: Form) -> _Verdict:
    """Judge a beginning. One that fits warns: a small model may need more tokens than there are."""
    count = len(said.text)
    if not said.text:
        return _Verdict("the answer is not JSON: it is empty", IGNORED_REMEDY)
    if is_endless_space(said.text):
        return _Verdict(f"cut after {count} characters of endless white space", CUT_REMEDY)
    if not _ran_out(said, tokens, form):
        used = f"{tokens} of {form.max_tokens} tokens, " if tokens else ""
        problem = f"cut after {used}{count} characters, finish_reason {said.finish or 'missing'}"
        return _Verdict(problem, _EARLY_REMEDY)
    problem = f"{form.max_tokens} tokens did not suffice: {count} characters of JSON fit so far"
    return _Verdict(problem, CUT_REMEDY, soft=True)


def _judge_text(said: Said, tokens: int, form: Form) -> _Verdict:
    """Judge one guided text."""
    beginning = judge_beginning(said.text, form.schema)
    if beginning == BEGUN:
        return _judge_cut_text(said, tokens, form)
    if beginning == WHOLE and said.finish == "length":
        problem = "the JSON is complete, but finish_reason is length"
        return _Verdict(problem, CUT_REMEDY, soft=_ran_out(said, tokens, form))
    value = load(said.text)
    if value is not None and form.fits(value):
        return _Verdict()
    if value is not None or said.text.lstrip()[:1] in ("{", "["):
        what = "is JSON, but does not" if value is not None else "began as JSON, but cannot"
        return _Verdict(f"the answer {what} fit the schema", IGNORED_REMEDY)
    return _Verdict("the answer is not JSON", IGNORED_REMEDY)


def _refused(answer: Answer, problem: str) -> Outcome:
    remedy = IGNORED_REMEDY if "grammar is not supported" in problem else ""
    return outcome(answer, [problem], "", "", remedy)


def _outcome(answer: Answer, found: _Verdict, good: str) -> Outcome:
    made = outcome(answer, [found.problem] if found.problem else [], good, "", found.remedy)
    return replace(made, soft=found.soft)


def judge_json(answer: Answer, form: Form) -> Outcome:
    """Check that the answer is complete JSON that fits the schema."""
    if problem := http_problem(answer):
        return _refused(answer, problem)
    said = read(answer)
    if said.reasoning:
        problem = f"the model was still reasoning after {form.max_tokens} tokens: nothing to check"
        return Outcome(problem, problem, excerpt(answer), ms=answer.ms, soft=True)
    return _outcome(answer, _judge_text(said, token_count(answer), form), trim(said.text, 80))


def judge_cut(answer: Answer, form: Form) -> Outcome:
    """Check that JSON which begins also ends, within enough tokens for it."""
    if problem := http_problem(answer):
        return outcome(answer, [f"nothing to check: {problem}"], "", "", SEE_OTHERS)
    said = read(answer)
    if load(said.text) is not None:
        return outcome(answer, [], f"complete, {len(said.text)} characters, ended by {said.finish}")
    if not said.text or judge_beginning(said.text, form.schema) == WRONG:
        problem = "no JSON came that fits, so max_tokens cut none"
        return Outcome(problem, problem, excerpt(answer), SEE_OTHERS, answer.ms, soft=True)
    found = _judge_cut_text(said, token_count(answer), form)
    made = outcome(answer, [found.problem], "", f"{said.text[-80:]!r}", found.remedy)
    return replace(made, soft=found.soft)


def judge_stream(answer: Answer, form: Form) -> Outcome:
    """Check that the pieces of a stream, joined, are the JSON."""
    stream = read_stream(answer)
    if stream.problem:
        return _refused(answer, stream.problem)
    found = _judge_text(Said(stream.text, stream.finish), token_count(answer), form)
    return _outcome(answer, found, f"{len(stream.times)} pieces: {trim(stream.text, 60)}")


def judge_invalid(answer: Answer) -> Outcome:
    """Check that an invalid schema gets HTTP 4xx, and not for want of a chat template."""
    said = error_text(answer.json()).lower()
    # llama.cpp refuses a schema in the name of its template's parser
    if "template" in said and "schema" not in said:
        return outcome(answer, [http_problem(answer)], "", "", TEMPLATE_REMEDY)
    if not answer.fault and 400 <= answer.status < 500 and answer.status not in (401, 403, 429):
        return outcome(answer, [], f"HTTP {answer.status}")
    problem = http_problem(answer) or "HTTP 200: an invalid schema was not refused"
    return outcome(answer, [problem], "")
