"""/generate, /generate_stream, / and /tokenize, and what the OpenAI routes share with them."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from ..source.chat_template import BEGIN_TEXT
from ..source.text import BEGIN, InputToken, Piece
from . import validation
from .backend import Backend, Begun, Step
from .errors import InferError, invalid
from .rust_words import dumps
from .wire import Body


def token_json(piece: Piece) -> dict[str, Any]:
    return {
        "id": piece.id, "text": piece.text, "logprob": piece.logprob,
        "special": piece.special,
    }  # fmt: skip


def _decoded(token: InputToken) -> str:
    return BEGIN_TEXT if token is BEGIN else token.text


@dataclass
class Generated:
    """One finished generation."""

    steps: list[Step]
    tokens: list[InputToken]
    headers: dict[str, str]

    @property
    def last(self) -> Step:
        return self.steps[-1]

    def details(self, p: Body, prefill: bool, others: list[Body] | None = None) -> Body:
        """What a client that asked for details sees; the keys are in TGI's order."""
        shown: Body = {
            "finish_reason": self.last.told,
            "generated_tokens": len(self.steps),
            "seed": self.last.seed,
            "prefill": [],
            "tokens": [token_json(step.piece) for step in self.steps],
        }
        if prefill and p["decoder_input_details"]:
            likely = math.nan if math.isnan(self.last.piece.logprob) else -1.0
            shown["prefill"] = [
                {"id": token.id, "text": _decoded(token), "logprob": likely if index else None}
                for index, token in enumerate(self.tokens)
            ]
        if others:
            shown["best_of_sequences"] = others
        if p["top_n_tokens"]:
            shown["top_tokens"] = [[token_json(t) for t in s.piece.top] for s in self.steps]
        return shown


def base_headers(inputs: str, compute_type: str) -> dict[str, str]:
    return {"x-compute-type": compute_type, "x-compute-characters": str(len(inputs))}


async def generate_once(backend: Backend, inputs: str, p: Body) -> Generated:
    """Without best_of; raises InferError."""
    backend.metrics.count("tgi_request_count")
    return await _generated(backend, inputs, p)


async def _generated(backend: Backend, inputs: str, p: Body) -> Generated:
    began = time.monotonic()
    steps: list[Step] = []
    tokens: list[InputToken] = []
    queued = began
    async with aclosing(backend.run(inputs, p, streaming=False)) as run:
        async for item in run:
            if isinstance(item, Begun):
                tokens, queued = item.tokens, item.queued
            else:
                steps.append(item)
    headers = record(backend, began, queued, len(tokens), len(steps))
    return Generated(steps, tokens, {**base_headers(inputs, compute_type()), **headers})


def record(
    backend: Backend, began: float, queued: float, prompt: int, generated: int
) -> dict[str, str]:
    """Metrics and log of a success; returns the timing headers (ms, compute-time in s)."""
    total, checked = time.monotonic() - began, queued - began
    inference = total - checked
    seen, metrics = inference / max(1, generated), backend.metrics
    metrics.count("tgi_request_success")
    for name, value in (
        ("duration", total), ("validation_duration", checked), ("queue_duration", 0.00005),
        ("inference_duration", inference), ("mean_time_per_token_duration", seen),
        ("generated_tokens", generated),
    ):  # fmt: skip
        metrics.observe(f"tgi_request_{name}", value)
    span = f'generate{{total_time="{total:.6f}s" inference_time="{inference:.6f}s"}}'
    backend.log.router("INFO", "Success", "router/src/server.rs", 432, span)
    milliseconds = {
        "x-total-time": total, "x-validation-time": checked, "x-queue-time": 0.0,
        "x-inference-time": inference, "x-time-per-token": seen,
    }  # fmt: skip
    return {
        "x-compute-time": repr(total),
        **{name: str(int(value * 1000)) for name, value in milliseconds.items()},
        "x-prompt-tokens": str(prompt),
        "x-generated-tokens": str(generated),
    }


async def generate(backend: Backend, inputs: str, p: Body) -> tuple[dict[str, str], Body]:
    """/generate: (headers, body)."""
    backend.metrics.count("tgi_request_count")
    best_of = p["best_of"] or 1
    others: list[Generated] = []
    if best_of > 1:
        validation.check_best_of(best_of, backend.args)
        runs = [await _generated(backend, inputs, p) for _ in range(best_of)]
        runs.sort(key=lambda run: -sum(s.piece.logprob for s in run.steps) / len(run.steps))
        done, others = runs[0], runs[1:]
    else:
        done = await _generated(backend, inputs, p)
    lead = inputs if p["return_full_text"] else ""
    body: Body = {"generated_text": lead + done.last.text}
    if p["details"] or p["decoder_input_details"]:
        prefill = backend.args.on("enable_prefill_logprobs")
        also = [
            {"generated_text": lead + other.last.text, **other.details(p, prefill)}
            for other in others
        ]
        body["details"] = done.details(p, prefill, also)
    return done.headers, body


async def stream(backend: Backend, inputs: str, p: Body) -> AsyncGenerator[Body, None]:
    """StreamResponse bodies; raises InferError where TGI would send an error event."""
    backend.metrics.count("tgi_request_count")
    problem = ""
    if (1 if p["best_of"] is None else p["best_of"]) != 1:
        problem = "`best_of` != 1 is not supported when streaming tokens"
    elif p["decoder_input_details"]:
        problem = "`decoder_input_details` == true is not supported when streaming tokens"
    if problem:
        backend.metrics.count("tgi_request_failure", err="validation")
        raise invalid(problem)
    began, prompt, queued = time.monotonic(), 0, 0.0
    async with aclosing(backend.run(inputs, p, streaming=True)) as run:
        async for item in run:
            if isinstance(item, Begun):
                prompt, queued = len(item.tokens), item.queued
                continue
            body: Body = {"index": item.index, "token": token_json(item.piece)}
            if item.piece.top:
                body["top_tokens"] = [token_json(top) for top in item.piece.top]
            body.update(generated_text=None, details=None)
            if item.finish:
                record(backend, began, queued, prompt, item.index)
                body["generated_text"] = (inputs if p["return_full_text"] else "") + item.text
                if p["details"]:
                    body["details"] = {
                        "finish_reason": item.told, "generated_tokens": item.index,
                        "seed": item.seed, "input_length": prompt,
                    }  # fmt: skip
            yield body


async def native_events(backend: Backend, inputs: str, p: Body) -> AsyncGenerator[str, None]:
    """/generate_stream: an error is an event too, and there is no [DONE]."""
    try:
        async with aclosing(stream(backend, inputs, p)) as bodies:
            async for body in bodies:
                yield dumps(body)
    except InferError as error:
        yield dumps(error.body())


def compute_type() -> str:
    import os

    return os.environ.get("COMPUTE_TYPE", "gpu+optimized")


def stream_headers(inputs: str) -> dict[str, str]:
    return {**base_headers(inputs, compute_type()), "x-accel-buffering": "no"}


async def tokenize(backend: Backend, inputs: str, special: bool = True) -> list[Body]:
    """TGI counts places in bytes."""
    places = [0, *accumulate(len(character.encode()) for character in inputs)]
    return [
        {"id": token.id, "text": token.text, "start": places[token.start],
         "stop": places[token.stop]}
        for token in await validation.tokenize(backend.source, inputs, special)
    ]  # fmt: skip
