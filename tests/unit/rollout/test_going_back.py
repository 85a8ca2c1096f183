"""Test which models go back on request."""

from __future__ import annotations

from typing import Any

from module_utils.tgi.rollout.going_back import going_back

NOW = {
    "name": "llama", "action": "nothing", "why": [], "kept": True, "returnable": True,
    "serves": None, "port": 8081, "gpus": [], "gap": 3.0, "project": "tgi-llama", "stale": False,
}  # fmt: skip


def kept(name: str, active: bool = False, model: str = "llama", **more: Any) -> dict[str, Any]:
    usual = {"port": 8081, "project": f"tgi-{model}", "gpus": []}
    passed = "2026-11-29T10:00:00Z"
    return {"id": name, "name": model, "active": active, "kept_at": passed, **usual, **more}


SETS = [kept("ccc", active=True), kept("bbb"), kept("aaa")]


def test_the_newest_other_set_is_the_way_back() -> None:
    (found,) = going_back([NOW], SETS)
    assert found["why"] == ["back to the set bbb, which passed 2026-11-29T10:00:00Z"]
    assert (found["action"], found["serves"]) == ("replace", True)


def test_a_set_may_be_asked_for() -> None:
    (found,) = going_back([NOW], SETS, asked="aaa")
    assert "aaa" in found["why"][0]
    (stays,) = going_back([NOW], SETS, asked="ddd")
    assert (stays["action"], stays["why"]) == ("nothing", [])


def test_other_models_stay_whatever_the_inventory_says() -> None:
    other = {**NOW, "name": "clerk", "action": "replace", "kept": False}
    sets = [*SETS, kept("eee", model="clerk")]
    assert [one["action"] for one in going_back([NOW, other], sets, ["llama"])] == [
        "replace", "nothing",
    ]  # fmt: skip


def test_a_set_on_another_port_is_none() -> None:
    assert going_back([NOW], [kept("bbb", port=9000)])[0]["action"] == "nothing"


def test_a_set_of_the_other_project_starts_beside_the_present_one() -> None:
    place: dict[str, Any] = {"port": 8083, "project": "tgi2-llama", "gpus": ["1"]}
    (found,) = going_back([NOW], [kept("bbb", **place)])
    assert (found["action"], found["target"]) == ("replace", place)
    assert "target" not in going_back([NOW], SETS)[0]


def test_a_model_that_does_not_serve_needs_no_consent() -> None:
    assert going_back([{**NOW, "serves": False}], SETS)[0]["serves"] is False


def test_a_roll_back_that_ended_early_goes_on() -> None:
    """Its files are active, and the container is still that of the set which it went back from."""
    sets = [kept("bbb", active=True), kept("ccc"), kept("aaa")]
    (found,) = going_back([{**NOW, "stale": True}], sets)
    assert found["target_set"] == "bbb"
    assert found["why"][0].endswith(" (a run before did not finish)")
    for asked in ("aaa", "bbb", "ccc"):
        (found,) = going_back([{**NOW, "stale": True}], sets, asked=asked)
        assert found["target_set"] == asked
    assert going_back([NOW], sets)[0]["target_set"] == "ccc"
    (stays,) = going_back([{**NOW, "stale": True}], [kept("bbb", active=True, port=9)])
    assert stays["action"] == "nothing"


def test_a_model_that_has_gone_back_stays_unless_a_set_is_asked_for() -> None:
    """A run that ended half-way is made again: no host may go forward meanwhile."""
    sets = [kept("bbb", active=True), kept("ccc"), kept("aaa")]
    events = [{"model": "llama", "event": one} for one in ("replaced", "rolled_back")]
    events.append({"model": "clerk", "event": "replaced"})
    (stays,) = going_back([NOW], sets, history=events)
    assert (stays["action"], stays["why"]) == ("nothing", [])
    assert going_back([NOW], sets, asked="aaa", history=events)[0]["target_set"] == "aaa"
    assert going_back([{**NOW, "stale": True}], sets, history=events)[0]["target_set"] == "bbb"
    # A run has gone forward since, or the set that came back failed
    for event in ("replaced", "failed"):
        later = [*events, {"model": "llama", "event": event}]
        assert going_back([NOW], sets, history=later)[0]["target_set"] == "ccc"
