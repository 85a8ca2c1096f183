"""Test the checks against servers that fail at the transport, on real sockets.

Each server treats every request alike. The whole direct view runs against it: it must end in time,
fail, name what happened in an operator's words, and no check may break.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import pytest
from ansible.module_utils.tgi.checks.catalogue_direct import DIRECT
from ansible.module_utils.tgi.checks.results import ERROR, Report
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.client.http_client import Client, Target

from tests.support.checks.fuzz_run import unprintable
from tests.support.in_memory_tgi import MODEL

T = TypeVar("T")
Talk = Callable[[Reader, Writer], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\n"
JSON = b"content-type: application/json\r\n"
SSE = b"content-type: text/event-stream\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n'


async def head_of(reader: Reader) -> None:
    await reader.readuntil(b"\r\n\r\n")


def says(raw: bytes, *, then: str = "close") -> Talk:
    """Answer with these bytes; ``then`` close, half (close one way), wait, or reset."""

    async def talk(reader: Reader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(raw)
        await writer.drain()
        if then == "reset":
            # A linger time of 0 s makes the kernel send RST
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if then == "half":
            writer.write_eof()
        if then in ("half", "wait"):
            await reader.read()

    return talk


def repeats(head: bytes, piece: bytes, pause: float = 0.0, first: bool = True) -> Talk:
    """Send a piece again and again."""

    async def talk(reader: Reader, writer: Writer) -> None:
        if first:
            await head_of(reader)
        writer.write(head)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return talk


async def hangs_up(_: Reader, writer: Writer) -> None:
    writer.close()


async def never_reads(_: Reader, __: Writer) -> None:
    await asyncio.sleep(30)


def sized(body: bytes, length: int | None = None, head: bytes = OK + JSON) -> bytes:
    return head + b"content-length: %d\r\n\r\n" % (len(body) if length is None else length) + body


def coded(name: str, body: bytes) -> bytes:
    return sized(body, head=OK + f"content-encoding: {name}\r\n".encode())


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def zipped(times: int, size: int = 10_000_000) -> bytes:
    body = b"\n" * size
    for _ in range(times):
        body = gzip.compress(body)
    return body


HALF = b'{"object":"chat.completion","choices":[{"index":0,'
BAD, NO_CHOICE = "not valid HTTP", "the answer does not hold exactly one choice"
CLOSED, CUT = "connection closed without an answer", "connection closed in the middle of the body"
SILENT, SLOW = "no answer within 1.5 s", "no complete answer within 1.5 s"
#: Name: (what the server does, the problem of a check of whole answers).
CASES: dict[str, tuple[Talk, str]] = {
    "hangs up at once": (hangs_up, CLOSED),
    "closes without a word": (says(b""), CLOSED),
    "resets without a word": (says(b"", then="reset"), CLOSED),
    "resets in the headers": (says(OK + b"conte", then="reset"), CLOSED),
    "resets in the body": (says(sized(HALF, 900), then="reset"), CUT),
    "half-closed without a word": (says(b"", then="half"), CLOSED),
    "half-closed in the body": (says(sized(HALF, 900), then="half"), CUT),
    "half-closed in a chunk": (says(OK + JSON + CHUNKED + b"ff\r\nhalf", then="half"), CUT),
    "reads nothing": (never_reads, SILENT),
    "reads and says nothing": (says(b"", then="wait"), SILENT),
    "headers without an end": (says(OK + JSON, then="wait"), SILENT),
    "headers drip": (repeats(OK, b"x: y\r\n", 0.05), SILENT),
    "body drips": (repeats(OK + JSON + b"\r\n", b" ", 0.05), SLOW),
    "body stops": (says(sized(HALF, 900), then="wait"), SLOW),
    "body without an end": (repeats(OK + JSON + b"\r\n", b" " * 65536), "body longer than"),
    "comments without an end": (repeats(OK + SSE + CHUNKED, chunk(b": x\n\n"), 0.02), SLOW),
    "events without an end": (repeats(OK + SSE + CHUNKED, chunk(EVENT * 900)), "body longer than"),
    "100 Continue without an end": (repeats(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01), SILENT),
    "length too short": (says(sized(HALF + b"]}", 20)), NO_CHOICE),
    "length no number": (says(OK + b"content-length: many\r\n\r\n{}"), BAD),
    "length below zero": (says(OK + b"content-length: -1\r\n\r\n{}"), BAD),
    "two lengths": (says(OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}"), BAD),
    "chunk size no number": (says(OK + CHUNKED + b"zz\r\nab\r\n0\r\n\r\n"), BAD),
    "chunks without the last": (says(OK + JSON + CHUNKED + chunk(b"{}")), CUT),
    "one endless header": (repeats(OK + b"x: ", b"y" * 65536), BAD),
    "100,000 headers": (says(OK + b"x: y\r\n" * 100_000 + b"\r\n"), BAD),
    "headers of other signs": (says(OK + b"x\x00y: \xff\r\n\r\n"), BAD),
    "a banner of SSH": (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), BAD),
    "HTTP/2 without being asked": (says(b"\x00\x00\x12\x04" + b"\x00" * 23), BAD),
    "TLS on a plain port": (says(b"\x15\x03\x01\x00\x02\x02\x46"), BAD),
    "switches protocols": (says(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"), BAD),
    "no content": (says(b"HTTP/1.1 204 No Content\r\n\r\n"), "HTTP 204"),
    "not modified": (says(b"HTTP/1.1 304 Not Modified\r\n\r\n"), "HTTP 304"),
    "says gzip, is none": (says(coded("gzip", b"{}")), "not encoded as its header says"),
    "cut gzip": (says(coded("gzip", gzip.compress(HALF * 9)[:-9])), NO_CHOICE),
    "gzip bomb": (says(coded("gzip", zipped(1))), "body longer than"),
    "gzip in gzip": (says(coded("gzip, gzip", zipped(2))), "encoded as gzip, gzip"),
    "br": (says(coded("br", b"\x8b\x03\x80{}\x03")), "encoded as br"),
    "latin-1": (says(sized('{"né": 1}'.encode("latin-1"))), NO_CHOICE),
    "UTF-16": (says(sized('{"choices": []}'.encode("utf-16"))), NO_CHOICE),
    "truncated UTF-8": (says(sized('{"a": "é'.encode()[:-1])), NO_CHOICE),
    "redirects to itself": (says(b"HTTP/1.1 307 X\r\nlocation: /v1/chat/completions\r\n"
                                 b"content-length: 0\r\n\r\n"), "HTTP 307"),
    "redirects elsewhere": (says(b"HTTP/1.1 308 X\r\nlocation: http://other.example.org/\r\n"
                                 b"content-length: 0\r\n\r\n"), "HTTP 308"),
    "redirects to nowhere": (says(b"HTTP/1.1 302 X\r\nlocation: http://[::/\r\n"
                                  b"content-length: 0\r\n\r\n"), "Invalid URL in location header"),
}  # fmt: skip

#: These cases send megabytes per request, so they run one check of each kind.
HEAVY = {name for name, (_, words) in CASES.items() if words == "body longer than"}
PART = ("chat.basic", "chat.stream", "generate.basic", "generate.stream", "json.const")
#: All but health: where /health fails, the checks of later stages are not run.
ALL = sorted({spec.group for spec in DIRECT} - {"health", "selftest", "gpu"})
#: Seconds for a request. Cases that wait for it run at one time.
TIMEOUT = 1.5
#: A busy machine may need it where nothing waits.
PATIENCE = 15
WAITING = [name for name, (_, words) in CASES.items() if words in (SILENT, SLOW)]


async def against(talk: Talk, work: Callable[[int], Awaitable[T]]) -> T:
    """Run ``work(port)`` beside a server; what it still says at the end is cut off."""

    async def safely(reader: Reader, writer: Writer) -> None:
        try:
            await asyncio.wait_for(talk(reader, writer), 30)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(safely, "127.0.0.1", 0)
    try:
        return await work(server.sockets[0].getsockname()[1])
    finally:
        server.close()


async def checked(case: str) -> Report:
    """Run the checks against the server of a case."""

    async def work(port: int) -> Report:
        model = replace(MODEL, url=f"http://127.0.0.1:{port}")
        select = PART if case in HEAVY else ALL
        timeout = TIMEOUT if case in WAITING else PATIENCE
        options = Options("direct", "here", [model], timeout=timeout, deadline=60, select=select)
        return await check(options)

    return await against(CASES[case][0], work)


@pytest.fixture(scope="module")
def waited() -> dict[str, Report]:
    """Return the reports of all cases that wait, run at one time."""

    async def work() -> list[Report]:
        return await asyncio.gather(*(checked(case) for case in WAITING))

    return dict(zip(WAITING, asyncio.run(work())))


@pytest.mark.parametrize("case", CASES)
def test_it_fails_in_its_own_words(case: str, request: pytest.FixtureRequest) -> None:
    words = CASES[case][1]
    together = request.getfixturevalue("waited") if case in WAITING else {}
    report = together.get(case) or asyncio.run(checked(case))
    assert not report.passed and len(report.checks) == len(report.planned)
    assert [one.observed for one in report.of(ERROR)] == []
    assert not unprintable("".join(one.observed + one.evidence for one in report.checks))
    found = {one.id: one for one in report.checks}
    root = found[found["chat.basic"].consequence_of.partition(" ")[0] or "chat.basic"]
    assert (root.status, words in f"{root.observed}; {root.evidence}") == ("fail", True), root
    states = {found[name].status for name in ("generate.basic", "chat.basic", "chat.stream")}
    assert states <= {"fail", "not_judged"}
    assert found["chat.basic"].ms < 20_000


@dataclass
class Counting:
    """Answer {} on connections that stay open, and count them."""

    connections: int = 0

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        self.connections += 1
        while True:
            await head_of(reader)
            writer.write(sized(b"{}"))


def asked_twice() -> int:
    talk = Counting()

    async def work(port: int) -> None:
        async with Client(Target(f"http://127.0.0.1:{port}", timeout=5)) as client:
            for _ in range(2):
                answer: Answer = await client.send("GET", "/")
                assert answer.status == 200

    asyncio.run(against(talk, work))
    return talk.connections


def test_an_engine_gets_a_new_connection_for_every_request() -> None:
    """Use new connections: a server may close a kept one just as a request comes."""
    assert asked_twice() == 2
