"""Check the soak: its verdict, its page, and an address of its own for each attack."""

from __future__ import annotations

from typing import Any

from benchmarks.on_host import soak_attack
from benchmarks.page_marks import END, begin, replace_in
from benchmarks.soak import ATTACK, section, site
from benchmarks.soak_figures import judge, table
from tests.support.roots import ROOT

MIB = 2**20


def found(**more: Any) -> dict[str, Any]:
    """Return what a host measures in a minute when nothing is wrong."""
    one = {"memory": 60 * MIB, "files": 200, "logs": 0, "workers": 2}
    full = {**one, "memory": 100 * MIB, "files": 4300}
    return {
        "quiet": [2.0] * 99 + [4.0] * 2,
        "windows": [[3.0] * 99 + [7.0] * 2] * 6,
        "failed": 0,
        "samples": [one, *[full] * 6],
        "calm": {**one, "files": 210, "logs": 3 * MIB},
        "sent": {"with_key": 200, "strangers": 2},
        **more,
    }


def missed(**more: Any) -> list[str]:
    return [line.what for line in judge(found(**more), 60) if not line.met]


def test_a_gateway_that_stands_it_meets_every_bound() -> None:
    lines = judge(found(), 60)
    assert missed() == []
    assert [line.seen for line in lines[:3]] == ["3.0 ms", "7.0 ms", "0 of 707"]
    assert "| its p99 | 4.0 ms | 7.0 ms | ≤ 8.0 ms: met |" in table(lines)
    assert "| nginx's memory | 60 MiB | 100 MiB | ≤ 110 MiB" in table(lines)


def test_each_bound_can_be_missed() -> None:
    samples = found()["samples"]
    growing = [{**one, "memory": MIB * (60 + 10 * at)} for at, one in enumerate(samples)]
    leaking = [{**one, "files": 200 + 1000 * at} for at, one in enumerate(samples)]
    assert missed(windows=[[3.0] * 90 + [9.0] * 10] * 6) == ["its p99"]
    assert missed(failed=1) == ["its requests that failed"]
    assert missed(samples=growing) == ["nginx's memory"]
    assert missed(samples=leaking) == ["nginx's open files"]
    assert missed(calm={**samples[0], "files": 300}) == ["open files after it"]
    assert missed(calm={**samples[0], "logs": 20 * MIB}) == ["the logs grew by"]
    assert "**missed**" in table(judge(found(failed=1), 60))


def test_the_page_has_a_place_for_it() -> None:
    page = (ROOT / "docs" / "gateway.md").read_text()
    facts = {"nginx": "1.26.3", "cores": 2, "memory": 8 * 2**30}
    text = section("2026-11-29 08:00", "-m benchmarks.soak", 30, facts, "| table |")
    assert max(map(len, text.splitlines())) <= 140
    assert f"{ATTACK['idle']:,} idle connections" in " ".join(text.split())
    once = replace_in(page, "bench-soak", text)
    assert f"{begin('bench-soak')}\n\n{text}\n\n{END}" in once
    assert replace_in(once, "bench-soak", text) == once


def test_an_attack_has_an_address_and_a_key_of_its_own() -> None:
    sources = {getattr(soak_attack, name)
               for name in ("SLOW", "DRIP", "STRANGER", "ABORT", "IDLE", "FLOOD")}  # fmt: skip
    assert len(sources) == 6 and "127.0.0.1" not in sources
    consumers = site("the-attackers")["gateway_consumers"]
    assert consumers[1] == {"name": "attacker", "tier": "attacker", "keys": ["the-attackers"]}
