"""Compare digests of a tokenizer and of greedy text with pinned ones.

They find another tokenizer, or other weights, under the same name. The report shows both digests;
pin those of a correct deployment as ``tokenizer`` and ``golden`` of the model.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import dig, http_problem
from ...common.text import trim
from ..judges import dialect
from ..judges.http_answer import outcome
from ..results import MAJOR, MINOR, Outcome
from ..selection import CheckSpec
from ..session import Session

#: Scripts, accents, digits, code, white space, an emoji of several code points.
SAMPLE = "The 12,345 foxes: naïve café, 日本語, Привет, مرحبا!\n\tif (x >= 0x1F) {} 🏳️‍🌈"
#: A sentence that every model continues. No nonce: the answer must be the same each time.
OPENING = "The sea was calm, and the lighthouse keeper"
GOLDEN_TOKENS = 12


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=True).encode()).hexdigest()


def _pinned(answer: Answer, found: str, pinned: str, what: str, option: str, said: str) -> Outcome:
    if not pinned:
        return outcome(answer, [], f"{said}; not pinned ({option}: {found})")
    if found != pinned.lower():
        problem = f"{what} differs from the pinned one"
        return outcome(answer, [problem], "", f"{said}; {option} is {found}, pinned {pinned}")
    return outcome(answer, [], f"{said}, as pinned")


def judge_tokenizer(answer: Answer, sample: str, pinned: str) -> Outcome:
    """Compare the digest of the token ids, in the order of the text, with the pinned one."""
    if problem := http_problem(answer):
        return outcome(answer, [problem], "")
    tokens = answer.json()
    ids = [dig(token, "id") for token in tokens] if isinstance(tokens, list) else []
    if not ids or any(type(one) is not int or one < 0 for one in ids):
        return outcome(answer, ["/tokenize returns no list of token ids"], "")
    if len(ids) > len(sample.encode()) + 4:
        return outcome(answer, [f"{len(ids)} tokens for {len(sample.encode())} bytes"], "")
    said = f"{len(ids)} tokens"
    return _pinned(answer, digest(ids), pinned, "the tokenizer", "tokenizer", said)


async def model_tokenizer(session: Session) -> Outcome:
    answer = await session.client.send("POST", "/tokenize", {"inputs": SAMPLE})
    return judge_tokenizer(answer, SAMPLE, session.model.tokenizer)


async def alone(session: Session) -> Answer:
    """Return the continued opening as a stream; smoke.* share this request, which runs alone.

    A batch of another size may use other kernels, and so produce another text.
    """
    work = partial(session.plain, OPENING, GOLDEN_TOKENS, stream=True)
    return await session.memo.once("alone", work)


def judge_golden(answer: Answer, pinned: str) -> Outcome:
    """Compare the digest of the greedy text with the pinned one."""
    stream = dialect.read_stream(answer)
    problem = stream.problem or ("" if stream.text.strip() else "the text is empty")
    if problem:
        return outcome(answer, [problem], "")
    said = trim(stream.text, 40)
    return _pinned(answer, digest(stream.text), pinned, "the greedy text", "golden", said)


async def model_golden(session: Session) -> Outcome:
    return judge_golden(await alone(session), session.model.golden)


SPECS = (
    CheckSpec(
        "model.tokenizer",
        "identity",
        "a fixed text becomes the pinned token ids",
        "Another tokenizer has the same name: compare model_id and revision with the download; "
        "pin the new digest only after an intended change",
        model_tokenizer,
        severity=MAJOR,
        needs=("tokenize",),
        generates=False,
    ),
    CheckSpec(
        "model.golden",
        "identity",
        "the model continues a fixed opening with the pinned text",
        "Weights, dtype, kernels or quantisation changed since the digest was pinned: pin golden "
        "anew after an intended change",
        model_golden,
        stage=3,
        grounds=("stream",),
        severity=MINOR,
    ),
)
