"""Test which models of many hosts a gateway publishes, and what prevents it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.common.problem import UNKNOWN
from ansible.module_utils.tgi.models.replicas import (
    backends_problems,
    gateway_addresses,
    gateway_backends,
)
from ansible.module_utils.tgi.models.resolve import resolve_models
from ansible.module_utils.tgi.preflight.gateway.backends import backend_problems, check_published

A = {"name": "a", "model_id": "x/a", "revision": "1" * 40, "aliases": ["big"]}
B = {"name": "b", "model_id": "x/b", "revision": "2" * 40}


def host(*models: dict[str, Any], bind: Any = "10.0.0.5", kept: Any = None) -> dict[str, Any]:
    resolved = resolve_models(list(models), kept=kept)
    known = {"models": resolved, "addresses": ["10.0.0.5", "fd00::5"]}
    values = {"tgi_models": list(models), "ansible_facts": {"tgi_host": known}}
    return {**values, "tgi_bind_address": bind} if bind else values


def unseen(*models: dict[str, Any]) -> dict[str, Any]:
    return {**host(*models), "ansible_facts": {}}


def problems(hosts: dict[str, Any], gateway: str = "edge", facts: bool = True) -> list[str]:
    found: list[str] = backends_problems(hosts, hosts, gateway, facts)
    return found


def test_replicas_come_together_in_the_order_of_the_first_list() -> None:
    kept = {"a": {"port": 9000, "gpus": []}}
    hosts = {
        "gpu1": host(B, A, bind=""),
        "gpu2": host({**A, "aliases": ["big", "large"]}, {**B, "port": 7000}, kept=kept),
        "gpu3": host({**A, "name": "c"}, bind="fd00::7"),
    }
    published = gateway_backends(hosts, hosts, "gpu1")
    assert [(entry["name"], entry["aliases"]) for entry in published] == [
        ("b", []), ("a", ["big", "large"]), ("c", ["big"]),
    ]  # fmt: skip
    assert [entry["replicas"] for entry in published] == [
        [{"name": "gpu1", "address": "127.0.0.1:8081"},
         {"name": "gpu2", "address": "10.0.0.5:7000"}],
        [{"name": "gpu1", "address": "127.0.0.1:8082"},
         {"name": "gpu2", "address": "10.0.0.5:9000"}],
        [{"name": "gpu3", "address": "[fd00::7]:8081"}],
    ]  # fmt: skip


def test_hosts_that_fit_together() -> None:
    hosts = {"gpu1": host(A, B), "gpu2": host(B, A), "gpu3": host(bind="")}
    assert problems(hosts) == []
    assert backend_problems(gateway_backends(hosts, hosts, "edge"), hosts, hosts, "edge") == []


OTHER = {**A, "model_id": "x/other"}
NEWER = {**A, "revision": "3" * 40}
WRONG = [
    (
        {"gpu1": host(A, bind="")},
        "tgi_bind_address of gpu1 is not set, so its models listen on loopback only; "
        "write its private address there (it has 10.0.0.5, fd00::5)",
    ),
    ({"gpu1": host(A, bind="127.0.0.1")}, 'is "127.0.0.1", which no other machine can reach'),
    ({"gpu1": host(A, bind="fe80::1%eth0")}, "which no other machine can reach"),
    ({"gpu1": host(A, bind="::")}, 'is "::", which no other machine can reach'),
    ({"gpu1": host(A, bind="gpu1.lan")}, 'tgi_bind_address of gpu1 is "gpu1.lan", not an address'),
    (
        {"gpu1": unseen(A, {**B, "port": 9000})},
        "gpu1 is not in this run, so the port is unknown for a; "
        "run without --limit, or write a port for each of them in tgi_models",
    ),
    (
        {"gpu1": host(A), "gpu2": host(OTHER)},
        'gpu2 has model_id "x/other" for a, but gpu1 has "x/a"; deploy the same on both',
    ),
    ({"gpu1": host(A), "gpu2": host(NEWER)}, f'gpu2 has revision "{"3" * 40}" for a, but gpu1 has'),
    (
        {"gpu1": host(A), "gpu2": host({**B, "aliases": ["big"]})},
        'gpu2 has b, called "big", which means a on gpu1; give it another name or alias',
    ),
    ({"gpu1": host(B), "gpu2": host({**A, "aliases": ["b"]})}, 'called "b", which means b on gpu1'),
    ({"gpu1": host(A), "gpu2": host({**B, "name": "big"})}, 'called "big", which means'),
    ({"gpu1": host(A), "gpu2": host({**B, "aliases": ["tgi"]})}, 'called "tgi", which means a'),
]


@pytest.mark.parametrize(("hosts", "words"), WRONG)
def test_what_cannot_be_published(hosts: dict[str, Any], words: str) -> None:
    (found,) = problems(hosts)
    assert words in found
    # The hosts check derived values, and report each problem once
    assert backend_problems(gateway_backends(hosts, hosts, "edge"), hosts, hosts, "edge") == [found]


def test_a_list_of_ones_own_does_not_depend_on_the_hosts() -> None:
    hosts = {"gpu1": unseen(A), "gpu2": host(OTHER, bind="")}
    own = [{"name": "a", "model_id": "x/a", "replicas": [{"name": "g", "address": "h:1"}]}]
    assert backend_problems(own, hosts, hosts, "edge") == []
    assert backend_problems([], [], {}, "edge") == [
        "gateway_backends is empty; list a model in tgi_models of a host in gpu_hosts"
    ]


def test_the_preflight_checks_what_needs_no_facts() -> None:
    hosts = {"gpu1": unseen(A), "gpu2": {**unseen(OTHER), "tgi_bind_address": UNKNOWN}}
    (found,) = check_published(None, hosts, "edge")
    assert found.startswith("gpu2 has model_id")
    hosts["gpu2"] = {"tgi_models": UNKNOWN, "tgi_base_port": UNKNOWN}
    assert check_published(None, hosts, "edge") == []
    assert check_published(UNKNOWN, {}, "edge") == []
    assert check_published([], hosts, "edge")[0].startswith("gateway_backends is empty")


def test_a_gateway_without_any_model() -> None:
    (found,) = check_published(None, {}, "edge")
    assert found.startswith("group gpu_hosts is empty, so the gateway has no models; add")


def test_the_gateways_own_models_are_on_loopback() -> None:
    assert problems({"gpu1": {"tgi_models": [A]}}, "gpu1") == []


def backend(**more: Any) -> dict[str, Any]:
    return {"name": "a", "model_id": "x/a", "replicas": [replica()], **more}


def replica(**more: Any) -> dict[str, Any]:
    return {"name": "g", "address": "[::1]:80", **more}


HOSTILE = ['a"b', "a'b", "a;b", "a\nb", "a$b", "{{ a }}", "aé", "a b", "a{b", "a\\b", ""]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("key", ["name", "model_id", "alias", "replica", "address"])
def test_nothing_that_means_something_to_nginx_passes(key: str, text: str) -> None:
    hostile = {
        "name": backend(name=text),
        "model_id": backend(model_id=text),
        "alias": backend(aliases=[text]),
        "replica": backend(replicas=[replica(name=text)]),
        "address": backend(replicas=[replica(address=f"{text}:80")]),
    }[key]
    (found,) = check_published([hostile], {}, "edge")
    assert found.startswith("gateway_backends[0].")
    assert "\n" not in found


@pytest.mark.parametrize(
    ("backends", "words"),
    [
        ([backend(replicas=[])], "gateway_backends[0].replicas is empty; write [{name"),
        ([backend(replicas=[replica(address="h:0")])], 'is "h:0", not an address; write host:port'),
        ([backend(replicas=[replica(address="h:65536")])], "write host:port"),
        ([backend(replicas=[replica(), replica(address="h:1")])], 'is "g", as is gateway_backends'),
        ([backend(replicas=[replica(), replica(name="h")])], "replicas[1].address is"),
        ([backend(), backend(aliases=["c"])], 'is called "a", as is gateway_backends[0]'),
        ([backend(), backend(name="b", aliases=["a"])], 'is called "a", as is gateway_backends[0]'),
        ([backend(), backend(name="b", aliases=["tgi"])], 'is called "tgi", as is'),
    ],
)
def test_backends_are_refused(backends: Any, words: str) -> None:
    (found,) = check_published(backends, {}, "edge")
    assert words in found


def test_the_gateways_addresses() -> None:
    seen = {"ansible_facts": {"tgi_host": {"address": "10.0.0.2"}}}
    hosts = {"e1": {"gateway_address": "10.0.0.9"}, "e2": seen, "e3": {}}
    assert gateway_addresses(["e1", "e2"], hosts) == ["10.0.0.2", "10.0.0.9"]
    with pytest.raises(ValueError, match="of e3 is unknown, because it is not in this run, or"):
        gateway_addresses(hosts, hosts)


def test_a_host_that_is_not_in_this_run_keeps_its_published_address() -> None:
    hosts = {"gpu1": host(A), "gpu2": unseen(A, B)}
    known = {"tgi_host": {"published": {"a@gpu2": "10.0.0.6:8085", "b@gpu2": "10.0.0.6:8086"}}}
    hostvars = {**hosts, "edge": {"ansible_facts": known}}
    assert backends_problems(hosts, hostvars, "edge") == []
    a, b = gateway_backends(hosts, hostvars, "edge")
    assert a["replicas"][1] == {"name": "gpu2", "address": "10.0.0.6:8085"}
    assert b["replicas"] == [{"name": "gpu2", "address": "10.0.0.6:8086"}]
    # A model that the gateway does not publish yet stays unknown
    hostvars["gpu2"] = hosts["gpu2"] = unseen(A, {**B, "name": "c"})
    (line,) = backends_problems(hosts, hostvars, "edge")
    assert line.startswith("gpu2 is not in this run, so the port is unknown for c;")
    # A port that the inventory names counts, as it may have just been deployed
    hostvars["gpu2"] = unseen({**A, "port": 9000})
    assert gateway_backends(hosts, hostvars, "edge")[0]["replicas"][1]["address"].endswith(":9000")


def test_a_gateway_that_is_not_in_this_run_stays_allowed() -> None:
    edges: dict[str, Any] = {"e1": {"gateway_address": "10.0.0.9"}, "e2": {}}
    kept = {"tgi_host": {"firewall_sources": ["10.0.0.8/32", "10.1.0.0/24", "fd00::8/128"]}}
    hostvars = {**edges, "gpu1": {"ansible_facts": kept}, "gpu2": {}}
    assert gateway_addresses(edges, hostvars, "gpu1") == [
        "10.0.0.8", "10.0.0.9", "10.1.0.0/24", "fd00::8",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="of e2 is unknown"):
        gateway_addresses(edges, hostvars, "gpu2")
    # With all of them in the run, what was allowed before does not stay
    assert gateway_addresses(["e1"], hostvars, "gpu1") == ["10.0.0.9"]


def off(*models: dict[str, Any]) -> dict[str, Any]:
    """Return a host that the preflight could not reach."""
    return {**unseen(*models), "preflight_result": {"unreachable": True, "msg": "gpu2 cannot"}}


def test_a_host_that_is_off_stays_published_where_it_was() -> None:
    # The inventory gives a another port meanwhile, and adds b
    hosts = {"gpu1": host(A), "gpu2": off({**A, "port": 9000}, {**B, "port": 9001})}
    edge = {"ansible_facts": {"tgi_host": {"published": {"a@gpu2": "10.0.0.6:8081"}}}}
    known = {**hosts, "edge": edge}
    (entry,) = gateway_backends(hosts, known, "edge")
    assert entry["replicas"] == [
        {"name": "gpu1", "address": "10.0.0.5:8081"},
        {"name": "gpu2", "address": "10.0.0.6:8081"},
    ]
    assert backend_problems([entry], hosts, known, "edge") == []


def test_a_replica_that_moves_has_both_addresses_until_it_is_replaced() -> None:
    gpu1 = {**host({**A, "port": 9000}), "rollout_plan": {"models": {"gpu1": ["a"]}}}
    hosts = {"gpu1": gpu1, "gpu2": host(A, bind="10.0.0.6")}
    edge = {"ansible_facts": {"tgi_host": {"published": {"a@gpu1": "10.0.0.5:8081"}}}}
    known = {**hosts, "edge": edge}
    (entry,) = found = gateway_backends(hosts, known, "edge")
    assert entry["replicas"][:2] == [
        {"name": "gpu1", "address": "10.0.0.5:9000"},
        {"name": "gpu1", "address": "10.0.0.5:8081"},
    ]
    assert backend_problems(found, hosts, known, "edge") == []
    # A list by hand has no reason for that
    (line,) = backend_problems(found, [], {}, "edge")
    assert line.startswith('gateway_backends[0].replicas[1].name is "gpu1", as is ')
    replaced = {**known, "gpu1": {**gpu1, "rollout_replaced": ["a"]}}
    (entry,) = gateway_backends(hosts, replaced, "edge")
    assert [one["address"] for one in entry["replicas"]] == ["10.0.0.5:9000", "10.0.0.6:8081"]
    assert [one["name"] for one in entry["replicas"]] == ["gpu1", "gpu2"]


def test_a_host_that_is_off_and_was_never_published_is_left_out() -> None:
    hosts = {"gpu1": host(A), "gpu2": off(A, B)}
    (entry,) = found = gateway_backends(hosts, hosts, "edge")
    assert [one["name"] for one in entry["replicas"]] == ["gpu1"]
    assert backend_problems(found, hosts, hosts, "edge") == []


def test_a_gateway_that_is_off_has_to_wait_for_the_firewall() -> None:
    up = {"ansible_facts": {"tgi_host": {"address": "10.0.0.7"}}}
    gone = {"preflight_result": {"unreachable": True}}
    known = {"edge1": up, "edge2": gone, "gpu1": {}}
    assert gateway_addresses(["edge1", "edge2"], known, "gpu1") == ["10.0.0.7"]
    known["gpu1"] = {"ansible_facts": {"tgi_host": {"firewall_sources": ["10.0.0.8/32"]}}}
    assert gateway_addresses(["edge1", "edge2"], known, "gpu1") == ["10.0.0.7", "10.0.0.8"]
