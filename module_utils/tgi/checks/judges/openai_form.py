"""Judge answers to requests that are written as OpenAI's SDKs write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import dig, http_problem, load
from ...common.text import trim
from ..results import Outcome
from .chat import chat_text, no_choice, read_stream
from .guided_output import Form, judge_json
from .http_answer import outcome
from .tool_calls import call_problems, judge_call_stream, read_calls

REMEDY = (
    "The engine does not speak OpenAI's dialect by itself, and the gateway does not translate: set "
    "gateway_openai_dialect: true and run the gateway role; then read nginx's error log"
)
#: Where the gateway's translation shows. Other statuses have remedies of their own.
_TRANSLATED = (200, 400, 404, 422)


def told(answer: Answer, problems: Sequence[str], good: str, evidence: str = "") -> Outcome:
    """Make an outcome with the remedy of a missing translation."""
    remedy = REMEDY if answer.status in _TRANSLATED else ""
    return outcome(answer, problems, good, evidence, remedy)


def _refusal(answer: Answer) -> str:
    """Return why this is no answer; TGI says in plain text what it could not read."""
    problem = http_problem(answer)
    if problem == f"HTTP {answer.status}" and answer.status in _TRANSLATED:
        return f"{problem} {trim(answer.text, 160)}".strip()
    return problem


def referring_form(word: str) -> Form:
    """Return a form whose schema has a definition and a reference, as Pydantic writes them."""
    inner = {"type": "object", "properties": {"k": {"const": word}}, "required": ["k"]}
    schema = {
        "type": "object",
        "properties": {"in": {"$ref": "#/$defs/Inner"}},
        "required": ["in"],
        "$defs": {"Inner": inner},
    }
    return Form(schema, lambda value: bool(value == {"in": {"k": word}}))


def judge_schema(answer: Answer, form: Form) -> Outcome:
    """Check for JSON that fits a schema which the prompt does not mention."""
    if problem := _refusal(answer):
        return told(answer, [problem], "")
    return judge_json(answer, form)


def judge_json_mode(answer: Answer) -> Outcome:
    """Check for one JSON object; one that max_tokens cut warns, for the model may write on."""
    if problem := _refusal(answer) or no_choice(answer):
        return told(answer, [problem], "")
    text, finish = chat_text(answer), dig(answer.json(), "choices", 0, "finish_reason")
    value = load(text)
    if isinstance(value, dict):
        return told(answer, [], trim(text, 70))
    if finish == "length" and text.lstrip().startswith("{"):
        problem = f"max_tokens cut the JSON object: {trim(text, 60)}"
        return Outcome(problem, problem, ms=answer.ms, attempts=answer.attempts, soft=True)
    return told(answer, [f"no JSON object: {trim(text, 60) or 'no text'}"], "")


def judge_tool(answer: Answer, tools: list[dict[str, Any]]) -> Outcome:
    """Check for a call of a tool whose schema has references and a list of types."""
    if problem := _refusal(answer) or no_choice(answer):
        return told(answer, [problem], "")
    calls = read_calls(dig(answer.json(), "choices", 0, "message"))
    problems = call_problems(calls, tools, chat_text(answer))
    return told(answer, problems, trim(str(calls[0].arguments), 70) if calls else "")


def judge_stop(answer: Answer, stop: str) -> Outcome:
    """Check that the stop sequence ended the text and is not in it.

    Warn if the text ended in another way: then nothing is proven.
    """
    if problem := _refusal(answer) or no_choice(answer):
        return told(answer, [problem], "")
    text, finish = chat_text(answer), dig(answer.json(), "choices", 0, "finish_reason")
    problems = []
    if stop in text:
        problems.append(f"the stop sequence {stop!r} is in the text: …{trim(text[-40:], 44)}")
    if finish not in ("stop", "length"):
        problems.append(f"finish_reason at a stop sequence is {trim(finish, 40)}, not stop")
    if not problems and finish == "length":
        problem = f"the text has no {stop!r}, so nothing stopped it: {trim(text, 60)}"
        return Outcome(problem, problem, ms=answer.ms, attempts=answer.attempts, soft=True)
    return told(answer, problems, f"ended before {stop!r}, finish_reason stop")


def judge_finish(answer: Answer) -> Outcome:
    """Check that a whole call ends as loops of agents expect it."""
    if problem := _refusal(answer) or no_choice(answer):
        return told(answer, [problem], "")
    finish = dig(answer.json(), "choices", 0, "finish_reason")
    said = f"finish_reason of a call is {trim(finish, 40)}"
    return told(answer, [] if finish == "tool_calls" else [f"{said}, not tool_calls"], said)


def judge_ids(first: Answer, second: Answer) -> Outcome:
    """Check that two answers with a call each have ids, and not the same."""
    for answer in (first, second):
        if problem := _refusal(answer) or no_choice(answer):
            return told(answer, [problem], "")
    problems = []
    for what, path in (
        ("answers", ("id",)),
        ("calls", ("choices", 0, "message", "tool_calls", 0, "id")),
    ):
        ids = [dig(answer.json(), *path) for answer in (first, second)]
        if not all(isinstance(one, str) and one for one in ids) or ids[0] == ids[1]:
            problems.append(f"ids of two {what} are {ids[0]!r} and {ids[1]!r}")
    return told(second, problems, "two answers and two calls, four ids")


def judge_model(answer: Answer, name: str) -> Outcome:
    """Check that the list's route knows one model by its name."""
    if problem := _refusal(answer):
        return told(answer, [problem], "")
    found = dig(answer.json(), "id")
    return told(answer, [] if found == name else [f"its id is {trim(found, 60)}"], str(found))


def judge_streams(answers: Sequence[Answer], tools: list[dict[str, Any]]) -> Outcome:
    """Check that streamed calls join to whole ones, and end with finish_reason tool_calls."""
    found = [(answer, _stream_problem(answer, tools)) for answer in answers]
    wrong = [(answer, problem) for answer, problem in found if problem]
    if not wrong:
        return told(answers[0], [], f"{len(answers)} of {len(answers)} whole")
    answer, problem = min(wrong, key=lambda one: one[1].startswith("finish_reason"))
    if len(wrong) < len(answers) or not http_problem(answer):
        problem = f"{len(wrong)} of {len(answers)} streamed calls are not whole: {problem}"
    return told(answer, [problem], "")


def _stream_problem(answer: Answer, tools: list[dict[str, Any]]) -> str:
    judged = judge_call_stream(answer, tools, finishes=False)
    if judged.problem:
        return judged.problem
    items = read_stream(answer).items
    reasons = [dig(item, "choices", 0, "finish_reason") for item in items]
    told_reasons = [reason for reason in reasons if reason]
    if told_reasons == ["tool_calls"]:
        return ""
    return f"finish_reason is {trim(told_reasons or 'missing', 40)}, not tool_calls"
