"""Check that every request of the roll-out's load is accounted for, and judged rightly."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import rollout_load
from benchmarks.gateway import Failed
from benchmarks.rollout_load import (
    FAILED,
    KEPT,
    NEW,
    OK,
    STREAM,
    TOKENS,
    TRUNCATED,
    Asked,
    Driver,
    Load,
    ask,
    under_load,
)
from tests.support.live.endpoints import Endpoint
from tests.support.live.load import Connection


def stream(tokens: int, done: bool = True) -> bytes:
    """Return the body of a stream as TGI sends it, with usage in an event of its own."""
    events = [json.dumps({"choices": [{"delta": {"content": " word"}}]})] * tokens
    events += [json.dumps({"choices": [], "usage": {"completion_tokens": tokens}})]
    return "".join(f"data: {one}\n\n" for one in events + ["[DONE]"] * done).encode()


def answer(status: int, body: bytes, *headers: str, short_of: int = 0) -> bytes:
    """Return an answer whose connection ends ``short_of`` bytes before its body does."""
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body[: len(body) - short_of]


def asked(kind: str, said: bytes, lasts: float = 60) -> tuple[Asked, int]:
    """Ask a server twice that says ``said`` and hangs up; return the last, and its connections."""
    calls = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        if said == b"hang":
            await reader.read()  # until the client leaves; a writer without a reference hangs up
        writer.close()

    async def talk() -> Asked:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        line = Connection("127.0.0.1", "x", None, server.sockets[0].getsockname()[1])
        await ask(kind, line, "scribe", "key")
        found = await ask(kind, line, "scribe", "key")
        line.close()
        server.close()
        return found

    return asyncio.run(asyncio.wait_for(talk(), lasts)), calls


@pytest.mark.parametrize(
    ("kind", "said", "outcome", "why"),
    [
        (NEW, answer(200, b"{}"), OK, "200"),
        (NEW, answer(502, b"{}"), FAILED, "502"),
        (NEW, answer(503, b"{}", "Retry-After: 5"), FAILED, "503 with Retry-After"),
        (NEW, b"", FAILED, "before the answer began"),
        (NEW, answer(200, b"{}", short_of=1), TRUNCATED, "within the answer"),
        (STREAM, answer(200, stream(TOKENS)), OK, "200"),
        (STREAM, answer(200, stream(TOKENS - 1)), TRUNCATED, f"{TOKENS - 1} of {TOKENS} tokens"),
        (STREAM, answer(200, stream(TOKENS, False)), TRUNCATED,
         f"{TOKENS} of {TOKENS} tokens, no [DONE]"),
        (STREAM, answer(200, b'data: {"error": "x"}\n\ndata: no json\n\n'), TRUNCATED,
         f"0 of {TOKENS} tokens, no [DONE]"),
        (STREAM, answer(200, b""), TRUNCATED, f"0 of {TOKENS} tokens, no [DONE]"),
        (STREAM, answer(503, b""), FAILED, "503"),
        (STREAM, answer(200, stream(9), short_of=9), TRUNCATED, "within the answer"),
    ],
)  # fmt: skip
def test_an_answer_is_judged(kind: str, said: bytes, outcome: str, why: str) -> None:
    found, calls = asked(kind, said)
    assert (found.outcome, found.why, found.kind, found.model) == (outcome, why, kind, "scribe")
    assert calls == 2
    assert abs(time.time() - found.began) < 60 and 0 < found.took < 60


def test_no_server_and_no_answer_are_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = asyncio.run(ask(NEW, Connection("127.0.0.1", "x", None, 1), "scribe", ""))
    assert (closed.outcome, closed.why) == (FAILED, "ConnectionRefusedError")
    monkeypatch.setattr(rollout_load, "_SHORT_LASTS", 0.1)
    found, _ = asked(KEPT, b"hang")
    assert (found.outcome, found.why) == (FAILED, "TimeoutError")


@pytest.fixture
def endpoints(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Endpoint]:
    """Return two gateways that take 50 ms for every request and answer all."""

    async def at_once(kind: str, _: Connection, model: str, key: str) -> Asked:
        await asyncio.sleep(0.05)
        return Asked(kind, model, time.time() - 0.05, 0.05, OK, key)

    monkeypatch.setattr(rollout_load, "ask", at_once)
    monkeypatch.setattr(Driver, "_with_sdk", lambda *_: None)
    monkeypatch.setattr(ssl, "create_default_context", lambda **_: None)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "api_key").write_text("sk-x")
    return [Endpoint(name, "x", 1, 1, tmp_path) for name in ("edge1", "edge2")]


def test_the_load_lasts_from_before_the_work_until_after_it(endpoints: list[Endpoint]) -> None:
    times: list[float] = []

    def work() -> str:
        times.append(time.time())
        time.sleep(0.5)
        times.append(time.time())
        return "done"

    load = Load(("scribe", "clerk"), rate=100, before=0.3, after=0.3)
    records, result = under_load(endpoints, load, work)
    assert result == "done"
    own = [one for one in records if one.kind == NEW]
    # Clients do not wait for one another: at 50 ms each, one alone would ask 20 times a second
    assert 60 < len(own) < 160
    assert min(one.began for one in own) < times[0] - 0.2
    assert max(one.began for one in own) > times[1] + 0.2
    assert {one.why for one in records} == {"sk-x"}
    for kind in (NEW, STREAM, KEPT):
        assert {one.model for one in records if one.kind == kind} == {"scribe", "clerk"}


def test_work_that_fails_ends_the_load(endpoints: list[Endpoint]) -> None:
    def work() -> None:
        raise Failed("broken")

    with pytest.raises(Failed, match="broken"):
        under_load(endpoints, Load(("scribe",), before=0), work)


def test_a_stream_asks_for_all_words_that_there_are() -> None:
    body: dict[str, Any] = rollout_load.body_of(STREAM, "scribe")
    assert (body["stream"], body["max_tokens"]) == (True, 200)
    assert rollout_load.body_of(NEW, "scribe")["max_tokens"] == 2
