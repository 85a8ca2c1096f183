"""Check how the benchmark reads a run, and its verdict."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks import many_hosts, no_change
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


ROLES = ["preflight", "docker"]


def runs(one: float, every: float, **more: Any) -> dict[str, list[Run]]:
    """Return three runs of each kind, the middle one as given."""
    found = {}
    for kind, seconds, hosts in (("one", one, 1), ("all", every, 8)):
        times = (seconds + 5, seconds, seconds - 1)
        found[f"{kind} run"] = [Run(time, 0, hosts=hosts, executed=9, **more) for time in times]
        found[f"{kind} pings"] = [Run(2.0, 0)] * 3
    return found


def test_many_hosts_are_held_against_one() -> None:
    text, wrong = many_hosts.report(runs(6.0, 15.0), 8, ROLES)
    assert wrong == []
    assert "preflight, docker with nothing to change" in text
    assert "     6.0 s   1 host : 9 tasks run, 0 skipped, changed 0 (11.0, 6.0, 5.0 s)" in text
    assert "    2.50     times as long on 8 hosts" in text


def test_a_missed_goal_and_a_change_are_named() -> None:
    wrong = many_hosts.report(runs(8.5, 30.0, changed_tasks=["Install (gpu3)"]), 8, ROLES)[1]
    assert wrong == [
        "missed: 8.5 s on one host, 8 at most",
        "missed: 3.53 times as long on 8, 2.5 at most",
        "changed something: Install (gpu3)",
    ]


def test_many_hosts_have_ports_of_their_own() -> None:
    groups = many_hosts.inventory(3)["all"]["children"]
    assert list(groups["gpu_hosts"]["hosts"]) == ["gpu1", "gpu2", "gpu3"]
    ports = [host["ansible_port"] for host in groups["disposable"]["hosts"].values()]
    assert ports == [2281, 2282, 2283]


def test_a_failed_deployment_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(many_hosts, "INVENTORY", tmp_path / "inventory")
    monkeypatch.setattr(many_hosts, "PLAYBOOKS", tmp_path / "playbooks")
    played = []

    def play(_: str, playbook: Path, *__: Any) -> Run:
        played.append(playbook.name)
        return Run(1.0, 2 if playbook.name == "play.yml" else 0)

    monkeypatch.setattr(no_change, "play", play)
    assert no_change.main(["--hosts", "8", "--roles", "docker"]) == 1
    assert played == ["create.yml", "play.yml", "destroy.yml"]
