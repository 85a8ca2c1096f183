"""Put to the emulator what the real TGI was asked, and run the same against any server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from peer import replay
from peer.exchange import Asked
from peer.view import view

from tests.support.emulator_process import Running, running


@pytest.fixture(scope="module")
def emulator() -> Iterator[Running]:
    with running(*replay.STARTED_WITH) as one:
        yield one


def test_the_emulator_answers_as_the_real_engine_did(emulator: Running) -> None:
    differences = {one.name: one for one in replay.replay(emulator.url, replay.recorded())}
    excepted = replay.exceptions()
    unlisted = "\n".join(str(one) for name, one in differences.items() if name not in excepted)
    assert not unlisted, f"the emulator answers otherwise than TGI:\n{unlisted}"
    alike = [name for name in excepted if name not in differences]
    assert not alike, f"remove these from exceptions.yml, they are alike: {alike}"


def test_every_exception_has_a_reason_and_a_case() -> None:
    excepted = replay.exceptions()
    assert set(excepted) <= set(replay.recorded())
    assert all(excepted.values())


def test_any_server_is_compared_and_told(
    emulator: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay.main([emulator.url, "GET /ping", "GET /nope"]) == 0
    assert capsys.readouterr().out == "2 of 2 alike\n"
    with emulator.broken("wrong-status=500"):
        assert replay.main([emulator.url, "GET /ping", "GET /nope"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "## GET /nope",
        "   status recorded: HTTP/1.1 404",
        "   status now:      HTTP/1.1 500",
        "1 of 2 alike",
    ]


def test_a_server_that_does_not_answer_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.main(["http://127.0.0.1:1", "GET /ping"]) == 2
    assert "No server answers at http://127.0.0.1:1" in capsys.readouterr().out
    assert replay.main([]) == 2
    assert capsys.readouterr().err.startswith("usage: ")


def test_a_request_is_sent_as_it_was_recorded() -> None:
    assert Asked(raw="GET / HTTP/1.0\r\n\r\n").sent() == b"GET / HTTP/1.0\r\n\r\n"
    given = Asked("POST", "/generate", raw="\xff{", headers={"content-type": "text/plain"})
    assert given.sent() == (
        b"POST /generate HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n"
        b"content-type: text/plain\r\ncontent-length: 2\r\n\r\n\xff{"
    )


HEAD = b"HTTP/1.1 200 OK\r\nx-total-time: 12\r\nDate: now\r\ncontent-type: "


def test_a_view_keeps_words_and_order_and_hides_what_a_model_decides() -> None:
    body = b'{"b": "said", "text": "Paris", "a": [1, 2, 2.5], "error": "Given: 12 tokens"}'
    seen = view(HEAD + b"application/json\r\n\r\n" + body)
    assert seen == {
        "status": "HTTP/1.1 200",
        "headers": {"content-type": "application/json", "x-total-time": "…"},
        "body": '{"b": "said", "text": "str", "a": ["*", "int", "float"],'
        ' "error": "Given: N tokens"}',
    }


def test_a_view_shows_events_alike_once_and_a_broken_stream() -> None:
    head = HEAD + b"text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    events = b'data: {"id": 1}\n\ndata: {"id": 2}\n\ndata: [DONE]\n\n'
    chunk = f"{len(events):x}\r\n".encode() + events + b"\r\n"
    assert view(head + chunk + b"0\r\n\r\n")["body"] == ['data: {"id": "int"}', "data: [DONE]"]
    assert view(head + chunk)["body"][-1] == "<CUT>"
