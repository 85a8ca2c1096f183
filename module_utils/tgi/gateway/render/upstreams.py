"""Group the upstreams of a model: one group for each set of replicas that may be drained."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

#: Up to here every set of drained replicas has its group; above, sets of two at most
ALL_SETS = 4
_PAIR = 2


def nginx_upstreams(backend: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the groups of ``backend`` as ``{name, servers: [host:port, …]}``, all replicas first.

    A group is called ``model_<name>`` and, for each drained replica in its order, ``!<place>``,
    which no model's name can contain. The group without servers is left out, because
    nginx returns 503 before it would use it.
    """
    replicas = list(backend["replicas"])
    count = len(replicas)
    most = count if count <= ALL_SETS else _PAIR
    pools = []
    for size in range(min(most, count - 1) + 1):
        for drained in itertools.combinations(range(count), size):
            servers = [r["address"] for place, r in enumerate(replicas) if place not in drained]
            pools.append({"name": pool_name(backend, drained), "servers": servers})
    return pools


def pool_name(backend: Mapping[str, Any], drained: tuple[int, ...]) -> str:
    """Return the name of ``backend``'s group without the replicas at ``drained``."""
    return f"model_{backend['name']}" + "".join(f"!{place}" for place in drained)
