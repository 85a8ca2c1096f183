"""Read the output of docker logs: times, colours, JSON, and no secrets."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.engines.tgi.log import parse

from tests.support.wait_fakes import (
    ARGS,
    CONNECTED,
    DOWNLOAD,
    SHARD,
    T0,
    as_json,
    launcher,
    raw,
    router,
)


@pytest.mark.parametrize(
    ("line", "message", "level"),
    [
        (DOWNLOAD, "Starting check and download process for acme/m", "INFO"),
        (SHARD, "Starting shard", "INFO"),
        (CONNECTED, "Connected", "INFO"),
        (router("Using config Some(Llama)"), "Using config Some(Llama)", "INFO"),
        (launcher("Shard 0 failed to start", "ERROR"), "Shard 0 failed to start", "ERROR"),
        (as_json("Starting Webserver"), "Starting Webserver", "INFO"),
        (as_json("Connected", flat=True), "Connected", "INFO"),
        ("error: unexpected argument '--x' found", "error: unexpected argument '--x' found", ""),
        ('{"not": "a log entry"}', '{"not": "a log entry"}', ""),
        ("{ broken", "{ broken", ""),
        (
            "2024-01-01T00:00:00Z  INFO generate{id=1 f=Some(2)}: text_generation_router::server: "
            "router/src/server.rs:1: Success",
            "Success",
            "INFO",
        ),
    ],
)
def test_a_line_is_taken_apart(line: str, message: str, level: str) -> None:
    (only,) = parse(raw((5, line)))
    assert (only.message, only.level) == (message, level)
    assert only.at == pytest.approx(T0 + 5)


def test_a_json_message_of_several_lines_becomes_several() -> None:
    lines = parse(raw((1, as_json("Download encountered an error:\nboom", "ERROR"))))
    assert [line.message for line in lines] == ["Download encountered an error:", "boom"]


def test_output_without_times_and_blank_lines() -> None:
    assert [line.text for line in parse("one\n\n  \ntwo\n")] == ["one", "two"]


def test_an_api_key_alone_on_its_line_in_the_launchers_arguments_is_not_kept() -> None:
    lines = parse(raw((0, ARGS)))
    assert not [line for line in lines if "sesame-open" in line.text]
