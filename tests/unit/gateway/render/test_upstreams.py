"""Test that every allowed set of drained replicas has its upstream group."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible.module_utils.tgi.gateway.render.upstreams import nginx_upstreams


def backend(count: int) -> dict[str, Any]:
    replicas = [{"name": f"g{n}", "address": f"10.0.0.{n}:8081"} for n in range(count)]
    return {"name": "a", "model_id": "x/y", "replicas": replicas}


@pytest.mark.parametrize(("count", "groups"), [(1, 1), (2, 3), (3, 7), (4, 15), (5, 16), (8, 37)])
def test_as_many_groups_as_sets(count: int, groups: int) -> None:
    pools = nginx_upstreams(backend(count))
    assert len({pool["name"] for pool in pools}) == len(pools) == groups
    assert pools[0]["name"] == "model_a"
    assert len(pools[0]["servers"]) == count
    assert all(pool["servers"] for pool in pools)


def test_a_group_lacks_what_its_name_says() -> None:
    pools = {pool["name"]: pool["servers"] for pool in nginx_upstreams(backend(4))}
    for size in range(4):
        for drained in itertools.combinations(range(4), size):
            name = "model_a" + "".join(f"!{place}" for place in drained)
            left = [f"10.0.0.{n}:8081" for n in range(4) if n not in drained]
            assert pools[name] == left
