"""Check what happens below the routes: heads, bodies and connections as hyper handles them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tgi_emulator.server.body import Body, BrokenBody
from tgi_emulator.server.head import MOST_BYTES, Refused, parse

from tests.support.emulator_process import Running, running

ASK = b'{"inputs":"Hi","parameters":{"max_new_tokens":3}}'
POST = b"POST /generate HTTP/1.1\r\ncontent-type: application/json\r\n"
CHUNKS = b"a;x=y\r\n%b\r\n27 \r\n%b\r\n0\r\ntrailer: 1\r\n\r\n" % (ASK[:10], ASK[10:])


@pytest.fixture(scope="module")
def emulator() -> Iterator[Running]:
    with running() as one:
        yield one


def said(emulator: Running, *parts: bytes, stop: bool = False) -> bytes:
    """Send bytes, perhaps close that direction, and return what comes until the server closes."""
    port = int(emulator.url.rpartition(":")[2])
    got = b""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        for part in parts:
            client.sendall(part)
        if stop:
            client.shutdown(socket.SHUT_WR)
        while more := client.recv(65536):
            got += more
    return got


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"\0", 400),
        (b"GET\r\n", 400),
        (b"GET  / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1 \r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\rn", 400),
        (b"GET /\xff HTTP/1.1\r\n", 400),
        (b"GET /<> HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\na: b\0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\na: b\r\n folded\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: +2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n", 400),
        (b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101, 431),
        (b"GET / HTTP/1.1\r\na: " + b"b" * MOST_BYTES, 431),
        (b"GET /" + b"a" * 65534 + b" HTTP/1.1\r\n\r\n", 414),
    ],
)
def test_what_is_no_request_has_a_status(raw: bytes, status: int) -> None:
    with pytest.raises(Refused) as refused:
        parse(raw)
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("raw", "path", "length", "keeps"),
    [
        (b"GET /a?b=c HTTP/1.1\r\n\r\n", b"/a", 0, True),
        (b"\r\nGET http://a/b HTTP/1.1\nconnection: x, Close\n\n", b"/b", 0, False),
        (b"GET / HTTP/1.0\r\n\r\n", b"/", 0, False),
        (b"GET / HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n", b"/", 0, True),
        (b"POST / HTTP/1.1\r\ncontent-length: 02\r\ncontent-length: 2\r\n\r\n", b"/", 2, True),
        (
            b"POST / HTTP/1.1\r\ncontent-length: 2\r\ntransfer-encoding: x, Chunked\r\n\r\n",
            b"/", None, True,
        ),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 100 + b"\r\n", b"/", 0, True),
    ],
)  # fmt: skip
def test_a_head_is_taken_when_it_is_whole(
    raw: bytes, path: bytes, length: int | None, keeps: bool
) -> None:
    found = parse(raw + b"rest")
    assert found is not None
    head, size = found
    assert (head.path, head.length, head.keep_alive, size) == (path, length, keeps, len(raw))
    assert all(parse(raw[:end]) is None for end in range(len(raw)))


@given(st.lists(st.integers(1, len(CHUNKS)), max_size=6))
def test_chunks_may_come_in_any_pieces(cuts: list[int]) -> None:
    body, buffer, out = Body(None), bytearray(), b""
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), None], strict=True):
        buffer += CHUNKS[start:end]
        out += body.take(buffer)
    assert (out, body.complete, bytes(buffer)) == (ASK, True, b"")


@pytest.mark.parametrize("raw", [b"x", b"\r\n", b"2\n{}", b"2\r\n{}x", b"2;\n", b"2\r\n{}\rx"])
def test_broken_chunks(raw: bytes) -> None:
    with pytest.raises(BrokenBody):
        Body(None).take(bytearray(raw))


def test_old_clients_are_answered_in_their_version(emulator: Running) -> None:
    head, _, body = said(emulator, b"GET /info HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK\r\n")
    assert b"\r\nconnection:" not in head
    assert json.loads(body)["router"] == "text-generation-router"
    asked = b"POST /generate_stream HTTP/1.0\r\ncontent-type: application/json\r\n"
    streamed = said(emulator, asked, b"content-length: %d\r\n\r\n%b" % (len(ASK), ASK))
    head, _, body = streamed.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert body.startswith(b"data: {")


def test_a_refusal_is_a_status_without_a_body(emulator: Running) -> None:
    head, _, body = said(emulator, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101).partition(b"\r\n\r\n")
    assert head.split(b"\r\ndate: ")[0].splitlines() == [
        b"HTTP/1.1 431 Request Header Fields Too Large", b"connection: close", b"content-length: 0",
    ]  # fmt: skip
    assert body == b""
    long = b"GET / HTTP/1.1\r\na: " + b"b" * 600_000
    assert said(emulator, long).startswith(b"HTTP/1.1 431 ")


def test_requests_follow_one_another_on_a_connection(emulator: Running) -> None:
    chunked = POST + b"transfer-encoding: chunked\r\n\r\n" + CHUNKS
    last = b"GET /ping HTTP/1.1\r\nconnection: close\r\n\r\n"
    got = said(emulator, b"GET /health HTTP/1.1\r\n\r\nHEAD /info HTTP/1.1\r\n\r\n", chunked, last)
    assert got.count(b"HTTP/1.1 200 OK\r\n") == 4
    assert got.count(b'{"generated_text":') == 1
    assert b"text-generation-router" not in got


def test_headers_come_in_axums_order(emulator: Running) -> None:
    got = said(emulator, b"GET /info HTTP/1.1\r\nconnection: close\r\n\r\n")
    names = [line.split(b":")[0].decode() for line in got.split(b"\r\n\r\n")[0].splitlines()[1:]]
    assert names == [
        "content-type", "content-length", "vary", "access-control-allow-origin", "connection",
        "date",
    ]  # fmt: skip


def test_a_body_is_asked_for_and_told_when_it_breaks(emulator: Running) -> None:
    waiting = POST + b"expect: 100-continue\r\nconnection: close\r\n"
    got = said(emulator, waiting + b"content-length: %d\r\n\r\n" % len(ASK), ASK)
    assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    wrong = b"POST /generate HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n"
    assert said(emulator, wrong).startswith(b"HTTP/1.1 415 ")
    got = said(emulator, POST + b"transfer-encoding: chunked\r\n\r\nzz\r\n")
    assert got.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nconnection: close\r\n" in got
    told = b"Failed to buffer the request body: error reading a body from connection"
    assert got.endswith(told)
    assert said(emulator, POST + b"content-length: 9\r\n\r\n{", stop=True).endswith(told)
    assert said(emulator, POST, stop=True) == b""


def test_http2_is_spoken_to_clients_that_begin_with_it(emulator: Running) -> None:
    with httpx.Client(base_url=emulator.url, http1=False, http2=True) as client:
        info = client.get("/info")
        assert (info.http_version, info.status_code) == ("HTTP/2", 200)
        assert (client.head("/info").content, client.get("/nope").status_code) == (b"", 404)
        parameters = {"max_new_tokens": 3}
        asked = client.post("/generate", json={"inputs": "Hi", "parameters": parameters})
        assert asked.json()["generated_text"]
        # More than a window holds, both ways
        assert len(client.post("/tokenize", json={"inputs": "word " * 60_000}).json()) > 60_000
        assert client.post("/generate", content=b"{").text.endswith("application/json`")
        with client.stream("POST", "/generate_stream", json={"inputs": "Hi"}) as answer:
            assert next(answer.iter_lines()).startswith("data: {")
        assert client.get("/api-doc/openapi.json").json()["openapi"] == "3.0.3"


def test_http2_breaks_off_where_http1_does(emulator: Running) -> None:
    with (
        emulator.broken("stream-cut=2"),
        httpx.Client(base_url=emulator.url, http1=False, http2=True) as client,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        client.post("/generate_stream", json={"inputs": "Hi"})


def test_a_beginning_of_http2_may_be_an_error(emulator: Running) -> None:
    assert said(emulator, b"PRI * HT", b"TP/2.0\r\n\r\nXX\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    settings_of_a_stream = b"\0\0\0\4\0\0\0\0\1"
    got = said(emulator, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings_of_a_stream)
    goodbye = got[-17:]
    assert (goodbye[:4], goodbye[-1]) == (b"\0\0\x08\x07", 1)
