"""No pattern is slow, whatever it reads: logs, answers, files and output may be hostile."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.patterns.hostile_lines import lines
from tests.support.patterns.source_patterns import LENGTH, Use, sources, uses

#: CPU seconds for one text. What grows with the square of its length takes longer; others some ms.
MOST = 0.25


class TooSlowError(Exception):
    """A match was still running after twice the time."""


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """End a match that would take for ever."""

    def end(*_: Any) -> None:
        raise TooSlowError

    before = signal.signal(signal.SIGVTALRM, end)
    yield
    signal.signal(signal.SIGVTALRM, before)


def took(use: Use, text: str) -> float:
    """Return the CPU seconds of one use of a pattern."""
    pattern = re.compile(use.pattern, use.flags)
    method = getattr(pattern, "search" if use.method == "compile" else use.method)
    arguments = ("", text) if use.method in ("sub", "subn") else (text,)
    signal.setitimer(signal.ITIMER_VIRTUAL, 2 * MOST)
    started = time.thread_time()
    try:
        found = method(*arguments)
        if use.method == "finditer":
            list(found)
    except TooSlowError:
        return 2 * MOST
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return time.thread_time() - started


def slow(use: Use) -> str:
    """Return the line that a pattern is slow on; empty if there is none."""
    for text in lines(use.pattern, use.flags, use.longest):
        # A busy machine may be slow once
        if took(use, text) > MOST and took(use, text) > MOST:
            return f"{use.place} {use.method} {use.pattern!r}: {text[:60]!r}"
    return ""


def test_no_pattern_of_ours_is_slow() -> None:
    found = {use for path in sources() for use in uses(path)}
    distinct = {(one.pattern, one.flags, one.method): one for one in sorted(found, key=str)}
    assert len(distinct) > 400
    assert [said for use in distinct.values() if (said := slow(use))] == []


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$",
        r"(\S+\.so[\w.]*: failed to map segment)",
        r"(?m)^[\s{,]*name: (\S+)$",
        r"(?:^|\s)server_name\s+([^;]*);",
        r"\s+rank=\d+$",
    ],
)
def test_a_slow_pattern_is_found(pattern: str) -> None:
    assert slow(Use("here", pattern, 0, "search", 4 * LENGTH))


def test_a_quick_pattern_is_not() -> None:
    assert not slow(Use("here", r"(?<!\s)\s+rank=\d+$", 0, "search", 4 * LENGTH))
