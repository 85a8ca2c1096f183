"""Read the phase of a start from the log."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.common.log_lines import Line
from ansible.module_utils.tgi.engines.tgi.log import parse
from ansible.module_utils.tgi.engines.tgi.phases import last_run, read_progress

from tests.support.ending_logs import Raised, boxed, entry
from tests.support.wait_fakes import (
    ARGS,
    DOWNLOAD,
    SHARD,
    T0,
    TO_LOAD,
    TO_SERVE,
    TO_WARMUP,
    launcher,
    raw,
    router,
)

WAITING = launcher("Waiting for shard to be ready... rank=0", span="shard-manager")


def lines(*entries: tuple[float, str]) -> list[Line]:
    return list(parse(raw(*entries)))


@pytest.mark.parametrize(
    ("log", "phase", "began", "detail"),
    [
        ((), "start", 0, ""),
        (((0.1, ARGS),), "start", 0, "Args {"),
        (TO_LOAD[:2], "download", 1, "Starting check and download process for acme/m"),
        (
            (*TO_LOAD[:2], (2, launcher("Download: [1/4] -- ETA: 0:00:30"))),
            "download",
            1,
            "Download: [1/4] -- ETA: 0:00:30",
        ),
        ((*TO_LOAD, (13, WAITING)), "load", 3.1, "Waiting for shard to be ready..."),
        (TO_WARMUP, "warmup", 17.1, "Warming up model"),
        (TO_SERVE, "serve", 25, "Connected"),
    ],
)
def test_phase(log: Any, phase: str, began: float, detail: str) -> None:
    found = read_progress(lines(*log), T0)
    assert (found.phase, found.detail) == (phase, detail)
    assert found.began == pytest.approx(T0 + began)


def test_shards_are_counted() -> None:
    two = launcher("Starting shard rank=1", span="shard-manager")
    ready = launcher("Shard ready in 10s rank=1", span="shard-manager")
    log = lines(*TO_LOAD, (3.2, two), (9, ready), (13, WAITING))
    assert read_progress(log, T0).detail == "Waiting for shard to be ready... (1 of 2 ready)"


def test_adapters_download_in_one_phase() -> None:
    log = lines(*TO_LOAD[:3], (9, DOWNLOAD), (20, SHARD), (21, DOWNLOAD))
    assert read_progress(log[:-1], T0).phase == "load"
    assert read_progress(log, T0).phase == "load", "a phase never goes back"


def test_other_words_of_the_router_are_not_connected() -> None:
    assert read_progress(lines((1, router("Connected to the Hub"))), T0).phase == "start"


def test_connected_is_said_before_the_port_is_open() -> None:
    bind = router("Failed to bind to 0.0.0.0:80: Address already in use (os error 98)", "ERROR")
    assert read_progress(lines(*TO_SERVE, (26, bind)), T0).phase == "listen"


def test_an_exception_of_python_begins_no_run() -> None:
    """The box names struct.error without its module, as the launcher begins a refusal."""
    log = lines(*TO_LOAD[:2], (3, "error: unpack requires a buffer of 4 bytes"))
    assert read_progress(last_run(log), T0).phase == "download"
    refused = (*log, *lines((9, "error: unexpected argument '--x' found")))
    assert len(last_run(refused)) == 1


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_detail_is_never_a_piece_of_a_box(form: str) -> None:
    text = f"Shard complete standard error output:\n\n{boxed(Raised('KeyError', 'x'), ())}"
    log = parse(raw((0, entry("ERROR", text, form))))
    assert read_progress(log, T0).detail == "Shard complete standard error output:"
