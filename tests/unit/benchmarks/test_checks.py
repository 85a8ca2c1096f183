"""Check that the checks' benchmark asks what the checks ask, and reports what it missed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import httpx
import pytest

from benchmarks import checks
from tests.support.roots import ROOT


def test_a_request_becomes_the_same_request_as_a_task() -> None:
    request = httpx.Request("POST", "http://127.0.0.1:1/generate", json={"inputs": "One"})
    task = checks.uri_task(request, 422)
    asked = task["ansible.builtin.uri"]
    assert task["name"] == "POST /generate"
    assert (asked["url"], asked["method"]) == ("http://127.0.0.1:1/generate", "POST")
    assert json.loads(asked["body"]) == {"inputs": "One"}
    assert asked["status_code"] == [422]
    assert asked["headers"]["content-type"] == "application/json"
    assert "content-length" not in asked["headers"]


def test_a_request_without_a_body_has_none_as_a_task() -> None:
    asked = checks.uri_task(httpx.Request("GET", "http://127.0.0.1:1/info"), 200)
    assert "body" not in asked["ansible.builtin.uri"]


@pytest.mark.parametrize(
    ("good", "goal", "ending"),
    [(True, "<= 2.5", "met"), (False, "<= 2.5", "MISSED"), (True, "", "1.00 s")],
)
def test_a_row_says_whether_its_goal_was_met(good: bool, goal: str, ending: str) -> None:
    assert checks.row("eight models", "1.00 s", goal, good).endswith(ending)


def test_the_role_has_the_tasks_that_are_timed() -> None:
    tasks = "".join(path.read_text() for path in (ROOT / "roles/checks/tasks").glob("*.yml"))
    assert [name for name in checks.CHECKING if f"- name: {name}" not in tasks] == []


def test_only_the_tasks_that_check_count(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [(checks.CHECKING[0], 3.0), ("Gather facts", 9.0), (checks.CHECKING[1], 2.0)]
    found = [SimpleNamespace(name=name, seconds=seconds) for name, seconds in tasks]
    run = SimpleNamespace(failed=False, dearest=lambda _: found)
    monkeypatch.setattr(checks, "play", lambda *_: run)
    assert checks.site_seconds("site") == 5.0
    found[:] = found[1:2]
    with pytest.raises(SystemExit, match="runs no check"):
        checks.site_seconds("site")


@pytest.mark.parametrize(("together", "code"), [(2.0, 0), (2.6, 1)])
def test_a_missed_goal_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], together: float, code: int
) -> None:
    @contextmanager
    def running(env: dict[str, str]) -> Iterator[SimpleNamespace]:
        assert env == {"TGI_EMULATOR_FAULTS": "slow-token=0.02"}
        yield SimpleNamespace(url="http://127.0.0.1:1")

    monkeypatch.setattr(checks, "running", running)
    monkeypatch.setattr(checks, "run_checks", lambda _: None)
    monkeypatch.setattr(checks, "at_once", lambda *_: (1.0, together))
    monkeypatch.setattr(checks, "beside_uri", lambda *_: (45, 2.0, 12.0))
    assert checks.main([]) == code
    told = capsys.readouterr().out
    assert ("MISSED" in told) is bool(code)
    assert "its 45 requests as uri tasks" in told


def test_it_starts_as_a_module_of_its_own() -> None:
    """Outside pytest, which adds the emulator to the path."""
    command = [sys.executable, "-m", "benchmarks.checks", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
