"""Test how the plays that replace models end when one host of a batch fails."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.playbook import ansible_playbook
from tests.support.roots import ROOT

PLAYS = yaml.safe_load((ROOT / "playbooks" / "roll_out.yml").read_text())
BATCHES = {play["name"]: play for play in PLAYS if "serial" in play}
#: As the role rollout: replace; on a failure go back and serve again, then fail
BLOCK = {
    "block": [
        {"ansible.builtin.fail": {"msg": "broken"}, "when": "inventory_hostname == 'h1'"},
        {"ansible.builtin.debug": {"msg": "replaced {{ inventory_hostname }}"}},
    ],
    "rescue": [
        {"ansible.builtin.debug": {"msg": "put back on {{ inventory_hostname }}"}},
        {"ansible.builtin.debug": {"msg": "serves again: {{ inventory_hostname }}"}},
        {"ansible.builtin.fail": {"msg": "went back"}},
    ],
}
NEXT = {"ansible.builtin.debug": {"msg": "next: {{ inventory_hostname }}"}}


@pytest.mark.parametrize("name", BATCHES)
def test_a_failure_takes_the_whole_batch_back_and_ends_the_run(tmp_path: Path, name: str) -> None:
    """With max_fail_percentage, Ansible would cut the way back after its first task."""
    keywords = {"any_errors_fatal", "max_fail_percentage"}
    kept = {key: value for key, value in BATCHES[name].items() if key in keywords}
    common: dict[str, Any] = {"hosts": "all", "gather_facts": False}
    plays = [{**common, **kept, "serial": [2], "tasks": [BLOCK]}, {**common, "tasks": [NEXT]}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(plays))
    local = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    (tmp_path / "hosts").write_text("".join(f"h{number} {local}\n" for number in (1, 2, 3, 4)))
    done = ansible_playbook("-i", str(tmp_path / "hosts"), str(tmp_path / "play.yml"))
    assert done.returncode == 2
    assert set(re.findall(r"serves again: (\w+)", done.stdout)) == {"h1", "h2"}
    assert "next: " not in done.stdout and "h3" not in done.stdout.partition("RECAP")[0]


def test_a_rescue_in_a_batch_ends_with_a_failure() -> None:
    """After one that does not, Ansible leaves the other hosts of the batch out of later plays."""
    tasks = {
        path.name: yaml.safe_load(path.read_text())
        for path in sorted((ROOT / "roles" / "rollout" / "tasks").glob("*.yml"))
    }
    fails = {name for name, listed in tasks.items() if "ansible.builtin.fail" in listed[-1]}
    wrong = [
        f"{name}: {task['name']}"
        for name, listed in tasks.items()
        for task in listed
        if "rescue" in task
        for last in task["rescue"][-1:]
        if "ansible.builtin.fail" not in last
        and last.get("ansible.builtin.include_tasks") not in fails
    ]
    assert not wrong, "\n".join(wrong)


def test_files_are_written_before_a_model_leaves_service() -> None:
    """Between the drain and the stop lies only what must: a model may have no other replica."""
    role = ROOT / "roles" / "rollout" / "tasks"
    tasks = yaml.safe_load((role / "drain.yml").read_text())
    (writes,) = [
        place
        for place, task in enumerate(tasks)
        if task.get("ansible.builtin.include_role", {}).get("tasks_from") == "write"
    ]
    (drains, waits) = [place for place, task in enumerate(tasks) if "tgi_drain" in task]
    assert writes < drains < waits
    # The step after the drain does not write again
    main = yaml.safe_load((ROOT / "roles" / "tgi" / "tasks" / "main.yml").read_text())
    (again,) = [one for one in main if one.get("ansible.builtin.include_tasks") == "write.yml"]
    assert again["when"].startswith("tgi_step != 'replace' and ")
