"""Check the gateway benchmark's figures, verdict and page."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gateway
from benchmarks.gateway_figures import Figure, Row, added, of_rounds, quantile, ratio, rows, table
from benchmarks.gateway_page import page, section
from benchmarks.gateway_scale import large_site
from benchmarks.on_host import measure

FACTS = {"nginx": "1.26.3", "njs": "0.8.9", "openssl": "3.5.7", "wrk": "4.1", "cores": 2}
JOB = gateway.job_of(argparse.Namespace(rounds=4, requests=300, seconds=2))


def samples(slower: float = 0.0, share: float = 0.9) -> dict[str, Any]:
    """Return four rounds on a machine that gets slower; the gateway adds a tenth of a
    millisecond.
    """
    drift = [1.0, 2.0, 3.0, 4.0]
    bare = [[d, d, d + 1] for d in drift]
    gate = [[d + 0.1 + slower, d + 0.1 + slower, d + 2] for d in drift]
    rates = {"bare": [100.0 / d for d in drift], "gateway": [100.0 * share / d for d in drift]}
    return {
        "short": {
            "bare": bare,
            "gateway": gate,
            "bare 2 kB": bare,
            "gateway 2 kB unrouted": bare,
            "gateway 2 kB": gate,
            "gateway 4 kB": gate,
            "gateway 4 kB rewritten": [[took + 0.2 + slower for took in one] for one in gate],
        },
        "stream": {"bare": bare, "gateway": gate, "gateway rewritten": gate},
        "cpu": {"bare": [17.0] * 4, "gateway": [34.0] * 4},
        "event cpu": {"bare": [11.0] * 4, "gateway": [12.0] * 4},
        "throughput": {
            **rates,
            **{f"{name} 2 kB": values for name, values in rates.items()},
            "gateway 2 kB unrouted": rates["bare"],
        },
    }


SCALE = {"render": [0.5, 0.6], "load": [0.1, 0.1], "reload": [0.2, 0.3]}


def test_quantiles() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert [quantile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1, 50, 99, 100]
    assert quantile([7.0], 0.99) == 7
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


def test_what_is_added_is_taken_within_a_round() -> None:
    found = samples()["short"]
    figure = added(found["bare"], found["gateway"], 0.5)
    assert (figure.value, figure.low, figure.high) == pytest.approx((0.1, 0.1, 0.1))
    assert added(found["bare"], found["gateway"], 0.99).value == pytest.approx(1.0)
    assert of_rounds(found["bare"], 0.5) == Figure(2.5, 1.0, 3.0)
    assert ratio([10.0, 20.0], [9.0, 16.0]).value == pytest.approx(0.85)
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0])


def test_the_price_of_routing_stands_apart() -> None:
    told = {row.what: row.figure.value for row in rows(samples(), SCALE)}
    assert told["of this, taking the model from it: median"] == pytest.approx(0.1)
    apart = told["with the model taken from the body, of the gateway without"]
    assert apart == pytest.approx(0.9)


def test_goals() -> None:
    assert all(row.met for row in rows(samples(), SCALE))
    slow = [row.what for row in rows(samples(slower=0.3), SCALE) if not row.met]
    assert slow == [
        "keys and limits add: median",
        "rewriting 4 kB adds: median",
        "gateway adds: median",
    ]
    few = [row.what for row in rows(samples(share=0.8), SCALE) if not row.met]
    assert few == ["with keys and limits, of bare"]
    late = [row for row in rows(samples(), {**SCALE, "load": [2.0, 2.0]}) if not row.met]
    assert [row.what for row in late] == ["500 consumers, 50 models: all three"]
    assert late[0].figure.value == pytest.approx(2.8)


def test_the_table() -> None:
    told = table(
        [
            Row("a", Figure(0.1234, 0.1, 0.2), goal=0.3),
            Row("b", Figure(0.8, 0.7, 0.9), "", 0.85, least=True),
            Row("c", Figure(1234.5, 1000, 2000), "/s"),
            Row("d", Figure(17.04, 17, 18), "µs"),
        ]
    )
    assert told.splitlines()[2:] == [
        "| a | 0.123 ms | 0.100 to 0.200 | ≤ 0.3 ms: met |",
        "| b | 0.80 | 0.70 to 0.90 | ≥ 0.85: **missed** |",
        "| c | 1234/s | 1000 to 2000 |  |",
        "| d | 17.0 µs | 17.0 to 18.0 |  |",
    ]


def test_the_page_names_the_command_and_the_machine() -> None:
    part = section("debian13", {**FACTS, "cpu": "Processor"}, rows(samples(), SCALE))
    text = page("2026-01-31 12:00", "-m benchmarks.gateway --on 13", JOB, [part], [2.5])
    assert "by `.venv/bin/python -m benchmarks.gateway --on 13`" in text
    assert "2026-01-31 12:00" in text
    assert "## Debian 13\n\nnginx 1.26.3, njs 0.8.9, OpenSSL 3.5.7, wrk 4.1; 2 cores, Proc" in text
    assert "4 rounds" in text
    assert "took 2.5 s" in text
    assert "{" not in text


def test_bodies_and_turns() -> None:
    chat = measure.bodies()["chat"]
    assert len(chat) == 2048
    assert json.loads(chat)["model"] == "short"
    large, rewritten = (measure.bodies()[name] for name in ("large", "rewritten"))
    assert (len(large), len(rewritten)) == (4096, 4096)
    assert json.loads(rewritten)["stop"] and "stop" not in json.loads(large)
    assert measure.in_turn(measure.SHORT, 0) == measure.in_turn(measure.SHORT, 1)[::-1]


def test_a_large_site() -> None:
    site = large_site()
    assert len({entry["keys"][0] for entry in site["gateway_consumers"]}) == 500
    addresses = [r["address"] for b in site["gateway_backends"] for r in b["replicas"]]
    assert len(set(addresses)) == 100


def fake(monkeypatch: pytest.MonkeyPatch, measured: Any) -> list[tuple[str, ...]]:
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(gateway, "play", lambda *words: calls.append(words))
    monkeypatch.setattr(gateway, "measure", measured)
    monkeypatch.setattr(gateway, "scale", lambda *_: (SCALE, 2.5))
    return calls


def test_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    facts = {**FACTS, "cpu": "Processor"}
    calls = fake(monkeypatch, lambda *_: {**samples(), "facts": facts})
    out = tmp_path / "page.md"
    assert gateway.main(["--on", "13", "12", "--page", str(out)]) == 0
    assert out.read_text().count("Processor") == 2
    prepared = "benchmarks/gateway_prepare.yml"
    assert calls == [
        ("tests/sandbox/create.yml",),
        (prepared, "--limit", "debian13"),
        (prepared, "--limit", "debian12"),
        ("tests/sandbox/destroy.yml",),
    ]
    fake(monkeypatch, lambda *_: {**samples(share=0.5), "facts": facts})
    assert gateway.main(["--page", "", "--keep"]) == 0
    assert gateway.main(["--page", "", "--keep", "--strict"]) == 3


def test_a_refused_request_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(*_: Any) -> Any:
        raise gateway.Failed("debian13: gateway: status 429")

    calls = fake(monkeypatch, measured)
    out = tmp_path / "page.md"
    assert gateway.main(["--page", str(out)]) == 1
    assert "status 429" in capsys.readouterr().err
    assert not out.exists()
    assert calls[-1] == ("tests/sandbox/destroy.yml",)
