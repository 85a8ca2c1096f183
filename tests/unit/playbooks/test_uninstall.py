"""Test which roles the uninstall covers, and what it does by default."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.support.roots import ROOT

#: They leave nothing on a host, or only what belongs to the machine
WITHOUT = {"preflight", "checks", "diagnose", "nvidia_driver", "rollout"}
#: The playbooks that deploy, in their order
DEPLOYING = ("playbooks/site.yml", "playbooks/roll_out.yml")
PLAYS: list[dict[str, Any]] = [
    play
    for play in yaml.safe_load((ROOT / "playbooks/uninstall.yml").read_text())
    if "hosts" in play
]
TASKS = {task["name"]: task for play in PLAYS for task in play["tasks"]}


def roles(playbook: str) -> list[str]:
    """Return the roles of a playbook, in their order."""
    found = re.findall(r"role: (\w+)|name: (\w+)\n +tasks_from: uninstall", playbook)
    return list(dict.fromkeys("".join(pair) for pair in found))


def test_what_came_last_goes_first() -> None:
    texts = "".join((ROOT / path).read_text() for path in DEPLOYING)
    came = [name for name in roles(texts) if name not in WITHOUT]
    assert roles((ROOT / "playbooks/uninstall.yml").read_text()) == came[::-1][:1] + [
        name for name in reversed(came) if name != "gateway"
    ]


def test_weights_and_the_engine_stay_by_default() -> None:
    (prompt,) = [one for play in PLAYS for one in play.get("vars_prompt", [])]
    assert (prompt["name"], prompt["default"], prompt["private"]) == (
        "uninstall_weights",
        "no",
        False,
    )
    assert TASKS["Remove Docker"]["when"] == "uninstall_docker | default(false) | bool"


def test_refusals_come_before_any_change() -> None:
    first, *rest = PLAYS
    assert first["any_errors_fatal"] is True
    assert {"docker_in_use", "ansible.builtin.set_fact"} == {
        key for task in first["tasks"] for key in task if key not in {"name", "tags", "when"}
    }
    assert all("docker_in_use" not in task for play in rest for task in play["tasks"])


def test_each_uninstall_option_of_a_role_is_typed() -> None:
    for role in sorted(path.name for path in (ROOT / "roles").iterdir()):
        tasks = [*(ROOT / "roles" / role / "tasks").glob("*.yml"), ROOT / "playbooks/uninstall.yml"]
        used = {
            name
            for path in tasks
            for name in re.findall(rf"(?<!_)\b{role}_uninstall_\w+", path.read_text())
        }
        specs = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text())
        entry = specs["argument_specs"].get("uninstall", {})
        assert set(entry.get("options") or {}) == used, role
