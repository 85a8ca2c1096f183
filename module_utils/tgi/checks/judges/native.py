"""Judge answers of TGI's native routes: /generate and /generate_stream."""

from __future__ import annotations

import math
import re
import sys
from typing import Any

from ...client.answer import Answer
from ...client.http_problem import dig, http_problem, load
from ...client.sse import parse
from ...common.text import trim
from ..results import Outcome
from .http_answer import cut_short, outcome, stream_problems
from .questions import nonce

#: Few tokens: this proves that generation works, not how well.
NEW_TOKENS = 8
_COUNT = re.compile(r"[0-9]{1,15}\Z")
FINISH = ("length", "eos_token", "stop_sequence")
EMPTY_REMEDY = (
    "The model stops before the first word (end-of-text token, tokenizer or weights are wrong): "
    "compare model_id and revision with the download"
)
NAN_REMEDY = (
    "The model computes NaN: try another dtype (bfloat16) or other kernels, or download the "
    "weights again and compare their checksum"
)


def request_body() -> dict[str, Any]:
    """Return a greedy request of a few tokens, with details; its nonce defeats caches."""
    return {
        "inputs": f"Request {nonce()}. Question: Name the capital of France. Answer:",
        "parameters": {"max_new_tokens": NEW_TOKENS, "do_sample": False, "details": True},
    }


def logprob_problems(tokens: list[Any]) -> list[str]:
    """Return what is wrong with the first bad ``logprob`` of a list of tokens."""
    for token in tokens:
        value = dig(token, "logprob")
        # Rust writes NaN as null
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return [f"a token's logprob is {trim(value, 20)}, not a number"]
        # isfinite fails on an integer of hundreds of digits
        if abs(value) > sys.float_info.max or math.isnan(value):
            return [f"a token's logprob is {trim(value, 20)}"]
        if value > 0.001:
            return [f"a token's logprob is {value:g}, above zero"]
    return []


def _ending_problems(details: Any, count: int) -> list[str]:
    reason, generated = dig(details, "finish_reason"), dig(details, "generated_tokens")
    problems = []
    if reason not in FINISH:
        problems.append(f"finish_reason is {trim(reason, 40)}, not one of {', '.join(FINISH)}")
    if not count:
        problems.append("no token was generated")
    if generated != count:
        problems.append(f"generated_tokens is {trim(generated, 20)}, {count} came")
    if reason == "length" and count != NEW_TOKENS:
        problems.append(f"ended for length after {count} tokens, {NEW_TOKENS} were requested")
    return problems


def judge_generate(answer: Answer, headers: bool = True) -> Outcome:
    """Check the text, its details, finite logprobs and TGI's token headers."""
    if problem := http_problem(answer):
        return outcome(answer, [problem], "")
    reply = answer.json()
    text, tokens = dig(reply, "generated_text"), dig(reply, "details", "tokens")
    if not isinstance(text, str) or not isinstance(tokens, list):
        return outcome(answer, ["the answer is not TGI's: no generated_text with details"], "")
    nan = logprob_problems(tokens)
    problems = [] if text.strip() else ["the generated text is empty"]
    problems += nan + _ending_problems(dig(reply, "details"), len(tokens))
    if headers and answer.headers.get("x-generated-tokens") != str(len(tokens)):
        seen = trim(answer.headers.get("x-generated-tokens"), 20)
        problems.append(f"header x-generated-tokens is {seen}, {len(tokens)} came")
    if headers and not answer.headers.get("x-prompt-tokens", "").isdigit():
        problems.append("header x-prompt-tokens is missing")
    remedy = NAN_REMEDY if nan else "" if text.strip() else EMPTY_REMEDY
    return outcome(answer, problems, f"{len(tokens)} tokens: {trim(text, 60)}", "", remedy)


def judge_generate_stream(answer: Answer) -> Outcome:
    """Check for numbered tokens, one ending as last event, text equal to its tokens, clean EOF."""
    if not answer.status or answer.status != 200:
        return outcome(answer, [http_problem(answer)], "")
    stream = parse(answer.chunks)
    items = [load(event.data) for event in stream.events]
    problems = stream_problems(answer, items)
    if any(item is None for item in items):
        problems.append("an event is not JSON")
    ends = [n for n, item in enumerate(items) if dig(item, "generated_text") is not None]
    if not ends:
        problems.append(cut_short(answer, len(items), "generated_text"))
    elif answer.fault:
        problems.append(answer.fault)
    if ends and ends != [len(items) - 1]:
        problems.append("the event with generated_text is not the only one or not the last")
    if stream.trailing:
        problems.append("the stream ended in the middle of an event")
    tokens = [item["token"] for item in items if isinstance(dig(item, "token"), dict)]
    nan: list[str] = []
    if not problems:
        nan = logprob_problems(tokens)
        problems += _text_problems(items, tokens) + nan
        problems += _ending_problems(dig(items[-1], "details"), len(tokens))
    last = stream.events[-1].data if stream.events else answer.text[:200]
    good = f"{len(tokens)} tokens: {trim(dig(items, -1, 'generated_text'), 60)}"
    return outcome(
        answer,
        problems,
        good,
        f"{len(items)} events, last: {trim(last, 240)}",
        NAN_REMEDY if nan else "",
    )


def _text_problems(items: list[Any], tokens: list[Any]) -> list[str]:
    problems = []
    if [dig(item, "index") for item in items] != list(range(1, len(items) + 1)):
        problems.append("token indices do not count 1, 2, 3, …")
    whole = str(dig(items[-1], "generated_text"))
    joined = "".join(str(token.get("text")) for token in tokens if not token.get("special"))
    if not whole.strip():
        problems.append("the generated text is empty")
    elif joined.lstrip() != whole.lstrip():
        problems.append("generated_text differs from its tokens joined")
    return problems


def token_count(answer: Answer) -> int:
    """Return the token count in a good answer of either route; 0 if unknown."""
    reply = answer.json()
    if reply is None:
        events = parse(answer.chunks).events
        reply = load(events[-1].data) if events else None
    count = dig(reply, "details", "generated_tokens")
    return count if isinstance(count, int) else 0


def token_ms(answer: Answer) -> float | None:
    """Return the engine's own time per token in ms, from its headers; None if unknown."""
    spent = answer.headers.get("x-inference-time", "")
    tokens = answer.headers.get("x-generated-tokens", "")
    # At most 15 ASCII digits: isdigit() accepts digits that int() refuses, and endless ones
    if not (_COUNT.match(spent) and _COUNT.match(tokens) and int(tokens)):
        return None
    return int(spent) / int(tokens)
