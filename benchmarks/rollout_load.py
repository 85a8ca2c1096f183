"""Ask gateways at a steady rate while something is done to them, and record every request.

Nothing is retried, except by OpenAI's own client, which is recorded as a kind of its own.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, TypeVar

import openai

from tests.support.live.endpoints import Endpoint
from tests.support.live.load import Answer, Broken, Connection

ADDRESS = "127.0.0.1"
#: How clients ask: a connection for each request, kept-alive ones, long streams, OpenAI's client
NEW, KEPT, STREAM, SDK = "new", "kept", "stream", "sdk"
OK, FAILED, TRUNCATED = "ok", "failed", "truncated"
#: The emulator has no more words than these tokens of a stream
TOKENS, FEW = 200, 2
_SHORT_LASTS, _STREAM_LASTS = 60, 120
_BEGUN = ("within the answer", "within the stream")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Asked:
    """One request: ``began`` is in seconds since the epoch, ``took`` in seconds.

    ``why`` is the status, ``503 with Retry-After``, what broke, or how many tokens came.
    """

    kind: str
    model: str
    began: float
    took: float
    outcome: str
    why: str


@dataclass(frozen=True)
class Load:
    """What is asked: requests a second, and clients of each model at each gateway.

    It begins ``before`` seconds ahead of the work and goes on for ``after`` seconds.
    """

    models: Sequence[str]
    rate: float = 45
    streams: int = 2
    kept: int = 1
    before: float = 15
    after: float = 45


def judge_stream(answer: Answer) -> tuple[str, str]:
    """Return outcome and reason of a stream that has ended, which must have all its tokens."""
    events = [line[5:].strip() for line in answer.body.split(b"\n") if line.startswith(b"data:")]
    done = bool(events) and events[-1] == b"[DONE]"
    tokens = sum(_has_text(event) for event in events if event != b"[DONE]")
    if done and tokens >= TOKENS:
        return OK, "200"
    return TRUNCATED, f"{tokens} of {TOKENS} tokens{'' if done else ', no [DONE]'}"


def _has_text(event: bytes) -> bool:
    try:
        choices = json.loads(event).get("choices") or []
    except ValueError:
        return False
    return any(choice["delta"].get("content") for choice in choices)


def judge(kind: str, answer: Answer) -> tuple[str, str]:
    """Return outcome and reason of an answer."""
    if answer.status != 200:
        later = " with Retry-After" if "retry-after" in answer.headers else ""
        return FAILED, f"{answer.status}{later}"
    return judge_stream(answer) if kind == STREAM else (OK, "200")


def body_of(kind: str, model: str) -> dict[str, Any]:
    """Return the request: a few tokens, or a long stream."""
    streams = kind == STREAM
    return {
        "model": model,
        "stream": streams,
        "max_tokens": TOKENS if streams else FEW,
        "messages": [{"role": "user", "content": "Tell a story."}],
    }


async def ask(kind: str, connection: Connection, model: str, key: str) -> Asked:
    """Ask once, and record the result whatever it is."""
    began, clock = time.time(), time.monotonic()
    lasts = _STREAM_LASTS if kind == STREAM else _SHORT_LASTS
    try:
        answer = await asyncio.wait_for(connection.ask(body=body_of(kind, model), key=key), lasts)
        outcome, why = judge(kind, answer)
    except Broken as error:
        outcome, why = (TRUNCATED if str(error) in _BEGUN else FAILED), str(error)
    except (OSError, asyncio.TimeoutError) as error:
        connection.close()
        outcome, why = FAILED, type(error).__name__
    if kind != KEPT:
        connection.close()
    return Asked(kind, model, began, time.monotonic() - clock, outcome, why)


class Driver:
    """The clients of one measurement."""

    def __init__(self, endpoints: Sequence[Endpoint], load: Load) -> None:
        self.records: list[Asked] = []
        self._load = load
        self._contexts = {
            one: ssl.create_default_context(cafile=str(one.state / "ca" / "ca.crt"))
            for one in endpoints
        }
        self._pairs = [(one, model) for model in load.models for one in endpoints]
        self._over = threading.Event()

    async def drive(self, work: Callable[[], Result]) -> Result:
        """Ask while ``work`` runs in a thread, and return its result."""
        clients = [self._steadily()]
        for endpoint, model in self._pairs:
            clients += [self._again(STREAM, endpoint, model) for _ in range(self._load.streams)]
            clients += [self._again(KEPT, endpoint, model) for _ in range(self._load.kept)]
        clients += [asyncio.to_thread(self._with_sdk, endpoint) for endpoint in self._contexts]
        asking = asyncio.gather(*clients)
        try:
            await asyncio.sleep(self._load.before)
            result = await asyncio.to_thread(work)
            await asyncio.sleep(self._load.after)
        finally:
            self._over.set()
            await asking
        return result

    def _line(self, endpoint: Endpoint) -> Connection:
        context = self._contexts[endpoint]
        return Connection(ADDRESS, endpoint.server_name, context, endpoint.https_port)

    async def _steadily(self) -> None:
        """Ask at the load's rate, however long answers take."""
        running: set[asyncio.Task[None]] = set()
        began, count = time.monotonic(), 0
        while not self._over.is_set():
            task = asyncio.create_task(self._once(*self._pairs[count % len(self._pairs)]))
            running.add(task)
            task.add_done_callback(running.discard)
            count += 1
            await asyncio.sleep(max(0, began + count / self._load.rate - time.monotonic()))
        await asyncio.gather(*running)

    async def _once(self, endpoint: Endpoint, model: str) -> None:
        self.records.append(await ask(NEW, self._line(endpoint), model, endpoint.key))

    async def _again(self, kind: str, endpoint: Endpoint, model: str) -> None:
        """Ask one after another, with a second between them."""
        line = self._line(endpoint)
        while not self._over.is_set():
            self.records.append(await ask(kind, line, model, endpoint.key))
            await asyncio.sleep(1)
        line.close()

    def _with_sdk(self, endpoint: Endpoint) -> None:
        """Ask for each model in turn, twice a second."""
        client = openai.OpenAI(
            base_url=f"https://{ADDRESS}:{endpoint.https_port}/v1",
            api_key=endpoint.key,
            http_client=endpoint.client(),
        )
        for model in cycle(self._load.models):
            if self._over.wait(0.5):
                return
            body: Any = body_of(SDK, model)
            began, clock, outcome, why = time.time(), time.monotonic(), OK, "200"
            try:
                client.chat.completions.create(**body)
            except openai.APIError as error:
                outcome, why = FAILED, type(error).__name__
            took = time.monotonic() - clock
            self.records.append(Asked(SDK, model, began, took, outcome, why))


def under_load(
    endpoints: Sequence[Endpoint], load: Load, work: Callable[[], Result]
) -> tuple[list[Asked], Result]:
    """Do ``work`` under load; return every request, in the order of their ends, and its result."""
    driver = Driver(endpoints, load)
    return driver.records, asyncio.run(driver.drive(work))
