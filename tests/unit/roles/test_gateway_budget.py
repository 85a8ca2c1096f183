"""Test the njs code that counts tokens; node runs it, if installed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.gateway.njs import needs_node, run_njs

pytestmark = needs_node

_HARNESS = """
import fs from 'fs';
const [streams, now] = JSON.parse(fs.readFileSync(0, 'utf8'));
const budget = (await import('./gateway_budget.js')).default;
const counts = {};
Date.now = () => now;
globalThis.ngx = {shared: {gateway_tokens: {
    get: (key) => counts[key],
    incr: (key, by, start) => { counts[key] = (key in counts ? counts[key] : start) + by; },
}}};
const answers = streams.map(([variables, chunks]) => {
    const out = {passed: [], done: false, spent: budget.spent({variables})};
    const r = {
        variables,
        sendBuffer: (data, flags) => out.passed.push([data.toString(), flags]),
        done: () => { out.done = true; },
    };
    chunks.forEach((chunk, place) => {
        if (!out.done) {
            budget.count(r, Buffer.from(chunk), {last: place === chunks.length - 1});
        }
    });
    out.tokens = variables.gateway_tokens;
    out.left = variables.gateway_minute_left;
    return out;
});
console.log(JSON.stringify({answers, counts}));
"""
# 12.5 seconds into a minute
NOW = 1_800_000_012_500
KEY = f"duck {NOW // 60000}"


def run(*streams: list[str], budget: int = 100, **more: str) -> tuple[list[dict[str, Any]], Any]:
    """Pass answers one after the other; return each result, and the counts."""
    asked = {"gateway_consumer": "duck", "gateway_budget": str(budget), **more}
    found = run_njs(_HARNESS, [[[dict(asked), chunks] for chunks in streams], NOW])
    return found["answers"], found["counts"]


def event(text: str) -> str:
    return 'data: {"choices":[{"delta":{"content":' + json.dumps(text) + "}}]}\n\n"


USAGE = 'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":40}}\n\n'
DONE = "data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("chunks", "tokens"),
    [
        ([event("a"), event("b"), event("c"), DONE], 3),
        ([event("a") + event("b"), event("c"), DONE], 3),
        ([event("a"), event("b")], 2),  # the client went away
        ([event("a"), event("b"), USAGE, DONE], 40),
        ([event("a"), USAGE[:60], USAGE[60:], DONE], 40),  # a chunk ends inside the field's name
        ([event("a"), USAGE[:-6], USAGE[-6:], DONE], 40),  # a chunk ends inside the number
        ([event("a"), USAGE[:50], *USAGE[50:], DONE], 40),  # chunks of one character
        ([event('"completion_tokens":9999')], 1),  # the field's name is part of the generated text
        (['{"choices":[],"usage":{"prompt_tokens": 3, "completion_tokens": 17}}'], 17),
        (['{"generated_text":"x","details":{"generated_tokens":8}}'], 8),
        (['{"error":"overloaded"}'], 0),
    ],
)
def test_tokens_are_counted_as_they_pass(chunks: list[str], tokens: int) -> None:
    (answer,), counts = run(chunks)
    assert counts == ({KEY: tokens} if tokens else {})
    assert answer.get("tokens", "0") == str(tokens)


def test_tokens_in_a_header_are_counted() -> None:
    _, counts = run(['{"generated_text":"x"}'], upstream_http_x_generated_tokens="7")
    assert counts == {KEY: 7}


def test_every_chunk_passes_as_it_is() -> None:
    chunks = [event("é"), event("b") + event("c"), DONE]
    (answer,), _ = run(chunks)
    assert answer["passed"] == [[chunk, {"last": chunk == DONE}] for chunk in chunks]


def test_without_a_budget_only_the_first_chunk_is_looked_at() -> None:
    (answer,), counts = run([event("a"), event("b")], budget=0)
    assert (answer["done"], len(answer["passed"]), counts) == (True, 1, {})


def test_the_budget_is_spent_by_the_answers_before() -> None:
    body = '{"usage":{"completion_tokens":60}}'
    answers, counts = run([body], [body], [body])
    assert [answer["spent"] for answer in answers] == ["", "", "spent"]
    assert answers[2]["left"] == "48"
    assert counts == {KEY: 180}
