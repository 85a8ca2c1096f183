"""Test the module that keeps sets, puts them back, and writes the history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.models.project_files import write_project
from ansible.module_utils.tgi.models.record import Record
from ansible.module_utils.tgi.rollout.sets import active_id

from tests.support.modules.module_options import differences, documented_options
from tests.support.run_module import load, run

IMAGE = f"ghcr.io/x/tgi@sha256:{'1a2b' * 16}"
BY: dict[str, Any] = {"by": "anna@ctl1", "commit": "c" * 40 + "+dirty"}


class Sets:
    """Call the module for the models below a directory."""

    def __init__(self, base: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.base, self.capsys, self.module = base, capsys, load("tgi_sets")

    def deploy(self, name: str, port: int, secret: str = "1") -> None:
        (self.base / name).mkdir(exist_ok=True)
        record = Record(name, f"tgi-{name}", port, [], IMAGE, "x/y", "r" * 40)
        text = f"# Written by tgi-ansible\nports: [{port}]\n"
        write_project(self.base / name, text, f"T='{secret}'\n", record, dry=False)

    def call(self, state: str, *models: str, check: bool = False, **more: Any) -> dict[str, Any]:
        options = {"base_dir": str(self.base), "models": list(models), **more}
        return run(self.module, self.capsys, check, state=state, **options)


@pytest.fixture
def sets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Sets:
    return Sets(tmp_path, capsys)


def test_kept_once(sets: Sets) -> None:
    sets.deploy("a", 1)
    sets.deploy("b", 2)
    assert sets.call("kept", "a", "b", check=True)["changed"]
    assert sets.call("listed")["sets"] == []
    first = sets.call("kept", "a", "b", event="started", **BY)
    assert first["changed"] and [one["name"] for one in first["sets"]] == ["a", "b"]
    assert first["sets"][0]["id"] == active_id(sets.base / "a")
    assert not sets.call("kept", "a", "b")["changed"]
    assert sets.call("kept", "a", event="replaced")["changed"]
    events = [(one["model"], one["event"]) for one in sets.call("listed")["history"]]
    assert events == [("a", "started"), ("b", "started"), ("a", "replaced")]


def test_back_and_its_history(sets: Sets) -> None:
    sets.deploy("a", 1)
    sets.call("kept", "a", event="started", **BY)
    sets.deploy("a", 2, secret="2")
    sets.call("noted", "a", event="failed", gap=61.2, note="no token → none", **BY)
    assert sets.call("back", "a", check=True)["changed"]
    back = sets.call("back", "a")
    assert back["changed"] and back["sets"][0]["port"] == 1 and back["sets"][0]["active"]
    assert (sets.base / "a/secrets.env").read_text() == "T='1'\n"
    sets.call("kept", "a", event="returned", gap=75.0, **BY)
    listed = sets.call("listed", "a")
    assert not listed["changed"]
    started, failed, returned = listed["history"]
    assert started["set"] == returned["set"] == listed["sets"][0]["id"] != failed["set"]
    assert (failed["event"], failed["gap"], failed["by"]) == ("failed", 61.2, "anna@ctl1")
    assert (failed["image"], failed["model_id"], failed["note"]) == (
        IMAGE,
        "x/y",
        "no token → none",
    )
    assert failed["commit"] == "c" * 40 + "+dirty"


def test_a_set_that_is_left_as_it_failed_is_kept_no_longer(sets: Sets) -> None:
    for port in (1, 2):
        sets.deploy("a", port)
        sets.call("kept", "a")
    sets.call("back", "a", event="rolled_back", **BY)
    assert [one["port"] for one in sets.call("listed", "a")["sets"]] == [1, 2]
    sets.call("back", "a", event="returned", **BY)
    assert [one["port"] for one in sets.call("listed", "a")["sets"]] == [2]


def test_the_table(sets: Sets) -> None:
    assert sets.call("listed")["table"] == ["No event is written yet.", "", "No set is kept yet."]
    for port in (1, 2):
        sets.deploy("a", port)
        sets.call("kept", "a", event="replaced", gap=2.6, **BY)
    head, one, two, _, sets_head, newest, other = sets.call("listed")["table"]
    assert head.split()[:5] == ["WHEN", "MODEL", "EVENT", "SET", "IMAGE"]
    words = two.split()
    assert words[1:3] + words[4:] == [
        "a",
        "replaced",
        "sha256:1a2b1a2b1a2b",
        "rrrrrrrrrrrr",
        "anna@ctl1",
        "cccccccccccc+dirty",
        "3",
        "s",
    ]
    assert len({line.index("anna") for line in (one, two)}) == 1
    assert sets_head.startswith("MODEL  SET")
    assert newest.endswith("active") and other.endswith("can be put back")
    assert other.split()[1] in one


def test_another_model_is_left_out(sets: Sets) -> None:
    for name in ("a", "b"):
        sets.deploy(name, 1)
        sets.call("kept", name, event="started")
    listed = sets.call("listed", "b")
    assert {one["model"] for one in listed["history"]} == {"b"}
    assert {one["name"] for one in listed["sets"]} == {"b"}


def test_all_or_none_go_back(sets: Sets) -> None:
    for port in (1, 2):
        sets.deploy("a", port)
        sets.call("kept", "a")
    sets.deploy("b", 3)
    now = active_id(sets.base / "a")
    answer = sets.call("back", "a", "b", event="rolled_back")
    assert answer["failed"] and answer["msg"].startswith("b has no other set that passed")
    assert active_id(sets.base / "a") == now
    assert sets.call("listed")["history"] == []
    older = sets.call("listed", "a")["sets"][1]["id"]
    assert sets.call("back", "a", set=older, event="rolled_back")["sets"][0]["id"] == older


def test_back_to_the_set_of_each_model(sets: Sets) -> None:
    for port in (1, 2, 3):
        for name in ("a", "b"):
            sets.deploy(name, port)
            sets.call("kept", name)
    # Also to the active one, which a run put back that ended before it changed the container
    ids = [active_id(sets.base / "a"), sets.call("listed", "b")["sets"][2]["id"]]
    back = sets.call("back", "a", "b", targets=dict(zip("ab", ids, strict=True)))
    assert [one["id"] for one in back["sets"]] == ids


def test_what_has_passed_can_be_left_alone(sets: Sets) -> None:
    for port in (1, 2):
        sets.deploy("a", port)
        sets.call("kept", "a")
    assert sets.call("back", "a", unproven=True)["sets"] == []
    now = active_id(sets.base / "a")
    sets.deploy("a", 3)
    back = sets.call("back", "a", unproven=True)
    assert [one["id"] for one in back["sets"]] == [now] and active_id(sets.base / "a") == now


def test_a_model_that_was_removed_is_noted(sets: Sets) -> None:
    assert sets.call("noted", "gone", event="removed", check=True)["changed"]
    assert sets.call("noted", "gone", event="removed", **BY)["changed"]
    (entry,) = sets.call("listed", "gone")["history"]
    assert (entry["event"], entry["set"], entry["image"]) == ("removed", "", "")


@pytest.mark.parametrize("state", ["kept", "back", "noted"])
def test_without_models(sets: Sets, state: str) -> None:
    answer = sets.call(state)
    assert answer["msg"] == f"models is empty; state: {state} needs names of models"


def test_documentation_agrees(sets: Sets) -> None:
    assert differences(documented_options(sets.module), sets.module.ARGUMENTS) == []
