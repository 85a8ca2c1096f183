"""Ask real sockets with the standard library; a broken answer has the same words as with httpx."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.client.http_client import MAX_BODY, Client, Target
from ansible.module_utils.tgi.client.plain_client import PlainClient

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@contextmanager
def server(reply: bytes, pause: float = 0.0) -> Iterator[str]:
    """Answer every request with these bytes, the last one after a pause, and close."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    plug, _ = listener.accept()
                except OSError:
                    return
                with plug:
                    while not plug.recv(65536).endswith(b"}"):
                        """Unread bytes would make the close a reset."""
                    try:
                        plug.sendall(reply[:-1])
                        time.sleep(pause)
                        plug.sendall(reply[-1:])
                    except OSError:
                        pass

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.close()


def ask(make: Any, url: str, timeout: float = 5.0) -> Answer:
    async def work() -> Answer:
        async with make(Target(url, timeout=timeout)) as client:
            answer: Answer = await client.send("POST", "/generate", {"inputs": "é"})
            return answer

    return asyncio.run(work())


@pytest.mark.parametrize(
    "reply",
    [
        HEAD + b'Content-Length: 7\r\n\r\n{"a":1}',
        HEAD + b'Content-Length: 7\r\nConnection: close\r\n\r\n{"a":1}',
        HEAD + b'\r\n{"a":1}',
        CHUNKED + b'3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n',
        HEAD + b"Content-Length: 0\r\n\r\n",
        HEAD + b'Content-Length: 99\r\n\r\n{"a":1}',
        CHUNKED + b'3\r\n{"a\r\n',
        b"HTTP/1.1 429 Too Many\r\nRetry-After: 0\r\nContent-Length: 2\r\n\r\n{}",
        b"x",
    ],
)
def test_the_same_answer_as_with_httpx(reply: bytes) -> None:
    with server(reply) as url:
        plain, other = ask(PlainClient, url), ask(Client, url)
    assert (plain.status, plain.body, bool(plain.fault)) == (
        other.status, other.body, bool(other.fault),
    )  # fmt: skip
    if plain.status:
        assert (plain.fault, plain.attempts) == (other.fault, other.attempts)
        assert plain.media_type == other.media_type


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert ask(PlainClient, url).fault == "connection refused"


def test_a_server_that_closes() -> None:
    with server(b"\r") as url:
        assert ask(PlainClient, url).fault


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (b"HT", "no answer within 0.2 s"),
        (HEAD + b"Content-Length: 9\r\n\r\n{}", "no complete answer within 0.2 s"),
    ],
)
def test_every_wait_ends(reply: bytes, fault: str) -> None:
    began = time.monotonic()
    with server(reply, pause=0.6) as url:
        assert ask(PlainClient, url, 0.2).fault == fault
    assert time.monotonic() - began < 5


def test_a_body_without_an_end_is_cut() -> None:
    with server(HEAD + b"\r\n" + b"x" * (MAX_BODY + 100)) as url:
        answer = ask(PlainClient, url)
    assert answer.fault == f"body longer than {MAX_BODY} bytes" and len(answer.body) == MAX_BODY


def test_pieces_come_with_their_times() -> None:
    with server(CHUNKED + b"3\r\n{}\n\r\n0\r\n\r\n") as url:
        answer = ask(PlainClient, url)
    assert [data for _, data in answer.chunks] == [b"{}\n"] and answer.ms >= 0
    assert 0 < answer.chunks[0][0] < 5
