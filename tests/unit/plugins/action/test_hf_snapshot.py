"""Test that a host fetches in the background, with progress, and not at all when all is there."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import hf_snapshot as action

from tests.support.hub.local_hub import local_hub
from tests.support.hub.weight_sites import NAME, REVISION, WeightSite
from tests.support.playbook import ansible_playbook


class Host:
    """Answer each call from what a test says of the step or of the job."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: Any) -> None:
        self.answers = {"look": {"complete": False}, "progress": {"lines": []}, **answers}
        self.calls: list[str] = []
        self.shown: list[str] = []
        self.limits: list[int] = []
        monkeypatch.setattr(action.display, "display", self.shown.append)
        monkeypatch.setattr(action.ActionBase, "run", lambda *_: {})
        monkeypatch.setattr(
            action, "time", SimpleNamespace(sleep=lambda _: None, monotonic=lambda: 0.0)
        )

    def run(self, check_mode: bool = False, no_log: bool = False) -> dict[str, Any]:
        plugin = action.ActionModule.__new__(action.ActionModule)
        plugin._task = SimpleNamespace(
            action="hf_snapshot", args={}, check_mode=check_mode, no_log=no_log, async_val=0
        )
        plugin.get_shell_option = lambda *_, default: default
        self._task = plugin._task
        plugin._execute_module = self._execute
        result: dict[str, Any] = plugin.run(task_vars={"inventory_hostname": "gpu1"})
        return result

    def _execute(
        self,
        _name: str = "",
        module_args: Any = None,
        task_vars: Any = None,
        wrap_async: bool = False,
    ) -> dict[str, Any]:
        assert task_vars
        step = str(module_args.get("step") or module_args.get("mode"))
        self.calls.append(step)
        self.limits.append(self._task.async_val)
        assert wrap_async == (step == "all")
        answer = self.answers[step]
        found: dict[str, Any] = answer.pop(0) if isinstance(answer, list) else answer
        return dict(found)


def test_when_all_is_there_one_call_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, look={"complete": True, "changed": False})
    assert host.run() == {"complete": True, "changed": False}
    assert host.calls == ["look"]


def test_check_mode_only_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, look={"complete": False, "changed": True})
    assert host.run(check_mode=True)["changed"]
    assert host.calls == ["look"]


def test_it_shows_progress_until_the_job_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    status = [{"finished": False}, {"finished": False}, {"finished": False}]
    host = Host(
        monkeypatch,
        all={"ansible_job_id": "j1", "changed": True},
        status=[*status, {"finished": True, "changed": True, "ansible_job_id": "j1"}],
        cleanup={},
        progress=[{"lines": ["half"]}, {"lines": ["half"]}, {"lines": ["most"]}],
    )
    assert host.run() == {"changed": True}
    assert host.shown == ["gpu1: half", "gpu1: most"]
    assert host.calls[-2:] == ["status", "cleanup"]
    limits = {step for step, limit in zip(host.calls, host.limits, strict=True) if limit}
    assert limits == {"all"}, "other modules run in the foreground"


def test_a_task_that_hides_its_output_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(
        monkeypatch,
        all={"ansible_job_id": "j1"},
        status=[{"finished": False}, {"finished": True}],
        cleanup={},
        progress={"lines": ["half"]},
    )
    host.run(no_log=True)
    assert host.shown == []


def test_a_job_that_does_not_start_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, all={"failed": True, "msg": "no space for the module"})
    assert host.run()["failed"]


def test_ansible_itself_fetches_shows_and_hides(tmp_path: Path) -> None:
    """Through ansible-playbook: a job of its own, its progress, and the token nowhere."""
    arguments = {
        "snapshots": [{"repository": NAME, "revision": REVISION, "hf_token": True}],
        "token": "hf_planted",
        "cache_dir": str(tmp_path / "hub"),
        "endpoint": "{{ endpoint }}",
        "reserve": 0,
    }
    again = {"register": "again", "failed_when": "again is changed"}
    tasks = [{"hf_snapshot": arguments}, {"hf_snapshot": arguments, **again}]
    book, log = tmp_path / "play.yml", tmp_path / "log"
    book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    log.touch()
    with local_hub() as hub:
        site = WeightSite(hub, tmp_path / "hub")
        site.repository.gated = True
        site.repository.readers = hub.tokens = {"hf_planted"}
        hub.open.clear()

        def open_when_shown() -> None:
            while f"localhost: {NAME}: fetch 0 bytes of" not in log.read_text():
                time.sleep(0.1)
            hub.open.set()

        threading.Thread(target=open_when_shown, daemon=True).start()
        done = ansible_playbook(
            "-vvv", "-e", f"endpoint={hub.endpoint}", str(book),
            HOME=str(tmp_path), ANSIBLE_LOG_PATH=str(log),
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert site.served() == site.wanted()
    assert f"localhost: {NAME}: fetch " in done.stdout
    assert "ok=2 " in done.stdout
    assert "changed=1 " in done.stdout
    assert "hf_planted" not in done.stdout + done.stderr + log.read_text()
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path not in (book, log)]
    assert not [path for path in left if b"hf_planted" in path.read_bytes()]
