"""Checks of a model's text, the same in both views."""

from __future__ import annotations

from dataclasses import replace

from ..answer import Answer
from . import canary, chat, native
from .bursts import MIN_CHUNKS, MIN_GAP, burst_ratio
from .identity import judge_info
from .judge import SEE_OTHERS, http_problem, outcome
from .report import Outcome, trim
from .session import Session


async def model_info(session: Session) -> Outcome:
    return judge_info(await session.info(), session.model)


async def generate_basic(session: Session) -> Outcome:
    return native.judge_generate(await session.generate(), headers=not session.prefix)


async def generate_stream(session: Session) -> Outcome:
    return native.judge_generate_stream(await session.generate_stream())


async def chat_basic(session: Session) -> Outcome:
    return chat.judge_chat(await session.chat(), canary.MAX_TOKENS)


async def chat_stream(session: Session) -> Outcome:
    return chat.judge_chat_stream(await session.chat_stream(), session.stream_tokens)


async def chat_canary(session: Session) -> Outcome:
    """D3: asks one question after the other until enough are answered, or too few can be."""
    questions, needed = list(canary.QUESTIONS), session.canary_passes
    answer = await session.chat()
    texts = [chat.chat_text(answer)]
    if not session.long_stream:
        texts.append(chat.read_stream(await session.chat_stream()).text)
    passed, ms = 0, 0
    for number, question in enumerate(questions):
        if number >= len(texts):
            hopeless = passed + len(questions) - number < needed or http_problem(answer)
            if passed >= needed or hopeless:
                break
            answer = await session.ask(canary.ask(question))
            ms += answer.ms
            texts.append(chat.chat_text(answer))
        passed += question.answered_by(texts[number])
    said = f"{passed} of {len(texts)} known answers right"
    heard = "; ".join(f"{q.text} {trim(t, 60)!r}" for q, t in zip(questions, texts))
    if passed >= needed:
        return Outcome("", said, trim(heard, 300), ms=ms or answer.ms)
    problem, broken = f"{said}, {needed} needed", http_problem(answer)
    problem += f" ({broken})" if broken else ""
    remedy = SEE_OTHERS if broken else ""
    return Outcome(problem, problem, trim(heard, 500), remedy, ms or answer.ms)


async def stream_unbuffered(session: Session) -> Outcome:
    """K1: events reach the client one by one. Asked once more before it is called buffered."""
    answer = await session.chat_stream()
    found = judge_bursts(answer)
    if not found.problem or found.soft or http_problem(answer):
        return found
    pace = native.token_ms(await session.generate())
    if pace is not None and pace < 2 * MIN_GAP * 1000:
        problem = f"the engine takes {pace:.1f} ms a token, too fast to tell buffering by"
        return Outcome(problem, problem, found.observed, ms=answer.ms, soft=True)
    return replace(judge_bursts(await session.ask_stream()), attempts=2)


def judge_bursts(answer: Answer) -> Outcome:
    """Judge the times of a stream's chunks."""
    times = chat.read_stream(answer).times
    if problem := http_problem(answer):
        return outcome(answer, [f"no whole stream to judge: {problem}"], "", "", SEE_OTHERS)
    if len(times) < MIN_CHUNKS:
        problem = f"only {len(times)} chunks came, {MIN_CHUNKS} are needed to judge"
        return Outcome(problem, problem, ms=answer.ms, soft=bool(times))
    ratio = burst_ratio(times)
    seen = f"{round(ratio * len(times))} bursts for {len(times)} chunks"
    seen += f", first after {times[0] * 1000:.0f} ms of {answer.ms}"
    if ratio >= 0.5:
        return Outcome("", seen, ms=answer.ms)
    return Outcome(f"buffered: {seen}", f"buffered: {seen}", ms=answer.ms)
