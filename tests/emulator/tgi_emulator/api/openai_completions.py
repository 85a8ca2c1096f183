"""/v1/completions: one or several raw prompts, answered side by side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from . import native
from .backend import Backend
from .chat_state import finish_word, usage_json
from .errors import InferError, ReplyError
from .info import fingerprint, served_model
from .openai_chat import error_event, tells_usage
from .rust_words import dumps
from .wire import Body, parameters


def _parameters(request: Body) -> Body:
    greedy = request["temperature"] == 0.0
    return parameters(
        temperature=None if greedy else request["temperature"],
        repetition_penalty=request["repetition_penalty"],
        frequency_penalty=request["frequency_penalty"],
        top_p=request["top_p"],
        do_sample=not greedy,
        max_new_tokens=request["max_tokens"],
        stop=request["stop"] or [],
        details=True,
        seed=request["seed"],
    )


def check(backend: Backend, request: Body) -> None:
    """Raise ReplyError for what TGI refuses before it generates."""
    backend.metrics.count("tgi_request_count")
    most = backend.args.count("max_client_batch_size")
    if request["suffix"] is not None:
        said = "Suffix is not supported and can be achieved by preprocessing the prompt."
        problem = ReplyError(422, said, "suffix not supported")
    elif len(request["prompt"]) > most:
        said = f"Number of prompts exceeds the maximum allowed batch size of {most}"
        problem = ReplyError(422, said, "batch size exceeded")
    else:
        return
    backend.metrics.count("tgi_request_failure", err="validation")
    raise problem


def _final(backend: Backend, choices: list[Body], prompt: int, generated: int) -> Body:
    """A whole answer, or a stream's last piece: TGI writes its keys in another order."""
    body = {
        "object": "text_completion", "id": "", "created": int(time.time()),
        "model": served_model(backend), "system_fingerprint": fingerprint(), "choices": choices,
    }  # fmt: skip
    return {**body, "usage": usage_json(prompt, generated)} if tells_usage(backend) else body


def _piece(backend: Backend, choice: Body) -> Body:
    return {
        "object": "text_completion", "id": "", "created": int(time.time()), "choices": [choice],
        "model": served_model(backend), "system_fingerprint": fingerprint(),
    }  # fmt: skip


def _echo(backend: Backend, prompt: str) -> str:
    return "" if backend.faults.get("template-echo") is None else prompt


def _choice(index: int, text: str, reason: str | None) -> Body:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": reason}


async def reply(backend: Backend, request: Body) -> tuple[dict[str, str], Body]:
    """The whole answer; choices come in the order in which they were finished."""
    wanted = _parameters(request)
    choices: list[Body] = []
    sums: dict[str, int] = {}

    async def one(index: int, prompt: str) -> None:
        done = await native.generate_once(backend, prompt, wanted)
        text = _echo(backend, prompt) + done.last.text
        choices.append(_choice(index, text, finish_word(done.last.told)))
        for name, value in done.headers.items():
            if value.isdecimal():
                sums[name] = sums.get(name, 0) + int(value)

    tasks = [asyncio.create_task(one(i, prompt)) for i, prompt in enumerate(request["prompt"])]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    headers = {"x-compute-type": native.compute_type(), **{k: str(v) for k, v in sums.items()}}
    return headers, _final(backend, choices, sums["x-prompt-tokens"], sums["x-generated-tokens"])


def start_stream(
    backend: Backend, request: Body
) -> tuple[dict[str, str], AsyncGenerator[str, None]]:
    """(headers, events); prompts take turns, each event names its prompt by index."""
    return native.stream_headers("".join(request["prompt"])), _events(backend, request)


async def _events(backend: Backend, request: Body) -> AsyncGenerator[str, None]:
    queue: asyncio.Queue[str | BaseException | None] = asyncio.Queue()
    wanted = _parameters(request)

    async def one(index: int, prompt: str) -> None:
        try:
            if echo := _echo(backend, prompt):
                await queue.put(dumps(_piece(backend, _choice(index, echo, ""))))
            async with aclosing(native.stream(backend, prompt, wanted)) as bodies:
                async for body in bodies:
                    await queue.put(dumps(_chunk(backend, index, body)))
        except InferError as error:
            await queue.put(error_event(error))
        except Exception as error:
            await queue.put(error)
        await queue.put(None)

    tasks = [asyncio.create_task(one(i, prompt)) for i, prompt in enumerate(request["prompt"])]
    try:
        running = len(tasks)
        while running:
            item = await queue.get()
            if isinstance(item, BaseException):
                raise item
            if item is None:
                running -= 1
            else:
                yield item
        yield "[DONE]"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _chunk(backend: Backend, index: int, body: Body) -> Body:
    details, text = body["details"], body["token"]["text"]
    if not details:
        return _piece(backend, _choice(index, text, ""))
    last = _choice(index, text, details["finish_reason"])
    return _final(backend, [last], details["input_length"], details["generated_tokens"])
