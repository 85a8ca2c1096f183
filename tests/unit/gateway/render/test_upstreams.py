"""Test that every set of drained replicas has its upstream group."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible.module_utils.tgi.gateway.render.upstreams import BLOCK, blocks_of, nginx_upstreams


def backend(count: int) -> dict[str, Any]:
    replicas = [{"name": f"g{n}", "address": f"10.0.0.{n}:8081"} for n in range(count)]
    return {"name": "a", "model_id": "x/y", "replicas": replicas}


def address(place: int) -> str:
    return f"10.0.0.{place}:8081"


@pytest.mark.parametrize(
    ("count", "groups"),
    # Blocks of 4 and 3 replicas, of 4 and 4, and 15 of 6 with 2 of 5
    [
        (1, 1),
        (2, 3),
        (4, 15),
        (6, 63),
        (7, 1 + 15 + 7),
        (8, 1 + 15 + 15),
        (100, 1 + 15 * 63 + 2 * 31),
    ],
)
def test_as_many_groups_as_sets(count: int, groups: int) -> None:
    pools = nginx_upstreams(backend(count))
    assert len({pool["name"] for pool in pools}) == len(pools) == groups
    assert pools[0]["name"] == "model_a"
    assert pools[0]["servers"] == [address(place) for place in range(count)]
    assert all(pool["servers"] for pool in pools)


@pytest.mark.parametrize("count", [4, BLOCK])
def test_a_group_lacks_what_its_name_says(count: int) -> None:
    pools = {pool["name"]: pool for pool in nginx_upstreams(backend(count))}
    for size in range(count):
        for drained in itertools.combinations(range(count), size):
            name = "model_a" + "".join(f"!{place}" for place in drained)
            left = [address(place) for place in range(count) if place not in drained]
            assert pools[name] == {"name": name, "servers": left, "backups": []}


def test_a_block_falls_back_to_the_next_one() -> None:
    pools = {pool["name"]: pool for pool in nginx_upstreams(backend(13))}
    assert blocks_of(backend(13)) == [[0, 3, 6, 9, 12], [1, 4, 7, 10], [2, 5, 8, 11]]
    assert pools["model_a"]["backups"] == []
    assert pools["model_a!block0!3!12"] == {
        "name": "model_a!block0!3!12",
        "servers": [address(place) for place in (0, 6, 9)],
        "backups": [address(place) for place in (1, 4, 7, 10)],
    }
    assert pools["model_a!block2!2!5!8"]["backups"][0] == address(0)


@pytest.mark.parametrize("count", range(1, 40))
def test_each_replica_is_in_one_block_of_a_size_like_the_others(count: int) -> None:
    blocks = blocks_of(backend(count))
    assert sorted(place for block in blocks for place in block) == list(range(count))
    sizes = {len(block) for block in blocks}
    assert max(sizes) <= BLOCK and max(sizes) - min(sizes) <= 1
