"""Test which models each step of the role tgi is about."""

from __future__ import annotations

from typing import Any

from module_utils.tgi.rollout.steps import step_of


def change(name: str, action: str, port: int = 8081, **more: Any) -> dict[str, Any]:
    usual = {"kept": True, "returnable": True, "gpus": []}
    return {"name": name, "action": action, "port": port, **usual, **more}


CHANGES = [
    change("same", "nothing"),
    change("new", "start", 8082, kept=False, returnable=False),
    change("other", "replace", 8083),
    change("note", "update", 8084),
    change("gone", "stop", 8085),
    change("there", "stop", 8082),
]
MODELS: list[dict[str, Any]] = [
    {"name": one["name"], "port": one["port"], "gpus": []}
    for one in CHANGES
    if one["action"] != "stop"
]


def test_alone_the_role_does_everything() -> None:
    assert step_of(CHANGES, MODELS) == {
        "pull": ["new", "other", "note"],
        "write": ["new", "other", "note"],
        "stop": ["there", "gone"],
        "wait": ["same", "new", "other", "note"],
        "last": True,
    }


def test_the_first_step_takes_nothing_out_of_service() -> None:
    assert step_of(CHANGES, MODELS, "start") == {
        "pull": ["new", "other", "note"],
        "write": ["new", "note"],
        # Its port is needed
        "stop": ["there"],
        "wait": ["same", "new", "note"],
        "last": False,
    }


def test_the_second_step_replaces() -> None:
    found = step_of(CHANGES, MODELS, "replace")
    assert (found["pull"], found["write"], found["stop"]) == ([], ["other"], [])
    assert found["wait"] == ["same", "new", "other", "note"]
    assert step_of(CHANGES, MODELS, "replace", only=["same"])["write"] == []


def test_those_whose_turn_comes_later_need_not_generate() -> None:
    changes = [*CHANGES, change("broken", "replace", 8086)]
    found = step_of(changes, MODELS, "replace", only=["other"])
    assert (found["write"], found["wait"]) == (["other"], ["same", "new", "other", "note"])


def test_the_last_step_stops() -> None:
    found = step_of(CHANGES, MODELS, "stop")
    assert (found["write"], found["stop"], found["wait"], found["last"]) == ([], ["gone"], [], True)


def test_without_changes_the_first_step_is_the_last() -> None:
    assert step_of(CHANGES[:1], MODELS[:1], "start") == {
        "pull": [], "write": [], "stop": [], "wait": ["same"], "last": True,
    }  # fmt: skip


def test_check_mode_shows_everything_and_waits_for_nothing_new() -> None:
    found = step_of(CHANGES, MODELS, "start", check_mode=True)
    assert found["write"] == ["new", "other", "note"]
    assert found["wait"] == ["same", "other", "note"]


def test_a_listed_model_that_moves_off_a_gpu_needs_it_no_more() -> None:
    changes = [change("a", "replace", gpus=["0"]), change("gone", "stop", 8082, gpus=["1"])]
    assert step_of(changes, [{"name": "a", "port": 8081, "gpus": ["1"]}])["stop"] == ["gone"]
    first = step_of(changes, [{"name": "a", "port": 8081, "gpus": ["1"]}], "start")
    assert first["stop"] == ["gone"]
