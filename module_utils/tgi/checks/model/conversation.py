"""Check chats beyond the first answer: length, system message, characters, repetition."""

from __future__ import annotations

from dataclasses import replace

from ...client.answer import Answer
from ...client.http_problem import dig, http_problem
from ...common.text import trim
from ..judges import questions, utf8
from ..judges.chat import TEMPLATE_REMEDY, chat_text, request_body
from ..judges.http_answer import SEE_OTHERS, outcome
from ..results import MAJOR, MINOR, Outcome
from ..selection import CheckSpec
from ..session import LONG_QUESTION, Session, user
from .basic import with_remedy
from .degenerate import LONG_TOKENS, judge_degenerate, judge_logprobs

#: Further streams after one that lost characters. All must be whole.
MORE_LETTERS = 2
_SYSTEM = "You are a librarian and answer in one short sentence."
_SYSTEM_REMEDY = (
    "The chat template ignores or refuses system messages: use a template that supports them "
    "(tokenizer_config_path), or put their text into the first user message"
)


async def long_answer(session: Session) -> Answer:
    """Return a greedy answer to an open question, long enough to count its tokens."""
    more = {"logprobs": True} if "logprobs" in session.model.profile.abilities else {}
    question = questions.ask(questions.Question(LONG_QUESTION, ""))
    return await session.memo.once(
        "long", lambda: session.converse([user(question)], LONG_TOKENS, **more)
    )


async def one_token(session: Session) -> Answer:
    """Return an answer of one token, to compare lengths of prompts and to check the limit."""
    question = questions.ask(questions.Question(questions.PLAIN, ""), session.word)
    return await session.memo.once("one", lambda: session.converse([user(question)], 1))


async def chat_degenerate(session: Session) -> Outcome:
    return judge_degenerate(await long_answer(session))


async def chat_logprobs(session: Session) -> Outcome:
    return judge_logprobs(await long_answer(session))


async def chat_length(session: Session) -> Outcome:
    return judge_length(await one_token(session))


def judge_length(answer: Answer) -> Outcome:
    """Check that max_tokens 1 returns one token and the finish_reason length."""
    if problem := http_problem(answer):
        return outcome(answer, [problem], "")
    reason = dig(answer.json(), "choices", 0, "finish_reason")
    count = dig(answer.json(), "usage", "completion_tokens")
    problems = []
    if count != 1:
        problems.append(f"{trim(count, 20)} tokens came, 1 was requested")
    if reason != "length":
        problems.append(f"finish_reason at the limit is {trim(reason, 40)}, not length")
    return outcome(answer, problems, "1 token, finish_reason length")


async def chat_system(session: Session) -> Outcome:
    question = user(questions.ask(questions.Question(questions.PLAIN, ""), session.word))
    messages = [{"role": "system", "content": _SYSTEM}, question]
    return judge_system(await one_token(session), await session.converse(messages, 1))


def judge_system(without: Answer, instructed: Answer) -> Outcome:
    """Check that a system message changes the length of the prompt.

    The prompt may become shorter: many templates have a system message of their own.
    """
    if http_problem(without):
        problem = f"nothing to compare with: {http_problem(without)}"
        return outcome(without, [problem], "", "", SEE_OTHERS)
    if problem := http_problem(instructed):
        return outcome(instructed, [problem], "")
    counts = [dig(one.json(), "usage", "prompt_tokens") for one in (without, instructed)]
    if any(type(count) is not int for count in counts):
        return outcome(instructed, ["usage has no prompt_tokens"], "")
    if counts[0] == counts[1]:
        problem = f"the prompt has {counts[0]} tokens with a system message and without"
        return outcome(instructed, [problem], "")
    return outcome(instructed, [], f"{counts[0]} tokens become {counts[1]}")


async def chat_template(session: Session) -> Outcome:
    """Check the chat template: in the prompt that TGI shows, elsewhere by the first answer."""
    if "native" not in session.model.profile.abilities:
        return judge_template(await session.chat())
    body = request_body(session.served, questions.ask(questions.QUESTIONS[0], session.word), 1)
    shown = await session.client.send("POST", f"{session.prefix}/chat_tokenize", body)
    if shown.status in (404, 405):
        return judge_template(await session.chat())
    return await with_remedy(session, judge_template(shown, session.word))


def judge_template(answer: Answer, word: str = "") -> Outcome:
    """Check that a template was applied, and that it kept ``word`` of the user's message."""
    if problem := http_problem(answer):
        if "template" in problem.lower():
            problem = f"no usable chat template: {problem}"
            return outcome(answer, [problem], "", "", TEMPLATE_REMEDY)
        return outcome(answer, [problem], "", "", SEE_OTHERS)
    if not word:
        return outcome(answer, [], "the engine applied a template")
    text = dig(answer.json(), "templated_text")
    if not isinstance(text, str):
        return outcome(answer, ["the answer shows no templated_text"], "")
    if word not in text:
        return outcome(answer, ["the chat template drops the user's message"], "")
    return outcome(answer, [], f"the user's words reach the model in {len(text)} characters")


async def chat_utf8(session: Session) -> Outcome:
    """A small model writes a broken character itself at times; what cuts them does so again."""
    found = await _ask_letters(session)
    if not found.problem.startswith(utf8.LOST):
        return found
    again = [await _ask_letters(session) for _ in range(MORE_LETTERS)]
    worst = next((one for one in again if one.problem and not one.soft), again[-1])
    return replace(worst, attempts=1 + MORE_LETTERS)


async def _ask_letters(session: Session) -> Outcome:
    messages = utf8.letter_messages(questions.nonce())
    return utf8.judge_letters(await session.converse(messages, utf8.LETTER_TOKENS, True))


async def chat_repeat(session: Session) -> Outcome:
    return judge_repeat(await session.chat(), await session.ask_again())


def judge_repeat(first: Answer, again: Answer) -> Outcome:
    """Check that greedy text is the same twice. Batching may change it, so this only warns."""
    for answer in (first, again):
        if problem := http_problem(answer):
            return outcome(answer, [f"nothing to compare: {problem}"], "", "", SEE_OTHERS)
    texts = [chat_text(answer) for answer in (first, again)]
    if not all(texts):
        return outcome(again, ["nothing to compare: an answer is empty"], "", "", SEE_OTHERS)
    if texts[0] != texts[1]:
        evidence = " / ".join(trim(repr(text), 120) for text in texts)
        return outcome(again, ["the same greedy request got two different texts"], "", evidence)
    return outcome(again, [], f"twice: {trim(texts[0], 60)}")


SPECS: tuple[CheckSpec, ...] = (
    CheckSpec(
        "chat.template", "chat", "a chat template that keeps the user's message",
        "The chat template does not fit the model: set the model's own by tokenizer_config_path",
        chat_template, needs=("chat",),
    ),
    CheckSpec(
        "chat.degenerate", "chat", f"{LONG_TOKENS} greedy tokens of text, no loop, no white space",
        "The model answers but makes no sense: check chat template, tokenizer revision, "
        "quantisation and weights; compare model_id and revision with the download",
        chat_degenerate, needs=("chat",),
    ),
    CheckSpec(
        "chat.logprobs", "chat", "finite logprobs, better than chance",
        "The engine returns no logprobs: compare its version with the pinned one",
        chat_logprobs, severity=MAJOR, needs=("chat", "logprobs"), grounds=("long answer",),
    ),
    CheckSpec(
        "chat.utf8", "chat", "characters of several bytes arrive whole in a stream",
        "The engine or a proxy cuts characters in two: compare the tokenizer's revision with the "
        "model's, and look for a proxy that changes the encoding",
        chat_utf8, severity=MAJOR, needs=("chat",), grounds=("stream",),
    ),
    CheckSpec(
        "chat.length", "chat", "max_tokens 1: one token, finish_reason length",
        "Clients cannot tell a cut answer from a whole one: compare the engine's version with "
        "the pinned one",
        chat_length, severity=MINOR, needs=("chat",),
    ),
    CheckSpec(
        "chat.system", "chat", "a system message changes the prompt", _SYSTEM_REMEDY,
        chat_system, severity=MINOR, needs=("chat",),
    ),
    CheckSpec(
        "chat.repeat", "chat", "a greedy request gets the same text twice",
        "Batches may change a greedy text a little; for an entirely different text, look for two "
        "engines on one port (docker ps, ss -ltnp)",
        chat_repeat, severity=MINOR, needs=("chat",),
    ),
)  # fmt: skip
