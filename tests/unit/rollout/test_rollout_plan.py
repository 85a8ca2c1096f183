"""Test which strategy and which order a roll-out gets."""

from __future__ import annotations

from typing import Any

import pytest

from module_utils.tgi.rollout.rollout_plan import RolloutPlan, due, make_plan


def change(name: str = "llama", action: str = "replace", **more: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "name": name, "action": action, "why": ["image sha256:aa → sha256:bb"], "kept": True,
        "returnable": True, "serves": True, "gap": None, "port": 8081, "gpus": ["0"],
    }  # fmt: skip
    return {**usual, **({"why": []} if action == "nothing" else {}), **more}


def plan(
    changes: dict[str, list[dict[str, Any]]],
    elsewhere: dict[str, list[str]] | None = None,
    accepts: bool = False,
    most: int | str = 1,
    out: tuple[str, ...] = (),
) -> RolloutPlan:
    names = {one["name"] for its in changes.values() for one in its}
    return make_plan(changes, elsewhere or {}, dict.fromkeys(names, accepts), most, out)


def hosts(*names: str, **more: Any) -> dict[str, list[dict[str, Any]]]:
    return {name: [change(**more)] for name in names}


def test_nothing_to_do_is_an_empty_plan() -> None:
    found = plan({"gpu1": [change(action="nothing")], "gpu2": []})
    assert found.as_fact() == {
        "hosts": [], "sizes": [1], "models": {}, "alone": {}, "lines": [],
        "problems": [], "rest": [], "due": {}, "beside": {}, "clears": {},
    }  # fmt: skip


def test_replicas_are_replaced_one_after_the_other() -> None:
    found = plan(hosts("gpu1", "gpu2", "gpu3"))
    assert found.batches == (("gpu1",), ("gpu2",), ("gpu3",))
    assert {step.strategy for step in found.steps} == {"rolling"}
    assert not found.problems
    assert found.lines[1] == (
        "llama on gpu2: replace it (image sha256:aa → sha256:bb): one replica after the other, "
        "the others serve; turn 2 of 3"
    )


@pytest.mark.parametrize(
    ("count", "most", "sizes"),
    [(4, 1, [1] * 4), (4, 2, [2, 2]), (4, "50%", [2, 2]), (4, "100%", [3, 1]), (4, "1%", [1] * 4),
     (8, 1, [1] * 8), (8, "25%", [2] * 4), (8, "50%", [4, 4]), (100, "25%", [25] * 4)],
)  # fmt: skip
def test_so_many_may_be_out_and_never_all(count: int, most: int | str, sizes: list[int]) -> None:
    names = [f"gpu{number}" for number in range(1, count + 1)]
    assert plan(hosts(*names), most=most).as_fact()["sizes"] == sizes


def test_hosts_that_share_no_model_go_together() -> None:
    changes = {
        "a1": [change("a")], "a2": [change("a")], "b1": [change("b")], "b2": [change("b")],
    }  # fmt: skip
    assert plan(changes).batches == (("a1", "b1"), ("a2", "b2"))


def test_replicas_of_hosts_outside_this_run_serve_meanwhile() -> None:
    found = plan(hosts("gpu1"), elsewhere={"llama": ["gpu2"]})
    assert found.steps[0].strategy == "rolling"
    assert not found.problems


def test_the_only_replica_needs_consent() -> None:
    refused = plan(hosts("gpu1", gap=41.4)).problems
    assert refused == (
        "gpu1 is the only replica of llama that serves: replacing it takes llama out (last time "
        "41 s); write accept_downtime: true for it in tgi_models, or add a replica on another host",
    )
    accepted = plan(hosts("gpu1", gap=41.4), accepts=True)
    assert not accepted.problems
    assert accepted.lines[0].endswith("in place; llama is out for some 41 s, clients get 503")
    assert accepted.as_fact()["alone"] == {"gpu1": ["llama"]}


def test_what_does_not_serve_needs_no_consent() -> None:
    found = plan(hosts("gpu1", serves=False))
    assert (found.steps[0].strategy, found.problems) == ("unseen", ())


def test_a_drained_replica_does_not_count_as_serving() -> None:
    (refused,) = plan(hosts("gpu1"), elsewhere={"llama": ["gpu2"]}, out=("llama@gpu2",)).problems
    assert "is the only replica of llama that serves, as gpu2 is out: " in refused


def test_a_replica_that_is_the_only_one_of_a_gateway_needs_consent() -> None:
    found = make_plan(hosts("gpu1", "gpu2"), {}, {}, single=["llama@gpu1", "llama@gpu2"])
    assert len(found.problems) == 2
    assert found.as_fact()["alone"] == {"gpu1": ["llama"], "gpu2": ["llama"]}


def test_what_is_out_already_counts() -> None:
    found = plan(hosts("gpu1", "gpu2"), elsewhere={"llama": ["gpu3"]}, out=("llama@gpu3",))
    assert found.problems == (
        "llama on gpu3 is out of service already (drained or unreachable), and no more may be; "
        "take it back first, or raise rollout_max_unavailable",
    )
    assert not plan(
        hosts("gpu1", "gpu2"), elsewhere={"llama": ["gpu3"]}, out=("llama@gpu3",), most=2
    ).problems


def test_a_drained_replica_itself_may_be_replaced() -> None:
    found = plan(hosts("gpu1"), elsewhere={"llama": ["gpu2"]}, out=("llama@gpu1",))
    assert not found.problems
    assert found.batches == (("gpu1",),)


def test_what_an_earlier_run_left_out_comes_first() -> None:
    names = {one: [change()] for one in ("gpu1", "gpu2", "gpu3")}
    found = make_plan(names, {}, {}, resumed=["llama@gpu3"])
    assert found.batches == (("gpu3",), ("gpu1",), ("gpu2",))
    assert not found.problems


def test_what_starts_is_no_replica_yet() -> None:
    changes = {"gpu1": [change()], "gpu2": [change(action="start", returnable=False, why=[])]}
    found = plan(changes)
    assert found.problems
    assert found.lines[1] == "llama on gpu2: start it"


def test_an_unproven_set_is_due_where_another_could_come_back() -> None:
    found = plan({"gpu1": [change(action="nothing", kept=False)]}, elsewhere={"llama": ["gpu2"]})
    assert found.lines == (
        "llama on gpu1: prove it (an earlier run did not prove it): one replica after the other, "
        "the others serve",
    )
    assert not due([change(action="nothing", kept=False, returnable=False)])


def test_a_new_model_on_a_gpu_of_one_that_is_replaced_waits_for_it() -> None:
    new = change("new", "start", kept=False, returnable=False, port=8082, gpus=["0"])
    apart = change("apart", "start", kept=False, returnable=False, port=8083, gpus=["1"])
    assert [one["name"] for one in due([change(), new, apart])] == ["llama", "new"]


def test_what_stops_or_is_only_written_is_said() -> None:
    changes = {"gpu1": [change(action="stop", why=[]), change("b", "update", why=["aliases"])]}
    assert plan(changes).lines == (
        "llama on gpu1: stop it, once the gateways have forgotten it",
        "b on gpu1: write its files, without a restart (aliases)",
    )
    assert plan(changes).as_fact()["rest"] == ["gpu1"]
