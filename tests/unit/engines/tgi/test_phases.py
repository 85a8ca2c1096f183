"""Read the phase of a start from the log."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.common.log_lines import Line
from ansible.module_utils.tgi.engines.tgi.log import parse
from ansible.module_utils.tgi.engines.tgi.phases import read_progress

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
