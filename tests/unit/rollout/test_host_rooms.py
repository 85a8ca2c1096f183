"""Test what a host's room takes from facts and variables, and which gateways stand in the way."""

from __future__ import annotations

from typing import Any

import pytest

from module_utils.tgi.rollout.from_hostvars import rollout_plan

MODEL: dict[str, Any] = {
    "name": "llama", "model_id": "acme/llama", "port": 8081, "accept_downtime": None,
    "gpus": ["0"], "project": "tgi-llama", "pinned": [], "strategy": None,
}  # fmt: skip
CHANGE: dict[str, Any] = {
    "name": "llama", "action": "replace", "why": ["image"], "kept": True, "returnable": True,
    "serves": True, "gap": None, "port": 8081, "gpus": ["0"], "project": "tgi-llama",
    "beside": None, "memory": None,
}  # fmt: skip
CARD = {"name": "NVIDIA L4", "memory_mib": 23034, "compute_cap": "8.9", "mig": False}
CARDS = [{"index": index, "uuid": f"GPU-{index}", **CARD} for index in (0, 1)]
PLACE = {"port": 8082, "url": "http://127.0.0.1:8082", "project": "tgi2-llama", "gpus": ["1"]}


def gpu_host(change: dict[str, Any] = CHANGE, **more: Any) -> dict[str, Any]:
    facts = {"models": [MODEL], "gpus": CARDS, "cdi": []}
    room = {"ports": [8081], "busy": ["GPU-0"], "memory": None}
    found = {"tgi_changes": [change], "tgi_host": facts, "tgi_room": room}
    return {"ansible_facts": found, **more}


def gateway(port: int = 8081, **more: Any) -> dict[str, Any]:
    published = {"llama@a": f"10.0.0.1:{port}"}
    return {"ansible_facts": {"tgi_host": {"published": published, "drained": []}}, **more}


def plan(a: dict[str, Any], publishes: bool = True, **edges: Any) -> dict[str, Any]:
    gateways = edges or {"edge": gateway()}
    return rollout_plan(["a"], {"a": a, **gateways}, list(gateways), 1, publishes)


def test_a_model_with_one_replica_starts_beside_the_old_one() -> None:
    found = plan(gpu_host())
    assert found["beside"] == {"a": {"llama": PLACE}}
    assert found["lines"] == [
        "llama on a: replace it (image): new beside old on GPU 1, port 8082: clients notice nothing"
    ]
    assert (found["hosts"], found["models"], found["problems"]) == ([], {}, [])
    assert (found["due"], found["surplus"], found["rest"]) == ({"a": ["llama"]}, ["a"], ["a"])
    assert found["moves"] == []


def test_the_site_or_the_model_says_how() -> None:
    assert plan(gpu_host(tgi_strategy="in_place"))["beside"] == {}
    own = gpu_host(tgi_strategy="in_place")
    own["ansible_facts"]["tgi_host"]["models"] = [{**MODEL, "strategy": "blue_green"}]
    assert plan(own)["beside"]
    own["ansible_facts"]["tgi_host"]["gpus"] = CARDS[:1]
    (refused,) = plan(own)["problems"]
    assert refused == (
        "a cannot have another set of llama beside the one that serves: no spare GPU (wants 1, 0 "
        "are free); make room there, or write strategy: in_place in tgi_models"
    )


def test_in_place_says_why() -> None:
    host = gpu_host(tgi_accept_downtime=True)
    host["ansible_facts"]["tgi_host"]["gpus"] = CARDS[:1]
    assert plan(host)["lines"] == [
        "llama on a: replace it (image): in place: no spare GPU (wants 1, 0 are free); llama is "
        "out for an unknown time, clients get 503"
    ]


OFF = {"preflight_result": {"unreachable": True}, **gateway()}
OUTSIDE: dict[str, Any] = {"ansible_facts": {}}


@pytest.mark.parametrize(
    ("edges", "publishes", "why"),
    [
        ({"edge": gateway(), "off": OFF}, True, "off cannot be reached, and would keep its"),
        ({"edge": gateway(), "far": OUTSIDE}, True, "far is not in this run"),
        ({"edge": gateway(gateway_backends=[])}, True, "gateway_backends of edge is written by"),
        ({"edge": gateway()}, False, "with these tags no gateway would publish"),
    ],
)
def test_every_gateway_must_follow(edges: dict[str, Any], publishes: bool, why: str) -> None:
    found = plan(gpu_host(tgi_accept_downtime=True), publishes, **edges)
    assert found["beside"] == {}
    assert f"in place: {why}" in found["lines"][0]


def test_without_a_gateway_ports_stay() -> None:
    found = rollout_plan(["a"], {"a": gpu_host(tgi_accept_downtime=True)})
    assert "in place: no gateway would publish its new address" in found["lines"][0]


LEFT = {"name": "llama", "project": "tgi2-llama", "port": 8082, "gpus": ["1"], "runs": True}


def test_what_an_earlier_run_left_is_stopped_though_nothing_changes() -> None:
    found = plan(gpu_host({**CHANGE, "action": "nothing", "why": [], "beside": LEFT}))
    assert found["lines"] == ["llama on a: stop tgi2-llama, which an earlier run left beside it"]
    assert (found["surplus"], found["beside"], found["due"]) == (["a"], {}, {})


def test_the_lock_of_a_run_that_died_at_its_end_is_given_back() -> None:
    host = gpu_host({**CHANGE, "action": "nothing", "why": []})
    assert plan(host)["surplus"] == []
    host["ansible_facts"]["tgi_locked"] = True
    assert plan(host)["surplus"] == ["a"]


def test_an_earlier_run_that_was_not_published_goes_on() -> None:
    change = {**CHANGE, "action": "start", "kept": False, "serves": False, "beside": LEFT}
    found = plan(gpu_host({**change, "why": ["it has no container"]}), edge=gateway(8082))
    assert list(found["beside"]["a"]) == ["llama"]
    assert found["lines"][0].startswith(
        "llama on a: prove it (an earlier run did not prove it): new beside old on GPU 0, port 8081"
    )


def test_what_an_earlier_run_left_makes_room_first() -> None:
    found = plan(gpu_host({**CHANGE, "beside": LEFT}))
    assert found["beside"] == {"a": {"llama": PLACE}}
    assert found["clears"] == {"a": ["llama"]}


def test_a_set_that_cannot_come_back_is_refused() -> None:
    target = {"port": 8081, "project": "tgi-llama", "gpus": ["0"]}
    host = gpu_host({**CHANGE, "target": target})
    (refused,) = plan(host)["problems"]
    assert "its port 8081 is in use; make room there, or write rollback_set" in refused
