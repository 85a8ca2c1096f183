"""Check the arithmetic of a roll-out: availability by second, outage, gap and the tables."""

from __future__ import annotations

import pytest

from benchmarks.rollout_figures import (
    Measured,
    availability,
    during,
    gap,
    in_place,
    latency,
    lost,
    outage,
    reasons,
    short,
    table,
)
from benchmarks.rollout_load import FAILED, KEPT, NEW, OK, SDK, STREAM, TRUNCATED, Asked

ORIGIN = 1000.5


def one(at: float, why: str = "200", kind: str = NEW, model: str = "scribe") -> Asked:
    """Return a request that began so many seconds after the origin and took a tenth of it."""
    outcome = OK if why == "200" else TRUNCATED if "tokens" in why else FAILED
    return Asked(kind, model, ORIGIN + at, at / 10, outcome, why)


def test_availability_is_by_the_second_of_the_beginning() -> None:
    asked = [one(0), one(0.9, "502"), one(1.0), one(3.2, "502")]
    assert availability(asked, ORIGIN) == [0.5, 1.0, None, 0.0]
    assert availability([], ORIGIN) == []


def test_latency_is_that_of_good_answers_in_milliseconds() -> None:
    asked = [one(1.1), one(1.2), one(1.3), one(1.9, "502"), one(2.0, "502")]
    assert latency(asked, ORIGIN, 0.5) == [None, pytest.approx(120), None]
    assert latency(asked, ORIGIN, 0.95) == [None, pytest.approx(130), None]


def test_an_outage_is_a_second_in_which_a_model_answers_nothing() -> None:
    dark = [one(1, "502"), one(1.5, "502"), one(1.2, model="clerk")]
    spared = [one(2, "502"), one(2.5), one(2.2, "502", model="clerk")]
    nothing_asked = [one(9)]
    assert outage(dark, ORIGIN) == 1
    # Of clerk, second 2; of scribe, second 1; a second counts once
    assert outage(dark + spared + nothing_asked, ORIGIN) == 2
    assert outage([*dark, one(1.7, "502", model="clerk")], ORIGIN) == 1
    assert outage([], ORIGIN) == 0


def test_a_gap_lasts_until_the_model_answers_again() -> None:
    asked = [one(1), one(5, "503"), one(2, "502"), one(3), one(6.5), one(9)]
    assert gap(asked, "scribe") == pytest.approx(4.5)
    assert gap(asked, "clerk") == gap([one(1)], "scribe") == 0
    assert gap([one(1), one(2, "503"), one(4, "503")], "scribe") == pytest.approx(2)


def measured(*more: Asked) -> Measured:
    good = [one(1), one(2, kind=KEPT), one(2, kind=SDK), one(2, kind=STREAM)]
    return Measured([*good, *more], ORIGIN + 2, ORIGIN + 62.4)


def test_the_table_counts_each_kind_apart() -> None:
    bad = measured(
        one(3, "502"), one(3.1, "502"), one(3.2, "503", KEPT), one(4, "9 of 200 tokens", STREAM)
    )
    rows = table({"A": measured(), "B": bad}).splitlines()
    assert rows[:4] == [
        "| What | A | B |",
        "|---|---|---|",
        "| failed, of requests on a new connection each | 0 of 1 | 2 of 3 |",
        "| failed, of requests on kept-alive connections | 0 of 1 | 1 of 2 |",
    ]
    assert "| failed, of streams of 12 s | 0 of 1 | 0 of 2 |" in rows
    assert "| cut, of streams of 12 s | 0 of 1 | 1 of 2 |" in rows
    assert "| reasons |  | 502 (2), 503 (1), 9 of 200 tokens (1) |" in rows
    assert "| seconds in which some model answered nothing | 0 | 1 |" in rows
    assert "| an answer of two tokens: median | 100 ms | 100 ms |" in rows
    assert rows[-2:] == [
        "| the change took | 60 s | 60 s |",
        "| requests that began meanwhile | 3 | 7 |",
    ]
    assert during(Measured([one(1), one(2), one(3), one(4)], ORIGIN + 2, ORIGIN + 3.5)) == 2
    assert (lost(measured()), lost(bad)) == (0, 4)
    assert measured().origin == pytest.approx(ORIGIN + 1)
    assert [x.began for x in short(bad.records)] == [ORIGIN + 1, ORIGIN + 3, ORIGIN + 3.1]


def test_a_way_that_answers_nothing_has_no_latency() -> None:
    rows = table({"A": Measured([one(1, "502")], ORIGIN, ORIGIN + 1)})
    assert "| an answer of two tokens: p99 |  |" in rows


def test_in_place_says_what_clients_got() -> None:
    later = "503 with Retry-After"
    asked = measured(
        *(one(at, later, model="solo") for at in (3, 4, 5)), one(5.5, "502", model="solo"),
        one(7, model="solo"), one(4, "502"),
    )  # fmt: skip
    assert in_place(asked, "solo") == (
        "`solo` was out for 4.0 s: of its 4 requests that failed, 3 got a 503 with `Retry-After`, "
        "the others: 502 (1). Of the other models' requests, 1 of 4 failed."
    )
    assert in_place(measured(one(3, later, model="solo"), one(4, model="solo")), "solo") == (
        "`solo` was out for 1.0 s: of its 1 requests that failed, 1 got a 503 with `Retry-After`. "
        "Of the other models' requests, 0 of 3 failed."
    )


def test_reasons_come_by_their_number() -> None:
    assert reasons([one(1), one(2, "502"), one(3, "503"), one(4, "503")]) == "503 (2), 502 (1)"
