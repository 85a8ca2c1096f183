"""Ask for a forced tool call, and sort the response into the usual kinds of failure."""

from __future__ import annotations

from typing import Any

from ...checks.judges import questions
from ...checks.judges.cut_calls import find_cut_call
from ...checks.judges.tool_calls import function, read_arguments, read_calls
from ...checks.model.context import find_room
from ...checks.model.tools import judge_prompt
from ...checks.session import Session
from ...client.answer import Answer
from ...client.http_problem import dig, error_text, http_problem, load
from ...common.text import mask, trim

CHAT = "/v1/chat/completions"
NAME = "note_city"
#: Enough for this call
MAX_TOKENS = 100
_TOOL = function(NAME, "Note a city.", {"city": {"type": "string"}})


async def force_call(session: Session, without: Answer) -> dict[str, Any]:
    """Return :func:`view_call`; ask again with more room where the tokens ran out in a good call.

    The question is that of the first chat, ``without`` tools: so only these make a prompt longer.
    """
    body, tokens = request_body(session.served, session.word), MAX_TOKENS
    answer = await session.post(CHAT, body)
    cut = find_cut_call(answer, [_TOOL], tokens)
    if cut and not cut.problem:
        tokens = await find_room(session, answer, MAX_TOKENS)
        answer = await session.post(CHAT, {**body, "max_tokens": tokens})
        cut = find_cut_call(answer, [_TOOL], tokens)
    seen = view_call(answer, without, tokens)
    if cut and not cut.problem:
        seen.update(kind="unfinished", detail=f"{tokens} tokens did not suffice for a small call")
    elif cut and seen["kind"] == "cut":
        seen["detail"] = f"the call was cut: {mask(cut.problem)}"
    return seen


def request_body(model: str, word: str = "") -> dict[str, Any]:
    """Return a chat request that forces a call of the function NAME."""
    return {
        "model": model,
        "messages": [{"role": "user", "content": questions.ask(questions.QUESTIONS[0], word)}],
        "tools": [_TOOL],
        "tool_choice": {"type": "function", "function": {"name": NAME}},
        "temperature": 0,
        "max_tokens": MAX_TOKENS,
        "stream": False,
    }


def view_call(
    answer: Answer, without: Answer | None = None, tokens: int = MAX_TOKENS
) -> dict[str, Any]:
    """Return ``kind`` (``ok`` or a key of REMEDIES), ``detail``, ``status`` and ``ms``.

    ``without``: the answer to the same question without tools.
    """
    kind, detail = judge_call(answer, tokens)
    if kind == "ok" and without is not None:
        problem = judge_prompt(without, answer).problem
        kind, detail = ("dropped", problem) if problem.startswith("the prompt") else (kind, detail)
    return {
        "kind": kind,
        "detail": mask(trim(detail, 160)),
        "status": answer.status,
        "ms": answer.ms,
    }


def judge_call(answer: Answer, tokens: int = MAX_TOKENS) -> tuple[str, str]:
    """Return the kind of a response to :func:`request_body`, and what was seen."""
    problem = http_problem(answer)
    if problem:
        return _refused(answer), problem
    reply = answer.json()
    message, finish = dig(reply, "choices", 0, "message"), dig(reply, "choices", 0, "finish_reason")
    spent = dig(reply, "usage", "completion_tokens")
    full = finish == "length" or (isinstance(spent, int) and spent >= tokens)
    calls = read_calls(message)
    if not calls:
        text = dig(message, "content")
        if full and isinstance(text, str) and text.lstrip().startswith("{"):
            return "cut", f"the call was not complete after {tokens} tokens"
        return "ignored", "text instead of the forced call"
    if calls[0].name != NAME:
        return "ignored", f"called {trim(calls[0].name, 40)} instead of {NAME}"
    return _arguments(calls[0].arguments, tokens if full else 0)


def _refused(answer: Answer) -> str:
    said = error_text(answer.json()).lower()
    if "template" in said:
        return "template"
    if "grammar" in said and ("disabled" in said or "not supported" in said):
        return "grammar"
    # TGI could not parse what its model wrote: the text between the braces was cut
    if answer.status in (422, 424, 500) and ("parse" in said or "eof" in said):
        return "cut" if "eof" in said else "arguments"
    return "failed"


def _arguments(given: Any, full: int) -> tuple[str, str]:
    """Check the arguments without a schema library, which not every host has."""
    content, problem = read_arguments(given)
    if problem and full and isinstance(given, str) and load(given) is None:
        return "cut", f"the arguments were not complete after {full} tokens"
    if problem:
        return "arguments", f"the {problem}"
    if not isinstance(content.get("city"), str):
        return "arguments", "the arguments lack what the schema requires"
    return "ok", "the forced call came, its arguments fit the schema"


REMEDIES = {
    "ignored": "the engine ignores tool_choice, which TGI 3 obeys for every model with a chat "
    "template: check what runs at this port (docker ps) and its tgi_image",
    "arguments": "the engine does not enforce the schema: remove disable_grammar_support from the "
    "model's options, and compare tgi_image with tgi_version",
    "cut": "the response ended before the call was complete: raise max_tokens in the request, and "
    "max_total_tokens if it is too small for that",
    "unfinished": "a small model writes much white space: raise max_tokens in your requests, or "
    "choose a larger model for function calling",
    "template": "the model's chat template takes no tools: set tokenizer_config_path to one that "
    "does, or choose an instruct model",
    "grammar": "remove disable_grammar_support from the model's options in tgi_models",
    "dropped": "the chat template leaves out the tools, so the model never sees them: set "
    "tokenizer_config_path to one with tools, or add the model to checks_without_tools",
    "failed": "the chat itself works: see the engine's log for why it refuses this call",
}
