"""Check what OpenAI's SDKs, and what is built on them, take for granted.

TGI refuses or breaks each of these by itself; the gateway translates (gateway_openai_dialect).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from ...client.answer import Answer
from ..judges import openai_form as judge
from ..judges import questions
from ..judges.cut_calls import judge_cut_call
from ..judges.guided_output import Form, is_unfinished
from ..judges.tool_calls import function
from ..results import MAJOR, Outcome
from ..selection import CheckSpec
from ..session import LONG_QUESTION, Session, user
from .context import find_room
from .guided import PROMPT
from .tools import CALL_TOKENS, WEATHER, AskedCall, ask_call

Run = Callable[[Session], Awaitable[Outcome]]
#: A token of its own in most vocabularies, and in every story.
STOP = "."
STOP_TOKENS = 48
JSON_TOKENS = 64
#: At temperature 0 TGI's streams of calls often look fine.
TEMPERATURES, SEEDS = (0.7, 1.0), (0, 1)
PLACE = function(
    "set_lamp", "Switch a lamp",
    {"place": {"$ref": "#/$defs/Place"}, "on": {"type": ["boolean", "null"]}},
)  # fmt: skip
PLACE["function"]["parameters"]["$defs"] = {"Place": {"type": "string", "enum": ["hall", "attic"]}}


async def schema_answer(session: Session) -> tuple[Answer, Form]:
    """Ask for a form as the SDKs do; once more with more room where the tokens ran out."""
    form = judge.referring_form(questions.nonce())
    named = {"name": "form", "schema": form.schema, "strict": True}
    asked: dict[str, Any] = {"response_format": {"type": "json_schema", "json_schema": named}}
    answer = await session.converse([user(PROMPT)], form.max_tokens, **asked)
    if is_unfinished(answer, form, False):
        room = await find_room(session, answer, form.max_tokens)
        answer = await session.converse([user(PROMPT)], room, **asked)
    return answer, form


async def openai_schema(session: Session) -> Outcome:
    return judge.judge_schema(*await schema_answer(session))


async def openai_json(session: Session) -> Outcome:
    question = user(f"Request {questions.nonce()}. Name a city as a short JSON object.")
    answer = await session.converse(
        [question], JSON_TOKENS, response_format={"type": "json_object"}
    )
    return judge.judge_json_mode(answer)


async def _two_calls(session: Session) -> tuple[AskedCall, AskedCall]:
    """Return two calls of a tool with references; all checks of calls share them."""

    async def work() -> tuple[AskedCall, AskedCall]:
        ask = partial(ask_call, session, session.word, PLACE, "required", False)
        first, second = await asyncio.gather(ask(), ask())
        return first, second

    return await session.memo.once("openai calls", work)


def _cut(*calls: AskedCall) -> Outcome | None:
    found = [judge_cut_call(one.answer, one.cut, one.tokens) for one in calls if one.cut]
    return found[0] if found else None


async def openai_tools(session: Session) -> Outcome:
    first, _ = await _two_calls(session)
    return _cut(first) or judge.judge_tool(first.answer, [PLACE])


async def openai_finish(session: Session) -> Outcome:
    first, _ = await _two_calls(session)
    return _cut(first) or judge.judge_finish(first.answer)


async def openai_ids(session: Session) -> Outcome:
    first, second = await _two_calls(session)
    return _cut(first, second) or judge.judge_ids(first.answer, second.answer)


async def openai_stop(session: Session) -> Outcome:
    question = user(questions.ask(questions.Question(LONG_QUESTION, "")))
    return judge.judge_stop(await session.converse([question], STOP_TOKENS, stop=STOP), STOP)


async def openai_model(session: Session) -> Outcome:
    path = f"/v1/models/{session.served}"
    return judge.judge_model(await session.client.send("GET", path), session.served)


async def openai_streams(session: Session) -> Outcome:
    question = user(questions.ask(questions.Question(questions.PLAIN, ""), session.word))

    async def ask(temperature: float, seed: int) -> Answer:
        more: dict[str, Any] = {"tools": [WEATHER], "tool_choice": "required", "seed": seed}
        return await session.converse(
            [question], CALL_TOKENS, True, temperature=temperature, **more
        )

    asked = (ask(temperature, seed) for temperature in TEMPERATURES for seed in SEEDS)
    return judge.judge_streams(await asyncio.gather(*asked), [WEATHER])


def _spec(name: str, expected: str, run: Run, *needs: str, **more: Any) -> CheckSpec:
    return CheckSpec(
        f"openai.{name}", "openai", expected, judge.REMEDY, run,
        stage=3, severity=MAJOR, needs=("chat", *needs), **more,
    )  # fmt: skip


SPECS: tuple[CheckSpec, ...] = (
    _spec(
        "schema", "structured output as OpenAI's SDKs ask for it, with a reference", openai_schema,
        "guided",
    ),
    _spec("json", "JSON mode gives one JSON object", openai_json, "guided"),
    _spec(
        "tools", "a tool with references and a list of types is called", openai_tools, "tools"
    ),
    _spec("finish", "the finish_reason of a call is tool_calls", openai_finish, "tools"),
    _spec("ids", "answers and calls have ids, each its own", openai_ids, "tools"),
    _spec("stop", "a stop that is a string ends the text and is not in it", openai_stop),
    _spec("model", "GET /v1/models/NAME returns the model", openai_model, generates=False),
    _spec(
        "streams", "streamed calls join to whole ones at several temperatures", openai_streams,
        "tools", grounds=("stream",),
    ),
)  # fmt: skip
