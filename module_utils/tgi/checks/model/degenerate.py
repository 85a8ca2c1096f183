"""Check that a long greedy answer is text: tokens, runs, phrases, characters, logprobs.

Measured on 32 answers of 48 greedy tokens of SmolLM2-135M, the smallest model that talks: one token
makes at most 15 % and never comes three times in a row, 95 % of the four-token phrases are
new, the mean logprob is -0.5 to -0.9. A model of random weights repeats one token, at -6.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import dig, http_problem
from ...common.text import trim
from ..judges import dialect, native
from ..judges.chat import message_text
from ..judges.http_answer import outcome
from ..judges.questions import nonce
from ..results import Outcome
from ..selection import BASE, CheckSpec
from ..session import Session

#: Tokens to ask for, and the fewest for which shares mean something.
LONG_TOKENS = 48
FEWEST = 32
#: Tokens whose logprobs are averaged, and the lowest mean of real text.
SCORED = 16
LEAST_LOGPROB = -4.0
_WORD = re.compile(r"\s?\S+|\s")
_LOOP = "degenerate: one phrase repeats"
#: A base model continues a story, but would continue a question with more questions.
_OPENING = "The sea was calm, and the lighthouse keeper"
_LOST_REMEDY = (
    "The model finds its own words unlikely (weights, tokenizer and dtype do not fit): compare "
    "model_id and revision with the download"
)


def long_text(answer: Answer) -> str:
    """Return the text with its white space, else the reasoning."""
    text = dialect.read(answer).text
    return text or message_text(dig(answer.json(), "choices", 0, "message"))


def _entries(answer: Answer) -> list[Any]:
    entries = dig(answer.json(), "choices", 0, "logprobs", "content")
    return entries if isinstance(entries, list) else []


def _tokens(answer: Answer, text: str) -> list[str]:
    """Return the engine's tokens if the answer has them, else words."""
    details = dig(answer.json(), "details", "tokens")
    tokens = [dig(entry, "token") for entry in _entries(answer)]
    tokens += [dig(one, "text") for one in (details if isinstance(details, list) else [])]
    if tokens and all(isinstance(token, str) for token in tokens):
        return tokens
    return _WORD.findall(text)


def character_problems(text: str) -> list[str]:
    """Return problems: endless white space, unprintable characters, lost characters."""
    count = len(text)
    problems = []
    if sum(one.isspace() for one in text) > 0.9 * count:
        problems.append("degenerate: white space instead of text")
    elif sum(one.isprintable() or one.isspace() for one in text) < 0.9 * count:
        problems.append("degenerate: unprintable characters")
    # One at the very end is a character that the limit of tokens cut
    if (lost := text[:-1].count("\ufffd")) > 0.01 * count:
        problems.append(f"degenerate: {lost} of {count} characters are U+FFFD, lost in decoding")
    return problems


def repetition_problems(tokens: Sequence[str], text: str) -> list[str]:
    """Return problems: one token or one phrase repeats."""
    problems = []
    run, repeated = max(((len(list(same)), one) for one, same in groupby(tokens)), default=(0, ""))
    if run >= 16:
        problems.append(f"degenerate: {trim(repr(repeated), 30)} {run} times in a row")
    if len(tokens) < FEWEST:
        return problems
    most, count = Counter(tokens).most_common(1)[0]
    if not problems and count * 2 >= len(tokens):
        share = f"{count} of {len(tokens)} tokens"
        problems.append(f"degenerate: {trim(repr(most), 30)} makes {share}")
    phrases = [tuple(tokens[at : at + 4]) for at in range(len(tokens) - 3)]
    raw = text.encode("utf-8", "replace")
    packed = len(zlib.compress(raw)) / len(raw) if len(raw) >= 200 else 1.0
    if not problems and (len(set(phrases)) < 0.2 * len(phrases) or packed < 0.2):
        problems.append(f"{_LOOP}, {trim(text, 60)}")
    return problems


def judge_degenerate(answer: Answer, base: bool = False) -> Outcome:
    """Check that an open question gets text, not an endless token, phrase or white space.

    ``base``: a base model continued a text. A healthy one may repeat a phrase, so that only warns.
    """
    if problem := http_problem(answer):
        return outcome(answer, [problem], "")
    text = long_text(answer)
    if not text:
        return outcome(answer, ["the answer holds no text"], "")
    tokens = _tokens(answer, text)
    problems = [*character_problems(text), *repetition_problems(tokens, text)]
    if problems:
        found = outcome(answer, problems, "", trim(text, 200))
        return replace(found, soft=base and problems[0].startswith(_LOOP))
    seen = f"{len(tokens)} tokens: {trim(text, 60)}"
    if len(tokens) < FEWEST:
        problem = f"only {len(tokens)} tokens came, the check needs {FEWEST}"
        return Outcome(problem, problem, trim(text, 200), ms=answer.ms, soft=True)
    return outcome(answer, [], seen)


def judge_logprobs(answer: Answer) -> Outcome:
    """Check that greedy tokens have finite logprobs, better than chance."""
    if problem := http_problem(answer):
        return outcome(answer, [problem], "")
    entries = _entries(answer)
    if not entries:
        return outcome(answer, ["the answer has no logprobs, although requested"], "")
    if bad := native.logprob_problems(entries):
        return outcome(answer, bad, "", trim(long_text(answer), 200), native.NAN_REMEDY)
    scored = [float(entry["logprob"]) for entry in entries[:SCORED]]
    mean = sum(scored) / len(scored)
    seen = f"mean logprob {mean:.2f} over {len(scored)} tokens"
    if mean > LEAST_LOGPROB:
        return outcome(answer, [], seen)
    problem = f"{seen}, above {LEAST_LOGPROB:g} expected"
    return outcome(answer, [problem], "", trim(long_text(answer), 200), _LOST_REMEDY)


async def generate_degenerate(session: Session) -> Outcome:
    """Check the text of a model without a chat template."""
    prompt = f"Request {nonce()}. {_OPENING}"
    return judge_degenerate(await session.plain(prompt, LONG_TOKENS), base=True)


SPECS = (
    CheckSpec(
        "generate.degenerate",
        "generate",
        f"{LONG_TOKENS} greedy tokens of text from a model without a chat template",
        "The model generates but makes no sense: check tokenizer revision, quantisation and "
        "weights; compare model_id and revision with the download",
        generate_degenerate,
        needs=(BASE,),
    ),
)
