"""Test the lines that long work shows."""

from __future__ import annotations

import threading
import time

from module_utils.tgi.bundle.pulse import Meter, Pulse


def test_a_line_has_rate_and_time_left() -> None:
    now, done = [0.0], [100 << 20]
    meter = Meter("images", "fetch", 1 << 30, lambda: done[0], lambda: now[0])
    now[0], done[0] = 8.0, (100 + 256) << 20
    line = "images: fetch 256.0 MiB of 1.0 GiB (25 %), 32.0 MiB/s, 24 s left"
    assert meter.line() == line


def test_nothing_to_do_is_no_line() -> None:
    assert Meter("images", "fetch", 0).line() == ""


def test_a_line_is_said_once_while_the_work_runs() -> None:
    said: list[str] = []
    heard = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        heard.set()

    with Pulse(say, lambda: "half", every=0.01):
        assert heard.wait(10)
        time.sleep(0.05)
    assert said == ["half"]
