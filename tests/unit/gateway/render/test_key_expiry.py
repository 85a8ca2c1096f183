"""Test the end dates of keys."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from ansible.module_utils.tgi.gateway.render.key_expiry import expires_at

NOON = 1801396800  # 2027-01-31T12:00:00Z


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2027-01-31T12:00:00Z", NOON),
        ("2027-01-31 12:00", NOON),
        ("2027-01-31T13:00+01:00", NOON),
        ("2027-01-31", NOON + 12 * 3600),
    ],
)
def test_dates(written: Any, seconds: int) -> None:
    assert expires_at(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        "",
        "soon",
        "31.01.2027",
        "2027-02-30",
        "2027-01-31T25:00",
        "20270131",
        NOON,
        True,
        None,
        [],
        dt.date(2027, 1, 31),
    ],
)
def test_what_is_no_date(written: Any) -> None:
    with pytest.raises(ValueError):
        expires_at(written)
