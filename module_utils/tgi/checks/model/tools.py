"""Check function calling: the call is present, parses, and fits the tool's schema."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import dig, http_problem
from ...common.text import trim
from ..judges import questions
from ..judges.chat import chat_text
from ..judges.cut_calls import CutCall, find_cut_call, judge_cut_call
from ..judges.http_answer import SEE_OTHERS, outcome
from ..judges.tool_calls import function, judge_call_stream, judge_calls, judge_named, read_calls
from ..results import MAJOR, MINOR, Outcome
from ..selection import CheckSpec
from ..session import Session, user
from .context import find_room
from .conversation import one_token

Tool = dict[str, Any]
#: A call of the tools below takes about 30 tokens; a small model may need more for white space.
CALL_TOKENS = 96
ANSWER_TOKENS = 32
WEATHER = function(
    "get_weather",
    "Weather of a city",
    {
        "city": {"type": "string"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
)
LAMP = function("set_lamp", "Switch a lamp", {"state": {"type": "string", "enum": ["on", "off"]}})
ORDER = function("find_order", "Number of the order", {})


@dataclass(frozen=True)
class AskedCall:
    """The answer to a request that forces a call; ``cut``: ``tokens`` did not suffice for it."""

    answer: Answer
    tokens: int
    cut: CutCall | None


async def ask_call(session: Session, word: str, tool: Tool, choice: Any, stream: bool) -> AskedCall:
    """Force a call; ask once more with more room if the tokens ran out in a good beginning."""
    question = user(questions.ask(questions.Question(questions.PLAIN, ""), word))

    async def ask(tokens: int) -> AskedCall:
        more = {"tools": [tool], "tool_choice": choice}
        answer = await session.converse([question], tokens, stream, **more)
        return AskedCall(answer, tokens, find_cut_call(answer, [tool], tokens))

    asked = await ask(CALL_TOKENS)
    if asked.cut is None or asked.cut.problem:
        return asked
    room = await find_room(session, asked.answer, CALL_TOKENS)
    again = await ask(room) if room > CALL_TOKENS else asked
    if again.cut is None and http_problem(again.answer):
        return asked
    again.answer.attempts += again is not asked
    return again


async def forced_call(session: Session) -> AskedCall:
    """Return a call that tool_choice requires, whole."""
    work = partial(ask_call, session, session.word, WEATHER, "required", False)
    return await session.memo.once("forced_call", work)


async def named_call(session: Session) -> AskedCall:
    """Return a streamed call of the tool that tool_choice names; the question asks for another."""
    choice = {"type": "function", "function": {"name": "set_lamp"}}
    work = partial(ask_call, session, questions.nonce(), LAMP, choice, True)
    return await session.memo.once("named_call", work)


def _judge(asked: AskedCall, judge: Callable[..., Outcome], *more: Any) -> Outcome:
    if asked.cut:
        return judge_cut_call(asked.answer, asked.cut, asked.tokens)
    return judge(asked.answer, *more)


async def tools_forced(session: Session) -> Outcome:
    return _judge(await forced_call(session), judge_calls, [WEATHER])


async def tools_named(session: Session) -> Outcome:
    return _judge(await named_call(session), judge_named, [LAMP])


async def tools_stream(session: Session) -> Outcome:
    profile = session.model.profile
    asked = await named_call(session)
    return _judge(asked, judge_call_stream, [LAMP], profile.done, profile.call_finish)


async def tools_prompt(session: Session) -> Outcome:
    asked = await forced_call(session)
    found = judge_prompt(await one_token(session), asked.answer)
    # TGI does not count the prompt of a call that it could not finish
    uncounted = asked.cut is not None and not asked.cut.problem and http_problem(asked.answer)
    return replace(found, soft=bool(uncounted))


def judge_prompt(without: Answer, equipped: Answer) -> Outcome:
    """Check that tools make the prompt of the same question longer."""
    for answer in (without, equipped):
        if problem := http_problem(answer):
            return outcome(answer, [f"nothing to compare: {problem}"], "", "", SEE_OTHERS)
    counts = [dig(one.json(), "usage", "prompt_tokens") for one in (without, equipped)]
    if any(type(count) is not int for count in counts):
        return outcome(equipped, ["usage has no prompt_tokens"], "")
    problems = []
    if counts[1] <= counts[0]:
        problems.append(f"the prompt has {counts[1]} tokens with tools, {counts[0]} without")
    return outcome(equipped, problems, f"{counts[0]} tokens become {counts[1]}")


async def tools_irrelevant(session: Session) -> Outcome:
    question = user(f"Request {questions.nonce()}. Say hello.")
    return judge_irrelevant(
        await session.converse([question], CALL_TOKENS, tools=[WEATHER], tool_choice="auto")
    )


def judge_irrelevant(answer: Answer) -> Outcome:
    """Check that a greeting gets an answer, not a call."""
    if problem := http_problem(answer):
        return outcome(answer, [problem], "")
    message = dig(answer.json(), "choices", 0, "message")
    if calls := read_calls(message):
        problem = f"the model called {trim(calls[0].name, 40)} for a greeting"
        return outcome(answer, [problem], "", trim(calls[0].arguments, 120))
    text = chat_text(answer)
    return outcome(answer, [] if text else ["the message is empty"], trim(text, 70))


def roundtrip_messages(number: str) -> list[dict[str, Any]]:
    """Return a call with its result. Some templates require call ids of nine letters and digits."""
    call = {
        "id": "call12345",
        "type": "function",
        "function": {"name": "find_order", "arguments": "{}"},
    }
    said = f"Your order number is {number}."
    return [
        user(f"Request {questions.nonce()}. What is my order number?"),
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call12345", "content": said},
    ]


async def tools_roundtrip(session: Session) -> Outcome:
    number = str(1000 + secrets.randbelow(9000))
    answer = await session.converse(
        roundtrip_messages(number), ANSWER_TOKENS, tools=[ORDER], tool_choice="none"
    )
    return judge_roundtrip(answer, number)


def judge_roundtrip(answer: Answer, number: str) -> Outcome:
    """Check that the answer holds what the tool returned.

    No answer at all fails, for that is the engine. Other words only warn: the model chose them.
    """
    if problem := http_problem(answer):
        return outcome(answer, [problem], "")
    text = chat_text(answer)
    if not text:
        return outcome(answer, ["the model gave no answer to a tool's result"], "")
    if number in re.sub(r"(?<=\d)[ ,.\u202f\u00a0'](?=\d{3})", "", text):
        return outcome(answer, [], trim(text, 70))
    problem = f"the answer does not hold the tool's result ({number}): {trim(text, 60)}"
    return Outcome(problem, problem, ms=answer.ms, attempts=answer.attempts, soft=True)


async def tools_grammar_clash(session: Session) -> Outcome:
    schema = {"properties": {"word": {"type": "string"}}}
    body = {
        "model": session.served,
        "messages": [user("One word.")],
        "max_tokens": 1,
        "tools": [LAMP],
        "response_format": {"type": "json", "value": schema},
    }
    return judge_clash(await session.client.send("POST", "/v1/chat/completions", body))


def judge_clash(answer: Answer) -> Outcome:
    """Check that TGI refuses tools together with guided output, and says why."""
    problem = http_problem(answer, 422)
    if not problem and "mutually exclusive" not in str(dig(answer.json(), "error")):
        problem = f"{http_problem(answer)}, expected: tools and guided output exclude each other"
    return outcome(answer, [problem] if problem else [], "422, mutually exclusive")


_PARSER = (
    "The parser or the chat template does not fit the model: fix them, or add a model without "
    "tools to checks_without_tools"
)
SPECS: tuple[CheckSpec, ...] = (
    CheckSpec(
        "tools.prompt", "tools", "tools make the prompt longer",
        "The chat template drops the tools, so the model never sees them: use a template with "
        "tools (tokenizer_config_path), or add the model to checks_without_tools",
        tools_prompt, severity=MAJOR, needs=("tools",),
    ),
    CheckSpec(
        "tools.forced", "tools", "a required call that parses and fits the schema", _PARSER,
        tools_forced, needs=("tools",),
    ),
    CheckSpec(
        "tools.named", "tools", "a call of the named tool", _PARSER,
        tools_named, severity=MAJOR, needs=("tools",), grounds=("stream",),
    ),
    CheckSpec(
        "tools.stream", "tools", "a streamed call joins to one that parses, clean end of stream",
        _PARSER, tools_stream, severity=MAJOR, needs=("tools",), grounds=("stream",),
    ),
    CheckSpec(
        "tools.roundtrip", "tools", "the answer holds the tool's result",
        "The template does not support the role tool, or the model is too small for tools: use a "
        "template with tools (tokenizer_config_path)",
        tools_roundtrip, severity=MAJOR, needs=("tools",),
    ),
    # It is about the model more than about its deployment, and costs two generations
    CheckSpec(
        "tools.irrelevant", "tools", "a greeting calls no tool",
        "The model calls tools without need: send tools only with questions that may need them",
        tools_irrelevant, severity=MINOR, needs=("tools",), opt_in=True,
    ),
    CheckSpec(
        "tools.grammar_clash", "tools", "422 for tools together with guided output",
        "The engine ignores one of the two silently: compare its version with the pinned one",
        tools_grammar_clash, severity=MINOR, needs=("tools", "exclusive"),
    ),
)  # fmt: skip
