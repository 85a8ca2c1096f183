"""Merge log streams by their times."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.common.log_lines import epoch, merge
from ansible.module_utils.tgi.engines.tgi.log import parse

from tests.support.wait_fakes import (
    T0,
    raw,
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


def test_streams_are_merged_by_time() -> None:
    out, err = parse(raw((1, "a"), (3, "c"))), parse(raw((2, "b"), (3, "d")))
    assert [line.text for line in merge(out, err)] == ["a", "b", "c", "d"]
