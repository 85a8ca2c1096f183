"""A forced tool call, and in which of the usual ways it went wrong."""

from __future__ import annotations

from typing import Any

from ...checks.judges import questions
from ...checks.judges.tool_calls import function, read_arguments, read_calls
from ...client.answer import Answer
from ...client.http_problem import dig, error_text, http_problem, load
from ...common.text import mask, trim

NAME = "note_city"
#: Room enough for this call; a client's own limit is the client's affair.
MAX_TOKENS = 100
_TOOL = function(NAME, "Note a city.", {"city": {"type": "string"}})


def request_body(model: str) -> dict[str, Any]:
    """A chat request that must be answered by a call of the function NAME."""
    return {
        "model": model,
        "messages": [{"role": "user", "content": questions.ask(questions.QUESTIONS[0])}],
        "tools": [_TOOL],
        "tool_choice": {"type": "function", "function": {"name": NAME}},
        "temperature": 0,
        "max_tokens": MAX_TOKENS,
        "stream": False,
    }


def view_call(answer: Answer) -> dict[str, Any]:
    """``kind`` and ``detail``; the kind is ``ok`` or a key of REMEDIES."""
    kind, detail = judge_call(answer)
    return {
        "kind": kind,
        "detail": mask(trim(detail, 160)),
        "status": answer.status,
        "ms": answer.ms,
    }


def judge_call(answer: Answer) -> tuple[str, str]:
    """The kind of an answer to :func:`request_body`, and what was seen."""
    problem = http_problem(answer)
    if problem:
        return _refused(answer), problem
    reply = answer.json()
    message, finish = dig(reply, "choices", 0, "message"), dig(reply, "choices", 0, "finish_reason")
    spent = dig(reply, "usage", "completion_tokens")
    full = finish == "length" or (isinstance(spent, int) and spent >= MAX_TOKENS)
    calls = read_calls(message)
    if not calls:
        text = dig(message, "content")
        if full and isinstance(text, str) and text.lstrip().startswith("{"):
            return "cut", f"the call was not complete after {MAX_TOKENS} tokens"
        return "ignored", "text instead of the call that was forced"
    if calls[0].name != NAME:
        return "ignored", f"called {trim(calls[0].name, 40)} instead of {NAME}"
    return _arguments(calls[0].arguments, full)


def _refused(answer: Answer) -> str:
    said = error_text(answer.json()).lower()
    if "template" in said:
        return "template"
    if "grammar" in said and ("disabled" in said or "not supported" in said):
        return "grammar"
    # The text between the braces was cut, so TGI itself could not read what its model had written
    if answer.status in (422, 424, 500) and ("parse" in said or "eof" in said):
        return "cut" if "eof" in said else "arguments"
    return "failed"


def _arguments(given: Any, full: bool) -> tuple[str, str]:
    """Without a schema's library, which not every host that asks this has."""
    content, problem = read_arguments(given)
    if problem and full and isinstance(given, str) and load(given) is None:
        return "cut", f"the arguments were not complete after {MAX_TOKENS} tokens"
    if problem:
        return "arguments", f"the {problem}"
    if not isinstance(content.get("city"), str):
        return "arguments", "the arguments lack what the schema requires"
    return "ok", "the forced call came, its arguments fit the schema"


REMEDIES = {
    "ignored": "tool_choice is not heeded: TGI 3 does for every model with a chat template, so see "
    "what answers at this port (docker ps) and which tgi_image it runs",
    "arguments": "the call is not held to its schema: take disable_grammar_support from the "
    "model's options, and compare tgi_image with tgi_version",
    "cut": "the answer ended before the call was complete: a larger max_tokens in the request, "
    "and room for it in max_total_tokens",
    "template": "the model has no chat template that takes tools: set tokenizer_config_path to one "
    "that does, or choose an instruct model",
    "grammar": "take disable_grammar_support from the model's options in tgi_models",
    "failed": "the chat itself works: the engine's log tells what it has against this call",
}
