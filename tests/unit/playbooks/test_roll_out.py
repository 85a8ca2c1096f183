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
ROLE = ROOT / "roles" / "rollout"
FIRST = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text())[0]
VALUES = {
    name: text
    for name, text in yaml.safe_load((ROLE / "vars" / "main.yml").read_text()).items()
    if name.startswith("__rollout_gone")
}
#: As the role rollout: replace; on a failure go back and serve again, then fail
BLOCK: dict[str, Any] = {
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
#: h1 is gone when it is asked
GONE = {
    "ansible.builtin.ping": {},
    "vars": {
        "ansible_connection": "{{ 'ssh' if inventory_hostname == 'h1' else 'local' }}",
        "ansible_host": "127.0.0.1",
        "ansible_port": 1,
    },
}
NEXT = {"ansible.builtin.debug": {"msg": "next: {{ inventory_hostname }}"}}


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize("what", ["broken", "gone"])
def test_a_failure_takes_the_whole_batch_back_and_ends_the_run(
    tmp_path: Path, name: str, what: str
) -> None:
    """With max_fail_percentage, Ansible would cut the way back after its first task.

    A host that is gone cannot go back; the others of its batch do.
    """
    block = BLOCK if what == "broken" else {**BLOCK, "block": [GONE, *BLOCK["block"][1:]]}
    keywords = {"any_errors_fatal", "max_fail_percentage"}
    kept = {key: value for key, value in BATCHES[name].items() if key in keywords}
    common: dict[str, Any] = {"hosts": "all", "gather_facts": False}
    (role,) = BATCHES[name]["roles"]
    backwards = role.get("rollout_backwards", False)
    values = {**VALUES, "rollout_backwards": backwards, "rollout_back_event": "returned"}
    first = {**common, **kept, "serial": [2], "vars": values, "tasks": [FIRST, block]}
    plays = [first, {**common, "tasks": [NEXT]}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(plays))
    local = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    (tmp_path / "hosts").write_text("".join(f"h{number} {local}\n" for number in (1, 2, 3, 4)))
    done = ansible_playbook("-i", str(tmp_path / "hosts"), str(tmp_path / "play.yml"))
    # Ansible's codes for a host that failed, and for one that cannot be reached
    assert done.returncode == (2 if what == "broken" else 4), done.stdout
    back = {"h1", "h2"} if what == "broken" else {"h2"}
    assert set(re.findall(r"serves again: (\w+)", done.stdout)) == back, done.stdout
    # What failed at the edge goes back wherever it can
    goes_on = what == "gone" and backwards
    assert ("next: " in done.stdout, "replaced h3" in done.stdout) == (goes_on, goes_on)
    words = "h1, h2 failed or cannot be reached any more, so this run replaces nothing more"
    said = " ".join(done.stdout.split())
    assert (words in said) is (what == "gone" and not backwards), said


def test_a_rescue_in_a_batch_ends_with_a_failure() -> None:
    """After one that does not, Ansible leaves the other hosts of the batch out of later plays."""
    tasks = {
        path.name: yaml.safe_load(path.read_text())
        for path in sorted((ROLE / "tasks").glob("*.yml"))
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


def test_a_red_check_of_the_endpoint_stops_no_model_that_left_the_list() -> None:
    """Until the check is green, a site may want to go back to it."""
    names = [play["name"] for play in PLAYS]
    checks = [
        (play, role)
        for play in PLAYS[: names.index("Stop models that left the list")]
        for role in play.get("roles", [])
        if role.get("checks_view") == "edge"
    ]
    assert len(checks) == 2
    for play, role in checks:
        assert play.get("any_errors_fatal") or role.get("checks_verdict_later"), play["name"]


def test_files_are_written_before_a_model_leaves_service() -> None:
    """Between the drain and the stop lies only what must: a model may have no other replica."""
    tasks = yaml.safe_load((ROLE / "tasks" / "drain.yml").read_text())
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


@pytest.mark.parametrize("playbook", ["roll_out.yml", "check.yml"])
def test_a_verdict_can_wait_although_the_command_line_enforces_it(playbook: str) -> None:
    """``-e checks_enforce=true`` outranks a play, and would end a run before it goes back."""
    plays = yaml.safe_load((ROOT / "playbooks" / playbook).read_text())
    roles = [role for play in plays for role in play.get("roles", [])]
    assert any(role.get("checks_verdict_later") for role in roles)
    assert not any("checks_enforce" in role for role in roles)
    for view in ("edge", "direct"):
        text = (ROOT / "roles" / "checks" / "tasks" / f"{view}.yml").read_text()
        assert 'enforce: "{{ checks_enforce | bool and not checks_verdict_later }}"' in text
