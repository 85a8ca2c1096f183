"""Test what a plan takes from the facts and variables of a run."""

from __future__ import annotations

from typing import Any

from module_utils.tgi.rollout.from_hostvars import rollout_plan

MODEL = {
    "name": "llama", "model_id": "acme/llama", "port": 8081, "accept_downtime": None, "gpus": [],
    "project": "tgi-llama", "pinned": [],
}  # fmt: skip
CHANGE = {
    "name": "llama", "action": "replace", "why": ["image"], "kept": True, "returnable": True,
    "serves": True, "gap": None, "port": 8081, "gpus": [], "project": "tgi-llama",
}  # fmt: skip


def gpu_host(port: int = 8081, **more: Any) -> dict[str, Any]:
    facts = {"tgi_changes": [CHANGE], "tgi_host": {"models": [{**MODEL, "port": port}]}}
    return {"ansible_facts": facts, **more}


def gateway(*published: str, drained: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    addresses = dict.fromkeys(published, "10.0.0.1:8081")
    return {"ansible_facts": {"tgi_host": {"published": addresses, "drained": drained or []}}}


def plan(edge: dict[str, Any], **hosts: dict[str, Any]) -> dict[str, Any]:
    return rollout_plan(list(hosts), {**hosts, "edge": edge}, ["edge"])


def test_hosts_that_a_gateway_publishes_together_stand_in_for_each_other() -> None:
    found = plan(gateway("llama@a", "llama@b"), a=gpu_host(), b=gpu_host())
    assert (found["hosts"], found["sizes"], found["alone"]) == (["a", "b"], [1, 1], {})
    assert (found["present"], found["gateways"], found["moves"]) == (["a", "b"], ["edge"], [])


def test_a_gateway_that_publishes_one_of_them_has_no_other() -> None:
    found = plan(gateway("llama@a"), a=gpu_host(), b=gpu_host())
    assert found["alone"] == {"a": ["llama"]}
    assert "a is the only replica of llama that serves" in found["problems"][0]


def test_consent_is_of_the_host_or_of_the_model() -> None:
    assert plan(gateway("llama@a"), a=gpu_host(tgi_accept_downtime=True))["problems"] == []
    own = gpu_host(tgi_accept_downtime=True)
    own["ansible_facts"]["tgi_host"]["models"][0]["accept_downtime"] = False
    assert plan(gateway("llama@a"), a=own)["problems"]


def test_a_flag_of_a_person_counts_and_one_of_a_run_is_resumed() -> None:
    flag = {"model": "llama", "replica": "b", "run": True}
    edge = gateway("llama@a", "llama@b", drained=[flag])
    assert plan(edge, a=gpu_host(), b=gpu_host())["hosts"] == ["b", "a"]
    edge = gateway("llama@a", "llama@b", drained=[{**flag, "run": False}])
    assert plan(edge, a=gpu_host(), b=gpu_host())["problems"]


def test_a_host_that_cannot_be_reached_is_out() -> None:
    off = {
        "preflight_result": {"unreachable": True},
        "tgi_models": [{"name": "llama", "model_id": "acme/llama"}],
    }
    found = plan(gateway("llama@a", "llama@off"), a=gpu_host(), off=off)
    assert "as off is out" in found["problems"][0]


def test_another_port_moves_the_replica() -> None:
    assert plan(gateway("llama@a", "llama@b"), a=gpu_host(9000), b=gpu_host())["moves"] == ["a"]
