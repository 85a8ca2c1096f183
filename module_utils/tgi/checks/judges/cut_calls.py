"""Find a function call that the limit of tokens cut, and judge its beginning."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import dig
from ...common.text import trim
from ..results import Outcome
from . import chat
from .http_answer import outcome
from .json_prefix import WHOLE, WRONG, is_endless_space, judge_beginning
from .tool_calls import CUT_REMEDY, Call, join_calls, read_calls

#: TGI refuses a cut call; it quotes the text as Rust does, which is JSON but for \u{…} and \0.
_TGI_CUT = re.compile(r'Failed to parse generated text: EOF while parsing [^"]*(".*)', re.DOTALL)
_RUST_ESCAPE = re.compile(r"\\(u\{([0-9a-fA-F]{1,6})\}|.)", re.DOTALL)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


@dataclass(frozen=True)
class CutCall:
    """A cut call. ``problem`` says why it is no valid beginning; empty when it is one."""

    text: str
    problem: str = ""


def find_cut_call(answer: Answer, tools: Sequence[Any], asked: int) -> CutCall | None:
    """Return the call that ``asked`` tokens cut in an answer or a stream; None if none is cut."""
    reply = answer.json()
    if answer.status != 200:
        said = str(dig(reply, "error", "message") or dig(reply, "error") or "")
        refused = _TGI_CUT.search(said)
        if refused is None:
            return None
        text = _unquote(refused.group(1))
        return _judge(text, _tgi_schema(tools)) if text else CutCall("", "no text came")
    if reply is not None:
        items, message = [reply], dig(reply, "choices", 0, "message")
        calls, text = read_calls(message), chat.message_text(message)
    else:
        stream = chat.read_stream(answer)
        items, calls, text = stream.items, join_calls(stream.items), stream.text
    finish = next(filter(None, (dig(one, "choices", 0, "finish_reason") for one in items)), None)
    tokens = chat.completion_tokens(answer)
    # TGI's streams of calls have no finish_reason, but count their tokens
    silent = finish is None and 0 < asked <= tokens and not _is_whole(calls)
    if finish != "length" and not silent:
        return None
    if calls:
        found = _judge_calls(calls, tools)
    elif "{" in text and ("<tool_call" in text or '"name"' in text):
        found = _judge(text[text.index("{") :], _text_schema(tools))
    elif text and not "<tool_call>".startswith(text.strip()[:11]):
        return None
    else:
        # TGI keeps the pieces back until the function's name is known
        found = CutCall(text)
    early = finish == "length" and 0 < tokens < asked and not found.problem
    problem = f"finish_reason is length after {tokens} of {asked} tokens"
    return CutCall(found.text, problem) if early else found


def judge_cut_call(answer: Answer, cut: CutCall, asked: int) -> Outcome:
    """Warn for a valid beginning: a small model may need more tokens than there are."""
    if cut.problem:
        return outcome(answer, [f"the call was cut: {cut.problem}"], "", "", CUT_REMEDY)
    problem = f"{asked} tokens did not suffice for a call: {len(cut.text)} characters fit so far"
    return replace(outcome(answer, [problem], "", "", CUT_REMEDY), soft=True)


def _judge(text: str, schema: Mapping[str, Any]) -> CutCall:
    if judge_beginning(text, schema) == WRONG:
        return CutCall(text, f"its beginning cannot become one that fits: {trim(text, 60)}")
    endless = bool(text) and is_endless_space(text)
    return CutCall(text, f"{len(text)} characters end in endless white space" if endless else "")


def _judge_calls(calls: Sequence[Call], tools: Sequence[Any]) -> CutCall:
    schemas = dict(map(_named, tools))
    for call in calls:
        name = call.name
        if not isinstance(name, str) or name not in schemas or not isinstance(call.arguments, str):
            return CutCall("", f"{trim(name, 40)} is none of {', '.join(schemas)}")
        found = _judge(call.arguments, schemas[name])
        if found.problem:
            break
    return found


def _is_whole(calls: Sequence[Call]) -> bool:
    return bool(calls) and all(judge_beginning(str(c.arguments), {}) == WHOLE for c in calls)


def _named(tool: Any) -> tuple[str, Mapping[str, Any]]:
    return dig(tool, "function", "name"), dig(tool, "function", "parameters")


def _tgi_schema(tools: Sequence[Any]) -> dict[str, Any]:
    """Return the schema by which TGI generates a call: the name is one of the arguments."""
    calls = []
    for name, schema in map(_named, tools):
        properties = {"_name": {"const": name}, **schema["properties"]}
        required = ["_name", *schema["required"]]
        calls.append({**schema, "properties": properties, "required": required})
    return {"type": "object", "properties": {"function": {"anyOf": calls}},
            "required": ["function"], "additionalProperties": False}  # fmt: skip


def _text_schema(tools: Sequence[Any]) -> dict[str, Any]:
    """Return what models write as text before an engine makes a call of it."""
    names = [name for name, _ in map(_named, tools)]
    return {"type": "object", "properties": {"name": {"enum": names}}, "required": ["name"]}


def _unquote(text: str) -> str:
    """Return what Rust quoted for debugging."""

    def plain(found: re.Match[str]) -> str:
        if found.group(2):
            return chr(min(int(found.group(2), 16), 0x10FFFF))
        return _PLAIN.get(found.group(1), found.group(1))

    return _RUST_ESCAPE.sub(plain, text[1:].removesuffix('"'))
