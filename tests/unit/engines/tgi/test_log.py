"""Reading docker's output: times, colours, JSON, and nothing secret."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.common.log_lines import epoch, merge
from ansible.module_utils.tgi.common.text import clean, mask, shorten
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
    ("text", "seconds"),
    [
        ("2023-11-14T22:13:20Z", T0),
        ("2023-11-14T22:13:20.25Z", T0 + 0.25),
        ("2023-11-14T22:13:20.123456789Z", T0 + 0.123456789),
        ("2023-11-14T23:13:20+01:00", T0),
        ("2023-11-14T20:13:20-0200", T0),
        ("0001-01-01T00:00:00Z", 0.0),
        ("", 0.0),
        ("Traceback", 0.0),
    ],
)
def test_epoch(text: str, seconds: float) -> None:
    assert epoch(text) == pytest.approx(seconds, abs=1e-6)


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


def test_streams_are_merged_by_time() -> None:
    out, err = parse(raw((1, "a"), (3, "c"))), parse(raw((2, "b"), (3, "d")))
    assert [line.text for line in merge(out, err)] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "text",
    [
        "token hf_SESAMEsesameSESAME12 refused",
        "Authorization: Bearer SESAME.x-y",
        "authorization: basic SESAME==",
        'Args { api_key: Some("SESAME") }',
        "HF_TOKEN=SESAME",
        "text-generation-router --api-key SESAME --port 80",
        "proxy http://user:SESAME@proxy:3128/",
        "https://cdn/x?X-Amz-Signature=SESAME&X-Amz-Credential=SESAME%2Fx",
    ],
)
def test_no_secret_is_kept(text: str) -> None:
    assert "SESAME" not in mask(text).replace("SESAMEsesameSESAME12", "SESAME")
    assert "SESAME" not in parse(raw((0, text)))[0].text


def test_an_api_key_alone_on_its_line_in_the_launchers_arguments_is_not_kept() -> None:
    lines = parse(raw((0, ARGS)))
    assert not [line for line in lines if "sesame-open" in line.text]


def test_ordinary_words_stay() -> None:
    text = "Setting max batch total tokens to 4096: max_input_tokens: 12"
    assert mask(text) == text


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert clean("a\x1b]0;title\x07b\x1b[2Jc\x00\x9bd\r") == "abcd"


def test_shorten() -> None:
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("abcd", 4) == "abcd"
