"""Compute availability, outage and latency of a roll-out from the requests that were recorded."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.gateway_figures import quantile
from benchmarks.rollout_load import FAILED, KEPT, NEW, OK, SDK, STREAM, TRUNCATED, Asked

Series = list[float | None]
#: What clients get of a model that is being replaced
POLITE = "503 with Retry-After"
_KINDS = {
    NEW: "requests on a new connection each",
    KEPT: "requests on kept-alive connections",
    SDK: "requests of OpenAI's client, with its retries",
    STREAM: "streams of 12 s",
}


@dataclass(frozen=True)
class Measured:
    """A change under load; times are seconds since the epoch.

    ``replaced`` has the time at which each container ended, and its host.
    """

    records: Sequence[Asked]
    began: float
    ended: float
    replaced: Sequence[tuple[float, str]] = ()

    @property
    def origin(self) -> float:
        """The beginning of the first request."""
        return min(one.began for one in self.records)


def short(records: Iterable[Asked]) -> list[Asked]:
    """Return the requests that began at a steady rate."""
    return [one for one in records if one.kind == NEW]


def by_second(records: Iterable[Asked], origin: float) -> dict[int, list[Asked]]:
    """Return the requests by the second in which they began, counted from ``origin``."""
    found: dict[int, list[Asked]] = defaultdict(list)
    for one in records:
        found[int(one.began - origin)].append(one)
    return found


def availability(records: Sequence[Asked], origin: float) -> Series:
    """Return for each second the share of its requests that were answered; None without any."""
    seconds = by_second(records, origin)
    return [
        sum(one.outcome == OK for one in seconds[at]) / len(seconds[at]) if at in seconds else None
        for at in range(max(seconds, default=-1) + 1)
    ]


def latency(records: Sequence[Asked], origin: float, share: float) -> Series:
    """Return for each second a quantile of its answers, in milliseconds; None without any."""
    seconds = by_second(records, origin)
    good = {at: [one.took for one in asked if one.outcome == OK] for at, asked in seconds.items()}
    return [
        quantile(good[at], share) * 1000 if good.get(at) else None
        for at in range(max(seconds, default=-1) + 1)
    ]


def outage(records: Sequence[Asked], origin: float) -> int:
    """Return the number of seconds in which some model was asked and answered no request."""
    dark = set()
    for model in {one.model for one in records}:
        own = availability([one for one in records if one.model == model], origin)
        dark |= {at for at, share in enumerate(own) if share == 0}
    return len(dark)


def gap(records: Sequence[Asked], model: str) -> float:
    """Return the seconds from a model's first failed request to the next good one after the last.

    0 if none failed. If none was good after the last, it counts as the end.
    """
    own = sorted((one for one in records if one.model == model), key=lambda one: one.began)
    bad = [one.began for one in own if one.outcome != OK]
    if not bad:
        return 0.0
    after = [one.began for one in own if one.outcome == OK and one.began > bad[-1]]
    return (after[0] if after else bad[-1]) - bad[0]


def reasons(records: Iterable[Asked]) -> str:
    """Return why requests failed, the most frequent reason first: ``502 (12), 503 (3)``."""
    found = Counter(one.why for one in records if one.outcome != OK)
    return ", ".join(f"{why} ({count})" for why, count in found.most_common())


def cell(records: Sequence[Asked], outcome: str) -> str:
    """Return ``0 of 120``."""
    return f"{sum(one.outcome == outcome for one in records):,} of {len(records):,}"


def lost(measured: Measured, but: str = "") -> int:
    """Return how many requests failed or were cut, of other kinds than ``but``."""
    return sum(one.outcome != OK for one in measured.records if one.kind != but)


def during(measured: Measured) -> int:
    """Return how many requests began while the change was made."""
    return sum(measured.began <= one.began <= measured.ended for one in measured.records)


def table(columns: dict[str, Measured]) -> str:
    """Return the figures of several ways to make a change side by side, as Markdown."""
    rows = [["What", *columns]]
    for kind, words in _KINDS.items():
        own = [[x for x in one.records if x.kind == kind] for one in columns.values()]
        rows.append([f"failed, of {words}", *(cell(one, FAILED) for one in own)])
        if kind == STREAM:
            rows.append([f"cut, of {words}", *(cell(one, TRUNCATED) for one in own)])
    every = columns.values()
    rows.append(["reasons", *(reasons(one.records) for one in every)])
    dark = [outage(short(one.records), one.origin) for one in every]
    rows.append(["seconds in which some model answered nothing", *map(str, dark)])
    for words, share in (("median", 0.5), ("p95", 0.95), ("p99", 0.99)):
        times = [[x.took for x in short(one.records) if x.outcome == OK] for one in every]
        shown = (f"{quantile(own, share) * 1000:.0f} ms" if own else "" for own in times)
        rows.append([f"an answer of two tokens: {words}", *shown])
    rows.append(["the change took", *(f"{one.ended - one.began:.0f} s" for one in every)])
    rows.append(["requests that began meanwhile", *(f"{during(one):,}" for one in every)])
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def in_place(measured: Measured, model: str) -> str:
    """Return in a sentence what clients of the model that was replaced in place got."""
    own = [one for one in short(measured.records) if one.model == model]
    others = [one for one in measured.records if one.model != model]
    bad = [one for one in own if one.outcome != OK]
    shared = cell([one for one in others if one.kind != STREAM], FAILED)
    rest = [one for one in bad if one.why != POLITE]
    return (
        f"`{model}` was out for {gap(own, model):.1f} s: of its {len(bad)} requests that failed, "
        f"{len(bad) - len(rest)} got a 503 with `Retry-After`"
        f"{f', the others: {reasons(rest)}' if rest else ''}. "
        f"Of the other models' requests, {shared} failed."
    )
