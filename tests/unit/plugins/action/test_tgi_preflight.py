"""Test what the action makes of a host's answer, without a host."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, replace
from typing import Any

import pytest
from ansible.module_utils.tgi.rollout.holder import Holder, this_run
from ansible.module_utils.tgi.rollout.lock import RunLock
from ansible.plugins.action import tgi_preflight as action

ANNA = Holder("anna", "ctl1", "b00t", 4711, 100)


class Preflight:
    """Run the action for a GPU host that answers, and whose inventory is right."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(action.ActionBase, "run", lambda *_: {})

    def run(
        self, lock: RunLock | None, values: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        plugin = action.ActionModule.__new__(action.ActionModule)
        plugin._check_inventory = lambda *_: (values or {}, [])
        facts: dict[str, Any] = {"models": [], "firewall_sources": []}
        answer = {"problems": [], "notes": ["a note"], "facts": facts, "clock": time.time()}
        answer["lock"] = asdict(lock) if lock else None
        plugin._execute_module = lambda **_: answer
        variables = {"inventory_hostname": "gpu1", "group_names": ["gpu_hosts"], **more}
        result: dict[str, Any] = plugin.run(task_vars=variables)
        return result


def test_a_host_that_another_run_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    preflight, now = Preflight(monkeypatch), time.time()
    lock = RunLock(ANNA, "site.yml", now, now, now + 900)
    said = "anna@ctl1 has been changing this host since "
    refused = preflight.run(lock)
    assert refused["failed"] and f"\n- {said}" in refused["msg"]
    noted = preflight.run(lock, {"preflight_other_run": "warn"})
    assert not noted.get("failed") and noted["warnings"][0] == "gpu1: a note"
    assert noted["warnings"][1].startswith(f"gpu1: {said}")
    assert "tgi_host" in noted["ansible_facts"]
    assert not preflight.run(lock, rollout_take_over="true").get("failed")
    assert preflight.run(lock, rollout_take_over="false")["failed"]


def test_a_host_with_a_lock_that_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    preflight, now = Preflight(monkeypatch), time.time()
    own = this_run(os.getppid())
    ended = replace(own, pid=2**22 + 1, began=1)
    for holder, until in ((own, now + 900), (ended, now + 900), (ANNA, now - 1)):
        result = preflight.run(RunLock(holder, "", now - 901, now - 901, until))
        assert not result.get("failed") and result["warnings"] == ["gpu1: a note"]
