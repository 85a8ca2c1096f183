"""Generation as the router does it: permit, validation, tokens, finish reason, metrics, faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from ..faults.age import Age
from ..faults.faults import Faults
from ..faults.kept import keep
from ..faults.leaks import leaked
from ..faults.text_faults import FaultyText
from ..source.text import Ask, InputToken, Piece, TextError, TextSource
from ..start.args import Args
from ..start.failures import fail_method
from ..start.limits import Limits
from ..start.logs import Log
from .errors import InferError
from .metrics import Metrics
from .validation import DEFAULT_LENGTH, check_request
from .wire import Body

_UNHURRIED = 0.02
"""Seconds between tokens under `no-cancel`: else a script ends before a client can leave."""
_CUDA = "CUDA error: an illegal memory access was encountered"
_TRANSPORT = "transport error"

_CONCAT_SECONDS = 0.0002


class StreamCut(Exception):
    """Fault: the connection has to close without an end."""


@dataclass(frozen=True)
class Begun:
    """Before the first token: the request was valid and has its permit."""

    tokens: list[InputToken]
    queued: float


@dataclass(frozen=True)
class Step:
    """One token; `finish` is set on the last one, with `text` the whole generated text.

    `told` is the finish reason that the client gets to see.
    """

    piece: Piece
    index: int
    finish: str = ""
    text: str = ""
    seed: int | None = None
    told: str | None = None


@dataclass
class Backend:
    """One served model. `crash` ends the process as a dying shard would (0, or the signal that
    killed it), `restart` renews it; `lost` is set once the shard is gone.

    `pace` are the seconds between two tokens, without faults; `template` tells whether the model
    has a chat template; `running` are generations and `reserved` the tokens they may take up.
    """

    args: Args
    limits: Limits
    log: Log
    faults: Faults
    source: TextSource
    metrics: Metrics
    crash: Callable[[int], None] = lambda _signal: None
    restart: Callable[[], None] = lambda: None
    pace: float = 0.0
    template: bool = True
    running: int = 0
    reserved: int = 0
    healthy: bool = True
    lost: bool = False

    def __post_init__(self) -> None:
        self.source = FaultyText(self.source, self.faults)
        self.age = Age(self.faults)

    def run(self, inputs: str, p: Body, streaming: bool) -> AsyncGenerator[Begun | Step, None]:
        """One Begun, then a Step per token. Raises InferError; close it to drop the request."""
        if self.faults.get("no-cancel") is None:
            return self._run(inputs, p, streaming)
        return keep(
            self._run(inputs, p, streaming),
            lambda since: since < self.faults.seconds("no-cancel"),
        )

    async def _run(
        self, inputs: str, p: Body, streaming: bool
    ) -> AsyncGenerator[Begun | Step, None]:
        if self.running >= self.args.count("max_concurrent_requests") or (
            self.faults.get("overload") is not None
        ):
            raise self._failed(InferError("overloaded"), "overloaded")
        self.running += 1
        ended, room = False, 0
        try:
            try:
                ask, tokens = await check_request(
                    inputs, p, self.args, self.limits, self.source, self.faults
                )
            except InferError as error:
                failed = self._failed(error, "validation")
                for name, secret in leaked(self.args, self.faults).items():
                    failed.message += f" {name}={secret}"
                raise failed from None
            self.metrics.observe("tgi_request_input_length", len(tokens))
            slice_ = min(ask.max_new_tokens, DEFAULT_LENGTH)
            self.metrics.observe("tgi_request_max_new_tokens", slice_)
            room = len(tokens) + ask.max_new_tokens
            self.reserved += room
            self._gauges()
            self._join_batch()
            yield Begun(tokens, time.monotonic())
            if self.faults.get("hang") is not None or self.age.reached("hang-after"):
                await asyncio.Event().wait()
            async with aclosing(self._steps(ask, p, streaming)) as steps:
                async for step in steps:
                    ended = ended or bool(step.finish)
                    yield step
            if not ended:
                kind = "incomplete_generation" + ("_stream" if streaming else "")
                raise self._failed(InferError(kind), "incomplete")
        except TextError as error:
            self.healthy = False
            raise self._broken("prefill", str(error)) from None
        except (GeneratorExit, asyncio.CancelledError):
            if not ended:
                self.metrics.count("tgi_request_failure", err="dropped")
            raise
        finally:
            self.running -= 1
            self.reserved -= room
            self._gauges()
            if ended and self.faults.take("restart"):
                self.restart()

    async def _steps(self, ask: Ask, p: Body, streaming: bool) -> AsyncGenerator[Step, None]:
        self._break_at_prefill()
        cut, error = (self.faults.get(name) for name in ("stream-cut", "error-event"))
        text, index = "", 0
        began = time.monotonic()
        seed = ask.seed if ask.temperature is not None else None
        stops = [] if self.faults.get("stop-ignored") is not None else p["stop"]
        await asyncio.sleep(self.faults.seconds("slow-first") + self.age.slower())
        async with aclosing(self._pieces(ask)) as pieces:
            async for piece in pieces:
                self._forward("decode" if index else "prefill", began)
                index += 1
                if not piece.special:
                    text += piece.text
                finish = ""
                # As TGI does, in this order: a stop that the last token completes is not told
                if index >= ask.max_new_tokens or piece.last:
                    finish = "length"
                elif piece.special:
                    finish = "eos_token"
                elif any(text.endswith(stop) for stop in stops):
                    finish = "stop_sequence"
                if streaming and cut is not None and (index > int(cut) or finish):
                    raise StreamCut
                if streaming and error is not None and (index > int(error) or finish):
                    raise self._broken("decode", _CUDA)
                told = None if self.faults.get("no-finish-reason") is not None else finish
                yield Step(piece, index, finish, text if finish else "", seed, told)
                if finish:
                    return
                began = time.monotonic()
                await asyncio.sleep(self._between())
                self._check_shard("decode")

    def _between(self) -> float:
        """Seconds to the next token."""
        unhurried = 0.0 if self.faults.get("no-cancel") is None else _UNHURRIED
        usual = max(self.faults.seconds("slow-token"), self.pace, unhurried)
        return usual + self.age.slower()

    def _pieces(self, ask: Ask) -> AsyncGenerator[Piece, None]:
        if self.faults.get("empty-text") is not None:
            return _nothing()
        return self.source.generate(ask)

    def _break_at_prefill(self) -> None:
        self._check_shard("prefill")
        signal = self.faults.get("shard-crash")
        if signal:
            self.crash(int(signal))
            raise self._broken("prefill", _TRANSPORT)
        if signal is not None:
            self.break_down()
            raise self._broken("prefill", _CUDA)
        if self.faults.get("no-generate") is not None:
            fail_method(self.log, "Prefill", "prefill", _CUDA)
            raise self._broken("prefill", _CUDA)

    def break_down(self) -> None:
        """The shard logs an error of CUDA, and ends."""
        fail_method(self.log, "Prefill", "prefill", _CUDA)
        self.crash(0)

    def _check_shard(self, method: str) -> None:
        if self.lost:
            raise self._broken(method, _TRANSPORT)

    def _forward(self, method: str, began: float) -> None:
        self.metrics.count("tgi_batch_inference_count", method=method)
        self.metrics.count("tgi_batch_inference_success", method=method)
        took = time.monotonic() - began
        for part, share in (("inference", 1.0), ("forward", 0.98), ("decode", 0.01),
                            ("filter", 0.01)):  # fmt: skip
            self.metrics.observe(f"tgi_batch_{part}_duration", took * share, method=method)
        self.metrics.observe("tgi_request_skipped_tokens", 0)

    def _broken(self, method: str, message: str) -> InferError:
        """What a client sees when a shard fails: the shard's own words, which may be none."""
        self.metrics.count("tgi_batch_inference_count", method=method)
        self.metrics.count("tgi_batch_inference_failure", method=method)
        return self._failed(InferError("generation", f"Server error: {message}"), "generation")

    def _join_batch(self) -> None:
        """Join the batch that runs: with chunked prefill at once."""
        self.metrics.observe("tgi_batch_next_size", 1)
        if self.running > 1:
            self.metrics.count("tgi_batch_concat", reason="chunking")
            self.metrics.observe("tgi_batch_concat_duration", _CONCAT_SECONDS, method="decode")

    def _gauges(self) -> None:
        self.metrics.gauge("tgi_queue_size", 0)
        self.metrics.gauge("tgi_batch_current_size", self.running)
        self.metrics.gauge("tgi_batch_current_max_tokens", self.reserved)

    def _failed(self, error: InferError, reason: str) -> InferError:
        self.metrics.count("tgi_request_failure", err=reason)
        self.log.router("ERROR", error.message, "router/src/infer/mod.rs", 105)
        return error

    async def health(self) -> bool:
        """200 or 503: a device check while all went well, a one-token prefill after an error."""
        await asyncio.sleep(self.faults.seconds("slow-health"))
        if self.lost or self.faults.get("unhealthy") is not None:
            return False
        old = self.faults.get("old-health") is not None
        if old and (self.faults.get("no-generate") is not None or self.faults.get("overload")
                    is not None):  # fmt: skip
            return False
        if not self.healthy or old:
            try:
                async with aclosing(self.source.generate(Ask("liveness", 1))) as pieces:
                    await anext(pieces, None)
                self.healthy = True
            except TextError:
                self.healthy = False
        return self.healthy


async def _nothing() -> AsyncGenerator[Piece, None]:
    yield Piece(2, "<|im_end|>", -0.01, special=True)
