"""Check the roll-out of a large fleet on paper: the order, what is out meanwhile, and the time."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import fleet
from benchmarks.fleet import GPUS, LARGE, SHARES, SMALL, Pace, out, plan_of, section, shown
from benchmarks.page_marks import END, begin
from tests.support.roots import ROOT


@pytest.mark.parametrize("count", [SMALL, LARGE])
@pytest.mark.parametrize("most", SHARES)
def test_every_host_goes_once_and_no_model_below_its_share(count: int, most: str) -> None:
    plan = plan_of(count, most)
    assert plan.problems == ()
    hosts = [host for batch in plan.batches for host in batch]
    assert sorted(hosts) == sorted(f"gpu{number}" for number in range(1, count + 1))
    part = int(most.rstrip("%")) / 100 if most.endswith("%") else 0
    for models in out(plan):
        for gone, total in models.values():
            assert gone <= max(1, part * total) and gone < total


def test_each_host_has_four_gpus_and_uses_all() -> None:
    for models in fleet.fleet(SMALL).values():
        assert sorted(gpu for model in models for gpu in model["gpus"]) == ["0", "1", "2", "3"]
        assert {model["name"] for model in models} < set(GPUS)


def test_time_is_that_of_the_turns_and_of_the_controller() -> None:
    pace = Pace(drain=1, start=2, watch=3, checks=4, tasks=10, task=0.1, cores=2, around=100)
    assert pace.seconds([]) == 100
    assert pace.seconds([2, 2]) == pytest.approx(100 + 2 * 10 + 4 * 0.5)


def test_a_duration_is_rounded_up_to_minutes() -> None:
    assert [shown(one) for one in (60, 61, 7199, 7200)] == ["1 min", "2 min", "120 min", "2.0 h"]


def test_the_page_has_what_is_planned_today() -> None:
    """If this fails, run make bench-fleet."""
    text = (ROOT / "docs" / "rollout.md").read_text()
    assert f"{begin('bench-fleet')}\n\n{section(Pace())}\n\n{END}" in text


def test_it_writes_the_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fleet, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(f"{begin('bench-fleet')}\n{END}\n")
    assert fleet.main(["--page", "page.md"]) == 0
    assert "| 25% | 100 | 5 | 24 | 24% at most | 30 min |" in page.read_text()
    assert fleet.main(["--page", ""]) == 0
    assert capsys.readouterr().out.count("| 1 | 100 | 100 |") == 2
