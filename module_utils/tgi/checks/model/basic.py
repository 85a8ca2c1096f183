"""Check a model's text, in both views."""

from __future__ import annotations

from dataclasses import replace

from ...client.answer import Answer
from ...client.http_problem import dig, http_problem
from ...common.text import trim
from ..judges import chat, native
from ..judges import questions as canary
from ..judges.http_answer import SEE_OTHERS
from ..judges.identity import judge_info
from ..results import Outcome
from ..session import LONG_TOKENS, Session


async def model_info(session: Session) -> Outcome:
    return judge_info(await session.info(), session.model)


async def generate_basic(session: Session) -> Outcome:
    return native.judge_generate(await session.generate(), headers=not session.prefix)


async def generate_stream(session: Session) -> Outcome:
    return native.judge_generate_stream(await session.generate_stream())


async def chat_basic(session: Session) -> Outcome:
    found = chat.judge_chat(await session.chat(), canary.MAX_TOKENS)
    return await with_remedy(session, found)


async def with_remedy(session: Session, found: Outcome) -> Outcome:
    """Return an outcome with the exact remedy if the model has no chat template."""
    if found.remedy != chat.TEMPLATE_REMEDY or "info" not in session.profile.abilities:
        return found
    return replace(found, remedy=chat.template_remedy(await session.info(), session.model))


async def chat_stream(session: Session) -> Outcome:
    answer = await session.chat_stream()
    return chat.judge_chat_stream(answer, LONG_TOKENS, session.profile.done)


async def chat_canary(session: Session) -> Outcome:
    """Ask one question after the other until enough are answered, or too few can be.

    The token limit cuts a reasoning model before its answer. So the first cut answer is asked for
    again with more tokens; if that helps, the other questions get them too.
    """
    questions, needed, most = canary.QUESTIONS, session.canary_passes, canary.MAX_TOKENS
    answer, texts, passed, ms, attempts = await session.chat(), list[str](), 0, 0, 1
    for number, question in enumerate(questions):
        if number:
            hopeless = passed + len(questions) - number < needed or http_problem(answer)
            if passed >= needed or hopeless:
                break
            answer = await session.ask(canary.ask(question), most)
            ms += answer.ms
        if attempts == 1 and _cut(answer) and not question.answered_by(chat.chat_text(answer)):
            attempts, longer = 2, await session.ask(canary.ask(question), canary.THOUGHT_TOKENS)
            ms += longer.ms
            if question.answered_by(chat.chat_text(longer)):
                answer, most = longer, canary.THOUGHT_TOKENS
        texts.append(chat.chat_text(answer))
        passed += question.answered_by(texts[number])
    said = f"{passed} of {len(texts)} answers are correct"
    heard = "; ".join(f"{q.text} {trim(t, 60)!r}" for q, t in zip(questions, texts))
    if passed >= needed:
        return Outcome("", said, trim(heard, 300), "", ms or answer.ms, attempts)
    problem, broken = f"{said}, {needed} needed", http_problem(answer)
    problem += f" ({broken})" if broken else ""
    remedy = SEE_OTHERS if broken else ""
    return Outcome(problem, problem, trim(heard, 500), remedy, ms or answer.ms, attempts)


def _cut(answer: Answer) -> bool:
    return bool(dig(answer.json(), "choices", 0, "finish_reason") == "length")
