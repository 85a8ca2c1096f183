"""Read tracebacks that are cut off, prefixed, or hold a secret that the wrapping cut in two."""

from __future__ import annotations

import time

import pytest
from ansible.module_utils.tgi.common.log_lines import Line
from ansible.module_utils.tgi.engines.tgi.causes import recognise
from ansible.module_utils.tgi.engines.tgi.log import parse
from ansible.module_utils.tgi.engines.tgi.quote import quote
from ansible.module_utils.tgi.engines.tgi.tracebacks import read_tracebacks

from tests.support.ending_logs import Raised, boxed, entry, failed_shard, plain
from tests.support.wait_fakes import raw

PLACES = (("/usr/src/server/text_generation_server/cli.py", 117, "serve"),)
LONG = (
    "the weights of this model cannot be had, and the reason takes far more than the eighty "
    "columns that a console without a terminal has"
)


def read(text: str, form: str = "text") -> list[Line]:
    return parse(raw((1, entry("ERROR", f"Shard complete standard error output:\n\n{text}", form))))


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_wrapped_message_is_joined(form: str) -> None:
    path = "/data/" + "x" * 150 + "/config.json"
    for says in (LONG, f"{LONG} in {path} and no other place", path):
        (found,) = read_tracebacks(read(boxed(Raised("OSError", says), PLACES), form))
        assert found.message == f"OSError: {says}"
        assert found.frames == ("/usr/src/server/text_generation_server/cli.py:117 in serve",)


def test_frames_with_long_paths_are_joined() -> None:
    path = "/usr/src/server/text_generation_server/models/" + "deep/" * 20 + "flash.py"
    (found,) = read_tracebacks(read(boxed(Raised("OSError", "x"), ((path, 12, "load"),))))
    assert found.frames == (f"{path}:12 in load",)


def test_a_box_whose_beginning_is_lost_keeps_its_message() -> None:
    lines = read(boxed(Raised("KeyError", "'lost'"), PLACES))
    (found,) = read_tracebacks(lines[5:])
    assert found.message == "KeyError: 'lost'"
    assert not any("│" in text for text in quote(lines[5:]))


def test_the_rank_that_torch_puts_before_each_line() -> None:
    for drawn in (
        boxed(Raised("ValueError", LONG), PLACES),
        plain(Raised("ValueError", LONG), PLACES),
    ):
        text = "\n".join(f"[rank0]: {line}" for line in drawn.split("\n"))
        (found,) = read_tracebacks(read(text))
        assert found.message == f"ValueError: {LONG}"


def test_the_exceptions_before_are_kept_apart_by_how_they_led_to_it() -> None:
    inner = Raised("KeyError", "'first'", direct=False)
    middle = Raised("OSError", "second", (), inner, direct=True)
    for draw in (boxed, plain):
        (found,) = read_tracebacks(read(draw(Raised("ValueError", "last", (), middle), PLACES)))
        assert found.message == "ValueError: last"
        assert found.reasons == ("OSError: second",)
        assert found.before == ("KeyError: 'first'",)


@pytest.mark.parametrize("length", [37, 60, 90, 200])
@pytest.mark.parametrize("words", range(0, 60, 7))
def test_no_part_of_a_token_that_the_wrapping_cut_is_shown(length: int, words: int) -> None:
    token = "hf_" + "Sesame"[: length % 7] + "S3cr" * (length // 4)
    says = f"{'w' * words} header value: 'Bearer {token}' is refused"
    lines = parse(failed_shard(Raised("requests.exceptions.InvalidHeader", says)))
    found = recognise(lines, "load")
    assert found is not None
    assert "S3cr" not in "\n".join((found.text, found.remedy, *quote(lines, found)))
    (_, box) = read_tracebacks(lines)
    assert "S3cr" not in box.message
    assert box.message.endswith("is refused")


def test_another_box_is_no_traceback() -> None:
    usage = "╭─ Error ─────╮\n│ Missing argument │\n╰─────────────╯\nUsage: text-generation-server"
    assert read_tracebacks(read(usage)) == []


def test_a_traceback_after_which_tgi_goes_on_ends_nothing() -> None:
    text = plain(Raised("torch.OutOfMemoryError", "CUDA out of memory."), PLACES)
    lines = parse(
        raw(
            (1, entry("ERROR", f"Decode cuda graph warmup failed\n{text}", "text")),
            (2, "Error: Backend(NotEnoughMemory(8192))"),
        )
    )
    found = recognise(lines, "warmup")
    assert found is not None
    assert found.id == "kv_too_small"


@pytest.mark.parametrize(
    "line",
    ["x INFO " + "a{}: " * 60 + "x", "x ERROR text_generation_launcher: " + "a{" * 20000,
     "a" * 60000, "/a" * 20000, "a: " * 20000, "'a`" * 20000, "│ /" + "a" * 20000, "╭─" * 9000],
    ids=range(8),
)  # fmt: skip
def test_a_line_made_to_take_long_does_not(line: str) -> None:
    began = time.process_time()
    lines = parse(f"2026-11-28T10:00:00Z {line}\n")
    quote(lines, recognise(lines, "load"))
    assert time.process_time() - began < 2
