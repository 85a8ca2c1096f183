"""Check that a stream does not cut characters of several bytes."""

from __future__ import annotations

from typing import Any

from ...client.answer import Answer
from ...client.http_problem import dig, http_problem
from ...common.text import trim
from ..results import Outcome
from .chat import read_stream
from .http_answer import cut_short, outcome, stream_problems
from .wrong_form import CUT_STREAM, CUT_STREAM_REMEDY

#: Characters of two, three and four bytes.
LETTERS = "\u00e9 \u65e5\u672c \U0001f6a2"
#: Enough even if every byte is a token.
LETTER_TOKENS = 32
#: What the problem of such a stream begins with.
LOST = "characters were lost"


def letter_messages(word: str) -> list[dict[str, Any]]:
    """Return a conversation that holds the letters once, so that a small model repeats them."""
    again = f"Say: {LETTERS}"
    return [
        {"role": "user", "content": f"Request {word}. {again}"},
        {"role": "assistant", "content": LETTERS},
        {"role": "user", "content": again},
    ]


def _broken(text: str) -> bool:
    return any(one == "\ufffd" or "\ud800" <= one <= "\udfff" for one in text)


def judge_letters(answer: Answer) -> Outcome:
    """Check that a stream lost no character and ended.

    The words are the model's choice. A stream with ASCII only proves nothing, so it warns.
    ``chat.stream`` checks the form of the stream.
    """
    if problem := http_problem(answer):
        return outcome(answer, [problem], "")
    stream = read_stream(answer)
    problems = stream_problems(answer, stream.items)
    if not stream.finishes and "[DONE]" not in stream.items:
        problems.append(cut_short(answer, len(stream.items), "an ending"))
    ends = [dig(stream.items[at], "choices", 0, "finish_reason") for at in stream.finishes]
    # Only the limit of tokens may cut the last character
    if _broken(stream.text[:-1] if "length" in ends else stream.text):
        problems.insert(0, f"{LOST}: {trim(ascii(stream.text), 80)}")
    if not problems and not stream.text.strip():
        problems.append("the streamed text is empty")
    if not problems and stream.text.isascii():
        problem = f"only ASCII came, nothing to check: {trim(stream.text, 60)}"
        return Outcome(problem, problem, ms=answer.ms, attempts=answer.attempts, soft=True)
    cut = problems and CUT_STREAM.match(problems[0])
    remedy = CUT_STREAM_REMEDY if cut else ""
    return outcome(answer, problems, trim(stream.text, 70), trim(answer.text[-300:], 300), remedy)
