"""Check TGI's own routes beyond an answer: refusals, stop sequences, the old route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import dig, http_problem
from ...common.text import trim
from ..judges import native
from ..judges.http_answer import excerpt, outcome
from ..judges.questions import nonce
from ..results import Outcome
from ..session import Session

#: Some token soon ends with it, whatever the text is.
STOP = "e"
STOP_TOKENS = 16
#: Requests that TGI must refuse; at most one token is generated if it does not.
REFUSED: Mapping[str, dict[str, Any]] = {
    "an empty prompt": {"inputs": "", "parameters": {"max_new_tokens": 1}},
    "max_new_tokens 0": {"inputs": "One word.", "parameters": {"max_new_tokens": 0}},
}


async def generate_reject(session: Session) -> Outcome:
    path = f"{session.prefix}/generate"
    answers = {name: await session.client.send("POST", path, REFUSED[name]) for name in REFUSED}
    return judge_reject(answers)


def judge_reject(answers: Mapping[str, Answer]) -> Outcome:
    """Check that each bad request gets 422 with error_type validation."""
    problems, worst = [], next(iter(answers.values()))
    for name, answer in answers.items():
        kind = dig(answer.json(), "error_type")
        if problem := http_problem(answer, 422):
            worst = answer
            problems.append(f"{name}: {problem}, 422 expected")
        elif kind != "validation":
            worst = answer
            problems.append(f"{name}: error_type is {trim(kind, 40)}, not validation")
    return outcome(worst, problems, f"{len(answers)} bad requests refused", excerpt(worst))


async def generate_stop(session: Session) -> Outcome:
    body = native.request_body()
    body["parameters"].update(max_new_tokens=STOP_TOKENS, stop=[STOP])
    return judge_stop(await session.post(f"{session.prefix}/generate", body, native.token_count))


def judge_stop(answer: Answer) -> Outcome:
    """Check that the text ends at the first token that completes the stop sequence.

    It goes by tokens, not by text, because TGI compares after each token.
    """
    if problem := http_problem(answer):
        return outcome(answer, [problem], "")
    details = dig(answer.json(), "details")
    tokens, reason = dig(details, "tokens"), dig(details, "finish_reason")
    if not isinstance(tokens, list) or not tokens:
        return outcome(answer, ["the answer holds no tokens"], "")
    texts = [str(dig(token, "text")) for token in tokens if not dig(token, "special")]
    at = next((n for n, text in enumerate(texts, 1) if text.endswith(STOP)), 0)
    if not at and reason != "stop_sequence":
        problem = f"the stop sequence did not come in {len(texts)} tokens: nothing to check"
        return Outcome(problem, problem, ms=answer.ms, soft=True)
    problems = []
    if not at:
        problems.append("ended for a stop sequence that did not come")
    elif at != len(texts):
        problems.append(f"{len(texts) - at} tokens came after the stop sequence")
    elif reason != "stop_sequence":
        problems.append(f"finish_reason is {trim(reason, 40)}, not stop_sequence")
    seen = trim("".join(texts), 60)
    return outcome(answer, problems, f"ended with {seen!r}", f"{len(texts)} tokens: {seen}")


async def generate_compat(session: Session) -> Outcome:
    body = {
        "inputs": f"Request {nonce()}. Question: Name the capital of France. Answer:",
        "parameters": {"max_new_tokens": 2, "do_sample": False},
    }
    asked = str(body["inputs"])
    return judge_compat(await session.post(f"{session.prefix}/", body, _told), asked)


def _told(answer: Answer) -> int:
    count = answer.headers.get("x-generated-tokens", "")
    return int(count) if count.isdecimal() else 0


def judge_compat(answer: Answer, asked: str) -> Outcome:
    """Check that POST / returns a list of one generated_text, as older clients expect.

    TGI puts the prompt (``asked``) before the text if it does not know the model's kind.
    """
    if problem := http_problem(answer):
        return outcome(answer, [problem], "")
    reply = answer.json()
    text = dig(reply, 0, "generated_text")
    if not isinstance(reply, list) or len(reply) != 1 or not isinstance(text, str):
        return outcome(answer, ["the answer is not a list of one generated_text"], "")
    said = text[len(asked) :] if text.startswith(asked) else text
    problems = [] if said.strip() else ["the generated text is empty"]
    return outcome(answer, problems, trim(said, 60))
