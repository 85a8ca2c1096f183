"""Check the roll-out benchmark's sites, picture, page and verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import no_change, rollout
from benchmarks.events import Run
from benchmarks.page_marks import END, begin
from benchmarks.rollout_figures import Measured
from benchmarks.rollout_load import FAILED, KEPT, NEW, OK, Asked, Load
from tests.support.live.endpoints import load_endpoints
from tests.support.roots import ROOT


def measured(lost: int = 0, model: str = "scribe") -> Measured:
    """Return a minute of requests, two a second; from second 20 on, ``lost`` of them failed."""
    bad = range(40, 40 + lost)
    records = [
        Asked(NEW, model, 1000 + at / 2, 0.15, *((FAILED, "502") if at in bad else (OK, "200")))
        for at in range(120)
    ]
    return Measured(records, 1010.0, 1050.0, [(1020.0, "gpu1"), (1020.5, "gpu2")])


def test_the_inventory_has_three_hosts_and_two_gateways() -> None:
    found = load_endpoints(str(ROOT / rollout.INVENTORY))
    assert [(one.host, one.https_port) for one in found] == [("edge1", 18441), ("edge2", 18442)]
    assert {one.state for one in found} == {ROOT / ".molecule" / "rollout"}
    text = (ROOT / rollout.INVENTORY / "hosts.yml").read_text()
    assert all(f"{host}:" in text for host in rollout.GPU_HOSTS)
    assert {"bench_total_tokens", "bench_solo_total_tokens"} == {
        *rollout.CHANGED, *rollout.SOLO_CHANGED
    }  # fmt: skip


def test_the_picture_shows_both_ways_and_when_replicas_went() -> None:
    svg = rollout.picture({rollout.SITE: measured(), rollout.COMPOSE: measured(20)})
    assert ">site.yml, rolling</text>" in svg
    assert svg.count('class="lost"') == 1
    assert "0 of 120 requests failed" in svg and "20 of 120 requests failed" in svg
    assert "gpu1, gpu2" in svg


def test_the_result_fits_the_page() -> None:
    found = {rollout.SITE: measured(), rollout.COMPOSE: measured(20)}
    text = rollout.section(
        "2026-11-29 12:00", "-m benchmarks.rollout", found, measured(), "nginx 1"
    )
    prose = [line for line in text.splitlines() if not line.startswith("|")]
    assert max(map(len, prose)) <= 140
    assert "| What | `site.yml`, rolling | `docker compose up -d --force-recreate` |" in text
    assert begin("bench-rollout") in (ROOT / "docs" / "rollout.md").read_text()


def test_a_lost_request_and_too_few_of_them_are_missed() -> None:
    assert rollout.missed(measured(), 80) == []
    assert rollout.missed(measured(3), 10000) == [
        "3 requests failed or were cut",
        "`site.yml`, rolling: 81 requests during it, 10000 at least",
    ]
    few = "`site.yml`, blue-green: 81 requests during it, 82 at least"
    assert few in rollout.missed(measured(), 82, measured())


def test_so_is_one_lost_while_a_new_set_stood_beside_but_not_an_idle_connection() -> None:
    said = ["2 requests failed or were cut while a new set stood beside the old one"]
    assert rollout.missed(measured(), 80, measured(2)) == said
    idle = measured(2)
    kept = [replace(one, kind=KEPT) for one in idle.records]
    assert rollout.missed(measured(), 80, replace(idle, records=kept)) == []


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Let every play succeed at once; return the plays so far."""
    played: list[str] = []

    def play(_: str, playbook: Path, __: float, *more: str) -> Run:
        played.append(" ".join([playbook.name, *more]))
        return Run(1.0, 0)

    def measure(load: Load, change: object) -> Measured:
        if change is not rollout.recreate:
            change()  # type: ignore[operator]
        return measured(20 if change is rollout.recreate else 0, load.models[-1])

    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "rollout.md").write_text(f"# R\n\n{begin('bench-rollout')}\n{END}\n")
    monkeypatch.setattr(no_change, "play", play)
    monkeypatch.setattr(rollout, "measure", measure)
    monkeypatch.setattr(rollout, "ROOT", tmp_path)
    monkeypatch.setattr(rollout, "facts", lambda: "nginx 1.26.3")
    return played


def test_everything_is_played_and_written(site: list[str], tmp_path: Path) -> None:
    assert rollout.main(["--least", "80", "--strict"]) == 0
    assert site == [
        "create.yml",
        "site.yml",
        'site.yml -e {"bench_total_tokens": 2040}',
        'site.yml -e {"bench_total_tokens": 2040, "bench_solo_total_tokens": 2040}',
        *(
            f'site.yml -e {{"bench_total_tokens": 2040, "bench_solo_total_tokens": {tokens}, '
            '"tgi_strategy": "blue_green"}'
            for tokens in (2032, 2024, 2016)
        ),
        "destroy.yml",
    ]
    assert (
        "| failed, of requests on a new connection each | 0 of 120 | 0 of 120 | 20 of 120 |"
        in (tmp_path / "docs" / "rollout.md").read_text()
    )
    assert (tmp_path / "docs" / "rollout.svg").read_text().startswith("<svg")


def test_too_few_requests_are_an_error_when_strict(site: list[str]) -> None:
    assert rollout.main(["--page", "", "--strict", "--keep"]) == 3
    assert "destroy.yml" not in site


def test_a_play_that_fails_ends_it(
    site: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(_: str, playbook: Path, *__: object) -> Run:
        site.append(playbook.name)
        return Run(1.0, 2 if playbook.name == "site.yml" else 0, failure="X failed on gpu1: y")

    monkeypatch.setattr(no_change, "play", fails)
    assert rollout.main([]) == 1
    assert "site.yml: X failed on gpu1: y" in capsys.readouterr().err
    assert site == ["create.yml", "site.yml", "destroy.yml"]
