"""Test what the action makes of a host's answer, without a host."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, replace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
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


@pytest.mark.parametrize(
    ("groups", "end"),
    [
        (["gpu_hosts", "gateways"], "what it serves stays published where it was"),
        (["gateways"], "until then it publishes what it did"),
    ],
)
def test_a_host_that_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch, groups: list[str], end: str
) -> None:
    def lost(**_: Any) -> None:
        raise AnsibleConnectionFailure("Failed to connect:\n port 22: timed out")

    monkeypatch.setattr(action.ActionBase, "run", lambda *_: {})
    plugin = action.ActionModule.__new__(action.ActionModule)
    plugin._execute_module = lost
    variables = {"inventory_hostname": "h1", "group_names": groups}

    def run(problems: list[str], **values: str) -> dict[str, Any]:
        plugin._check_inventory = lambda *_: (values, list(problems))
        result: dict[str, Any] = plugin.run(task_vars=variables)
        return result

    left_out = run([], preflight_unreachable="leave_out")
    assert left_out == {
        "unreachable": True,
        "msg": "h1 cannot be reached (Failed to connect: port 22: timed out); start it or repair "
        f"the connection, then run site.yml again; {end}",
    }
    refused = run([], preflight_unreachable="refuse")
    assert refused["failed"] and "\n- the host cannot be reached (" in refused["msg"]
    # What is wrong in the inventory is wrong for all
    both = run(["tgi_models is wrong; correct it"], preflight_unreachable="leave_out")
    assert both["failed"] and both["msg"].count("\n- ") == 2
