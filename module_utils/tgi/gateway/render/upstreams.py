"""Group the upstreams of a model so that nginx can leave out any set of drained replicas.

A model's replicas are parted into blocks, and each set of drained replicas of a block has a group
of its own. Up to BLOCK replicas are one block. More of them are also one group while none is
drained; otherwise njs draws a block for each request.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

#: Most replicas of a block: it has 2 ** BLOCK - 1 groups
BLOCK = 6


def blocks_of(backend: Mapping[str, Any]) -> list[list[int]]:
    """Return the places of ``backend``'s replicas, block by block.

    Neighbours are in different blocks: they are replaced together, and often fail together.
    """
    count = len(backend["replicas"])
    number = -(-count // BLOCK)
    return [list(range(first, count, number)) for first in range(number)]


def nginx_upstreams(backend: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the groups of ``backend`` as ``{name, servers, backups}``, all replicas first.

    ``servers`` and ``backups`` are lists of host:port. A group is called ``model_<name>``, then
    ``!block<number>`` where there are several, then ``!<place>`` for each drained replica; no
    model's name can contain a ``!``. Where all replicas of a block that serve have failed, those of
    the next one are asked. The group without servers is left out, because nginx returns 503 before
    it would use it.
    """
    addresses = [one["address"] for one in backend["replicas"]]
    blocks = blocks_of(backend)
    if len(blocks) == 1:
        return list(_groups(backend, blocks[0], addresses, []))
    groups: list[dict[str, Any]] = [_pool(backend, "", addresses, [])]
    for number, places in enumerate(blocks):
        backups = [addresses[place] for place in blocks[(number + 1) % len(blocks)]]
        groups += _groups(backend, places, addresses, backups, f"!block{number}")
    return groups


def nginx_tries(backends: Iterable[Mapping[str, Any]]) -> int:
    """Return how many addresses a request may try: those of two replicas.

    A replica that moves has two. The one at which it is not refuses, which is no try.
    """
    names = [[one["name"] for one in backend["replicas"]] for backend in backends]
    return 2 + max((len(some) - len(set(some)) for some in names), default=0)


def _groups(
    backend: Mapping[str, Any],
    places: list[int],
    addresses: list[str],
    backups: list[str],
    block: str = "",
) -> Iterator[dict[str, Any]]:
    """Return a group for each set of drained replicas of a block that leaves one."""
    for size in range(len(places)):
        for drained in itertools.combinations(places, size):
            suffix = block + "".join(f"!{place}" for place in drained)
            servers = [addresses[place] for place in places if place not in drained]
            yield _pool(backend, suffix, servers, backups)


def _pool(
    backend: Mapping[str, Any], suffix: str, servers: list[str], backups: list[str]
) -> dict[str, Any]:
    """Return one group of ``backend``."""
    return {"name": f"model_{backend['name']}{suffix}", "servers": servers, "backups": backups}
