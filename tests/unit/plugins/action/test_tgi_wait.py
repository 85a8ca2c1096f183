"""Test when the action plugin calls again, what it shows, and what it returns."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import tgi_wait as action


def model(name: str, phase: str, detail: str = "", **more: Any) -> dict[str, Any]:
    ready, failed = phase == "ready", bool(more.get("failed"))
    line = f"gpu1 {name}: {phase} {detail}".rstrip()
    return {
        "name": name, "phase": phase, "detail": detail, "ready": ready, "failed": failed,
        "line": line,
    }  # fmt: skip


def answer(*models: dict[str, Any], **more: Any) -> dict[str, Any]:
    ready = all(one["ready"] for one in models)
    return {"changed": False, "models": list(models), "ready": ready, "state": {"m": 1}, **more}


class Host:
    """Return results from a list, and keep the arguments of each call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: dict[str, Any]) -> None:
        self.answers, self.calls, self.shown = list(answers), [], []  # type: ignore[var-annotated]
        self.renewed: list[tuple[str, dict[str, Any]]] = []
        monkeypatch.setattr(action.display, "display", self.shown.append)
        monkeypatch.setattr(action.ActionBase, "run", lambda *_: {})

    def run(self, check_mode: bool = False, no_log: bool = False) -> dict[str, Any]:
        plugin = action.ActionModule.__new__(action.ActionModule)
        plugin._task = SimpleNamespace(
            action="tgi_wait",
            args={"models": [], "timeouts": {"load": 9}},
            check_mode=check_mode,
            no_log=no_log,
        )
        plugin._execute_module = self._execute
        result: dict[str, Any] = plugin.run(task_vars={"inventory_hostname": "gpu1"})
        return result

    def _execute(
        self, module_name: str = "", module_args: Any = None, task_vars: Any = None
    ) -> dict[str, Any]:
        assert task_vars
        if module_name:
            self.renewed.append((module_name, module_args))
            return {}
        self.calls.append(dict(module_args))
        return self.answers.pop(0)


def test_ready_at_once_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, answer(model("a", "ready"), model("b", "ready")))
    result = host.run()
    assert host.shown == []
    assert result["ready"]
    assert "state" not in result
    assert host.calls == [{"host": "gpu1", "models": [], "timeouts": {"load": 9}}]


def test_each_change_is_shown_and_the_state_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(
        monkeypatch,
        answer(model("a", "ready"), model("m", "load", "1")),
        answer(model("a", "ready"), model("m", "load", "1")),
        answer(model("a", "ready"), model("m", "load", "2")),
        answer(model("a", "ready"), model("m", "ready")),
    )
    host.run()
    assert host.shown == ["gpu1 m: load 1", "gpu1 m: load 2", "gpu1 m: ready"]
    assert [call.get("state") for call in host.calls] == [None, {"m": 1}, {"m": 1}, {"m": 1}]


def test_a_failure_ends_it_and_leaves_the_words_to_the_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad = answer(model("m", "load", failed=True), failed=True, msg="gpu1: model m failed")
    host = Host(monkeypatch, answer(model("m", "start")), bad)
    result = host.run()
    assert result["failed"]
    assert result["msg"] == "gpu1: model m failed"
    assert "state" not in result
    assert host.shown == ["gpu1 m: start"]


def test_a_crashed_module_is_not_called_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    for broken in ({"failed": True, "msg": "MODULE FAILURE"}, {"unreachable": True}, {}):
        host = Host(monkeypatch, broken)
        assert host.run() == broken
        assert len(host.calls) == 1


def test_check_mode_looks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, answer(model("m", "load")))
    assert host.run(check_mode=True)["models"]
    assert host.shown == []


def test_no_log_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, answer(model("m", "load")), answer(model("m", "ready")))
    host.run(no_log=True)
    assert host.shown == []


@pytest.mark.parametrize(
    ("visit", "shown"),
    [(4.5, [1, 0, 1, 0, 1, 0]), (3, [1, 0, 0, 1, 0, 0]), (5.5, [1, 1, 1, 1, 1, 1])],
)
def test_an_unchanged_line_comes_again_within_ten_seconds(visit: float, shown: list[int]) -> None:
    now = [0.0]
    lines = action.ProgressLines(lambda: now[0])
    counts = []
    for _ in shown:
        now[0] += visit
        counts.append(len(lines.due([model("m", "load", "same")])))
    assert counts == shown


def test_ready_is_said_once() -> None:
    now = [0.0]
    lines = action.ProgressLines(lambda: now[0])
    lines.due([model("m", "load")])
    assert lines.due([model("m", "ready")]) == ["gpu1 m: ready"]
    now[0] = 60
    assert lines.due([model("m", "ready")]) == []


def test_a_long_wait_renews_the_lock_of_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0, 20, 61, 61, 90, 130, 130])
    monkeypatch.setattr(action.time, "monotonic", lambda: float(next(times)))
    monkeypatch.setattr(action, "ProgressLines", lambda: SimpleNamespace(due=lambda _: []))
    waiting = answer(model("m", "load"))
    host = Host(monkeypatch, *[waiting] * 4, answer(model("m", "ready")))
    assert host.run()["ready"]
    assert [(name, one["state"]) for name, one in host.renewed] == [("tgi_run_lock", "renewed")] * 2
    assert all(one["run"]["pid"] == os.getppid() for _, one in host.renewed)
