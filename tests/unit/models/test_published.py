"""Test the checks' facts of models behind a gateway on its own machine."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.tgi.models.published import published_models
from ansible.module_utils.tgi.models.replicas import gateway_backends
from ansible.module_utils.tgi.models.resolve import resolve_models

A = {"name": "a", "model_id": "x/a", "revision": "1" * 40, "aliases": ["big"]}
B = {"name": "b", "model_id": "/data/b", "max_input_tokens": 7}


def host(*models: dict[str, Any], deployed: tuple[str, ...] = ()) -> dict[str, Any]:
    facts = {"tgi_host": {"models": resolve_models(list(models)), "deployed": list(deployed)}}
    return {
        "tgi_models": list(models),
        "tgi_bind_address": "10.0.0.5",
        "ansible_facts": facts,
    }


HOSTS = {"gpu1": host(A, deployed=("a",)), "gpu2": host(A, B)}


def test_models_of_all_hosts_with_what_the_hosts_declare() -> None:
    backends = gateway_backends(HOSTS, HOSTS, "edge")
    a, b = published_models(backends, HOSTS, HOSTS)
    assert a == {
        "name": "a",
        "model_id": "x/a",
        "aliases": ["big"],
        "revision": "1" * 40,
        "port": 8081,
        "options": {},
        "replicas": ["gpu1", "gpu2"],
        "absent": [],
    }
    assert (b["port"], b["options"], "revision" in b) == (8082, {"max_input_tokens": 7}, False)
    assert [one["name"] for one in published_models(backends, HOSTS, HOSTS, True)] == ["a"]


def test_an_engine_that_is_not_ours_is_identified_by_its_id() -> None:
    backends = [{"name": "a", "model_id": "y/a", "replicas": []}]
    assert published_models(backends, HOSTS, HOSTS) == [
        {"name": "a", "model_id": "y/a", "aliases": []}
    ]
    assert published_models(None, [], {}) == []


def test_hosts_that_are_not_in_this_run_are_named_while_others_are() -> None:
    hosts = {**HOSTS, "gpu2": {**HOSTS["gpu2"], "ansible_facts": {}}}
    a, b = published_models(gateway_backends(hosts, hosts, "edge"), hosts, hosts)
    assert (a["replicas"], a["absent"]) == (["gpu1", "gpu2"], ["gpu2"])
    assert (b["replicas"], b["absent"]) == (["gpu2"], ["gpu2"])
    # A run of the gateway alone knows nothing of any host
    alone = {name: {**values, "ansible_facts": {}} for name, values in hosts.items()}
    a, b = published_models(gateway_backends(alone, alone, "edge"), alone, alone)
    assert (a["absent"], b["absent"]) == ([], [])


def test_replicas_with_other_limits_are_named() -> None:
    hosts = {"gpu1": host({**A, "max_total_tokens": 1970}), "gpu2": host(A)}
    (a,) = published_models(gateway_backends(hosts, hosts, "edge"), hosts, hosts)
    assert a["unlike"] == "max_total_tokens is 1970 on gpu1, not set on gpu2"


def test_a_model_of_hosts_that_cannot_be_reached_is_not_checked() -> None:
    """The run fails at its end, and names them; a failed check would blame the gateway."""
    off = {**HOSTS["gpu2"], "ansible_facts": {}, "preflight_result": {"unreachable": True}}
    published = {"a@gpu2": "10.0.0.5:8081", "b@gpu2": "10.0.0.5:8082"}
    edge = {"ansible_facts": {"tgi_host": {"published": published}}}
    known = {"gpu1": HOSTS["gpu1"], "gpu2": off, "edge": edge}
    hosts = ["gpu1", "gpu2"]
    backends = gateway_backends(hosts, known, "edge")
    assert [one["name"] for one in backends] == ["a", "b"]
    (a,) = published_models(backends, hosts, known)
    assert (a["name"], a["replicas"], a["absent"]) == ("a", ["gpu1", "gpu2"], ["gpu2"])
