"""The benchmark's reading of a run, and its verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import no_change
from benchmarks.events import Run, read_events

START = "2026-01-01T00:00:10.000000Z"


def result(name: str, seconds: float, kind: str = "ok", **more: Any) -> dict[str, Any]:
    end = f"2026-01-01T00:00:{10 + seconds:09.6f}Z"
    return {
        "_event": f"v2_runner_on_{kind}",
        "hosts": {"gpu1": {"changed": False, **more}},
        "task": {"id": name, "name": name, "duration": {"start": START, "end": end}},
    }


def recap(**counts: int) -> dict[str, Any]:
    host = {"ok": 2, "changed": 0, "skipped": 1, **counts}
    return {"_event": "v2_playbook_on_stats", "stats": {"gpu1": host, "gpu2": host}}


def text(*events: dict[str, Any]) -> str:
    return "\n".join(json.dumps(event) for event in events)


def test_a_run_among_other_lines() -> None:
    lines = "gpu1 llama: loading\n{half a line\n[1]\n{}\n"
    run = read_events(
        lines + text(result("a", 1.5), result("b", 0.25), result("a", 2), recap()), 9.0, 0
    )
    assert (run.hosts, run.executed, run.skipped, run.changed, run.failed) == (2, 2, 1, 0, False)
    assert [(task.name, task.seconds) for task in run.dearest(9)] == [("a", 2.0), ("b", 0.25)]
    assert [task.name for task in run.dearest(1)] == ["a"]


def test_changes_and_failures_are_named() -> None:
    bad = result("b", 1, "failed", msg="broken")
    run = read_events(text(result("a", 1, changed=True), bad, recap(changed=1)), 1.0, 2)
    assert run.changed == 2
    assert run.changed_tasks == ["a (gpu1)"]
    assert run.failed
    assert run.failure == "b failed on gpu1: broken"


def test_a_run_that_said_nothing_but_failed() -> None:
    assert read_events("ERROR! no such file", 1.0, 1).failed


def test_an_empty_play_has_an_empty_recap() -> None:
    run = read_events('{"_event": "v2_playbook_on_stats", "stats": {}}', 1.0, 0)
    assert (run.hosts, run.executed, run.skipped, run.failed) == (0, 0, 0, False)


def fake(monkeypatch: pytest.MonkeyPatch, **site: Any) -> None:
    seconds = iter([12.0, 30.0, 11.0])

    def play(_: str, playbook: Path, __: float) -> Run:
        if playbook.name == "site.yml":
            run = read_events(text(result("dear", 3), recap()), next(seconds), 0)
            run.__dict__.update(site)
            return run
        assert "hosts: gpu_hosts:gateways" in playbook.read_text()
        return Run({"empty.yml": 1.0, "pings.yml": 4.0, "facts.yml": 1.5}[playbook.name], 0)

    monkeypatch.setattr(no_change, "play", play)


def test_the_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fake(monkeypatch)
    assert no_change.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "site.yml with nothing to change, median of 3 (12.0, 30.0, 11.0 s)"
    assert lines[2] == "    12.0 s   2 tasks run, 1 skipped, changed 0, hosts 2"
    assert "10 times ping in one play: 0.30 s each" in "\n".join(lines)
    assert lines[-1] == "    3.00 s   dear"


def test_a_change_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(monkeypatch, changed_tasks=["docker : Install (gpu1)"], changed=1)
    assert no_change.main([]) == 1
    assert "changed something: docker : Install (gpu1)" in capsys.readouterr().err


def test_a_failed_run_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, code=2)
    assert no_change.main([]) == 1


def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    def play(*_: Any) -> Run:
        raise subprocess.TimeoutExpired(["ansible-playbook", "site.yml"], 1)

    monkeypatch.setattr(no_change, "play", play)
    assert no_change.main([]) == 2
