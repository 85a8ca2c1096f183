"""Test where a new set starts beside the old one, and the reasons why one cannot."""

from __future__ import annotations

from typing import Any

import pytest

from module_utils.tgi.rollout.blue_green import Choice, HostRoom, moved

GIB = 2**30


def gpu(index: int, name: str = "NVIDIA L4", **more: Any) -> dict[str, Any]:
    usual = {"memory_mib": 23034, "compute_cap": "8.9", "mig": False}
    return {"index": index, "uuid": f"GPU-{index}", "name": name, **usual, **more}


def model(name: str = "llama", gpus: tuple[str, ...] = ("0",), **more: Any) -> dict[str, Any]:
    usual = {"port": 8081, "project": f"tgi-{name}", "pinned": []}
    return {"name": name, "gpus": list(gpus), **usual, **more}


def change(name: str = "llama", gpus: tuple[str, ...] = ("0",), **more: Any) -> dict[str, Any]:
    usual = {"port": 8081, "project": f"tgi-{name}", "beside": None, "memory": 4 * GIB}
    return {"name": name, "gpus": list(gpus), **usual, **more}


def room(**more: Any) -> HostRoom:
    usual: dict[str, Any] = {
        "models": [model()],
        "changes": [change()],
        "gpus": [gpu(0), gpu(1)],
        "room": {"ports": [22, 8081], "busy": ["GPU-0"], "memory": 64 * GIB},
        "base_port": 8081,
        "published": {"llama": {8081}},
    }
    return HostRoom(**{**usual, **more})


GREEN = {"port": 8082, "url": "http://127.0.0.1:8082", "project": "tgi2-llama", "gpus": ["1"]}


def test_a_new_set_gets_the_next_free_port_and_gpu_and_the_other_project() -> None:
    assert room().choose(change()) == Choice(GREEN)


def test_and_the_next_change_goes_back_to_the_first_project() -> None:
    now: dict[str, Any] = {"port": 8082, "project": "tgi2-llama"}
    there = room(
        models=[model(gpus=("1",), **now)],
        changes=[change(gpus=("1",), **now)],
        room={"ports": [8082], "busy": ["GPU-1"], "memory": 64 * GIB},
        published={"llama": {8082}},
    )
    place = there.choose(change(gpus=("1",), **now)).place or {}
    assert (place["project"], place["port"], place["gpus"]) == ("tgi-llama", 8081, ["0"])


@pytest.mark.parametrize(
    ("more", "wish", "why"),
    [
        ({"gpus": [gpu(0)]}, "auto", "no spare GPU (wants 1, 0 are free)"),
        ({"room": {"busy": ["GPU-0", "GPU-1"]}}, "auto", "no spare GPU (wants 1, 0 are free)"),
        ({"gpus": [gpu(0), gpu(1, "NVIDIA T4")]}, "auto", "no spare GPU (wants 1, 0 are free)"),
        ({"gpus": [gpu(0), gpu(1, mig=True)]}, "auto", "no spare GPU (wants 1, 0 are free)"),
        ({"cdi": ["nvidia.com/gpu=0"]}, "auto", "no spare GPU (wants 1, 0 are free)"),
        ({"models": [model(), model("new", ("1",), port=8082)]}, "auto", "no spare GPU"),
        ({"changes": [change(), change("gone", ("1",), port=8082)]}, "auto", "no spare GPU"),
        ({"models": [model(gpus=("0", "1"))]}, "auto", "no spare GPU (wants 2, 1 is free)"),
        ({"models": [model(pinned=["port"])]}, "auto", "its port 8081 is written in tgi_models"),
        ({"models": [model(pinned=["gpus"])]}, "auto", "its gpus are written in tgi_models"),
        ({"room": {"memory": 3 * GIB}}, "auto", "no memory (it holds 4.0 GiB, 3.0 are available)"),
        ({"models": [model(gpus=())]}, "auto", "without a GPU two of it would share"),
        ({"obstacle": "edge is off"}, "auto", "edge is off"),
        ({}, "in_place", "as its strategy says"),
        ({"gpus": [gpu(0)]}, "blue_green", "no spare GPU (wants 1, 0 are free)"),
    ],
)
def test_without_room_it_is_replaced_in_place_or_refused(
    more: dict[str, Any], wish: str, why: str
) -> None:
    choice = room(**more, wishes={"llama": wish}).choose(change())
    assert choice.place is None
    assert choice.why.startswith(why)
    assert choice.must is (wish == "blue_green")


def test_without_a_gpu_it_starts_beside_where_that_is_asked_for() -> None:
    there = room(models=[model(gpus=(), pinned=["gpus"])], wishes={"llama": "blue_green"})
    assert there.choose(change(gpus=())).place == {**GREEN, "gpus": []}


def test_a_new_port_that_is_written_is_that_of_the_new_set() -> None:
    there = {"models": [model(pinned=["port"], port=8095)]}
    place = {**GREEN, "port": 8095, "url": "http://127.0.0.1:8095"}
    assert room(**there).choose(change()).place == place
    taken = {"room": {"ports": [8081, 8095], "memory": 64 * GIB}}
    choice = room(**there, **taken).choose(change())
    assert (choice.place, choice.why) == (None, "its port 8095 is in use")


def test_two_of_a_host_share_what_there_is() -> None:
    both = {"models": [model(), model("b", ("1",), port=8082)]}
    both["changes"] = [change(), change("b", ("1",), port=8082)]
    there = room(**both, gpus=[gpu(0), gpu(1), gpu(2)], room={"busy": ["GPU-0", "GPU-1"]})
    place = there.choose(both["changes"][0]).place or {}
    assert (place["gpus"], place["port"]) == (["2"], 8083)
    assert there.choose(both["changes"][1]).why == "no spare GPU (wants 1, 0 are free)"


def test_memory_is_spent_once() -> None:
    both = {"models": [model(gpus=()), model("b", (), port=8082)]}
    both["changes"] = [change(gpus=()), change("b", (), port=8082)]
    wishes = {"llama": "blue_green", "b": "blue_green"}
    there = room(**both, room={"memory": 7 * GIB}, wishes=wishes)
    assert there.choose(both["changes"][0]).place
    assert there.choose(both["changes"][1]).why.startswith("no memory (it holds 4.0 GiB, 3.0 are")


BLUE = {"project": "tgi-llama", "port": 8081, "gpus": ["0"], "runs": True}
BEGUN: dict[str, Any] = {"port": 8082, "project": "tgi2-llama", "gpus": ("1",)}


def begun(published: set[int], **more: Any) -> tuple[HostRoom, dict[str, Any]]:
    one = change(**BEGUN, beside=BLUE)
    there = room(models=[model(**BEGUN)], changes=[one], published={"llama": published}, **more)
    return there, one


def test_what_an_earlier_run_began_goes_on_in_its_place() -> None:
    there, one = begun({8081})
    assert there.resumes(one)
    assert there.choose(one) == Choice(GREEN)
    # Also where it would not begin so now
    there, one = begun({8081}, wishes={"llama": "in_place"}, gpus=[gpu(0)])
    assert there.choose(one) == Choice(GREEN)


def test_what_an_earlier_run_left_behind_makes_room_first() -> None:
    there, one = begun({8082}, room={"ports": [8081, 8082], "busy": ["GPU-0", "GPU-1"]})
    assert not there.resumes(one)
    choice = there.choose(one)
    assert choice.clears
    assert choice.place == {**GREEN, "port": 8083, "url": "http://127.0.0.1:8083", "gpus": ["0"],
                            "project": "tgi-llama"}  # fmt: skip


def test_gateways_that_disagree_are_refused() -> None:
    there, one = begun({8081, 8082})
    choice = there.choose(one)
    assert (choice.place, choice.must) == (None, True)
    assert "which ends that change" in choice.why


BACK = {"port": 8082, "project": "tgi2-llama", "gpus": ["1"]}


def test_a_set_to_go_back_to_starts_in_its_own_place_whatever_is_pinned() -> None:
    there = room(models=[model(pinned=["port", "gpus"])], wishes={"llama": "in_place"})
    assert there.choose(change(target=BACK)) == Choice(GREEN)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"room": {"ports": [8082]}}, "its port 8082 is in use"),
        ({"models": [model(), model("b", ("1",), port=9000)]}, "GPU 1, which it had, is in use"),
    ],
)
def test_and_is_refused_where_that_is_not_free(more: dict[str, Any], why: str) -> None:
    choice = room(**more).choose(change(target=BACK))
    assert (choice.place, choice.why, choice.must) == (None, why, True)


def test_models_move() -> None:
    there = [model(), model("b")]
    assert moved(there, {"llama": GREEN}) == [{**there[0], **GREEN}, there[1]]
