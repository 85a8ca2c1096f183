"""Drain any replicas of a model that has eight, and kill others, while clients ask."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.live.sites import Site

FLAGS = "/var/lib/tgi-gateway/drain"
LOG = "/var/log/nginx/tgi-gateway-access.log"
#: As the inventory has them
REPLICAS = {f"r{n}": f"127.0.1.{n}:{9001 if n % 2 else 9003}" for n in range(1, 9)}
FIRST_BLOCK = ["r1", "r3", "r5", "r7"]


@pytest.fixture(autouse=True)
def flags(site: Site) -> Iterator[None]:
    yield
    site.run(f"rm -f {FLAGS}/*; systemctl reset-failed; systemctl start engine@9001")


def drain(site: Site, *names: str) -> None:
    site.run(f"cd {FLAGS} && touch {' '.join(f'many@{name}' for name in names)}")


def ask(site: Site, count: int) -> tuple[Counter[int], Counter[str]]:
    """Ask on connections that are kept; return the statuses, and which replicas answered."""
    began = int(site.run(f"wc -l < {LOG}"))

    def work(_: int) -> list[int]:
        with site.client("free") as client:
            body = {"model": "many", "x_events": 1}
            answers = [client.post("/v1/chat/completions", json=body) for _ in range(count // 10)]
        return [answer.status_code for answer in answers]

    with ThreadPoolExecutor(10) as clients:
        statuses = Counter(one for found in clients.map(work, range(10)) for one in found)
    deadline, lines = time.monotonic() + 10, list[str]()
    while len(lines) < count and time.monotonic() < deadline:
        lines = site.run(f"tail -n +{began + 1} {LOG}").splitlines()
    names = {address: name for name, address in REPLICAS.items()}
    asked = Counter(names[json.loads(line)["upstream"].rpartition(", ")[2]] for line in lines)
    return statuses, asked


@pytest.mark.parametrize("drained", [(), ("r4",), ("r1", "r2", "r6"), (*FIRST_BLOCK, "r2")])
def test_what_is_left_shares_the_work(site: Site, drained: tuple[str, ...]) -> None:
    if drained:
        drain(site, *drained)
    statuses, asked = ask(site, 600)
    assert statuses == {200: 600}
    assert set(asked) == set(REPLICAS) - set(drained)
    each = 600 / len(asked)
    assert all(each * 0.5 < count < each * 1.5 for count in asked.values()), asked


def test_all_drained_is_a_503(site: Site) -> None:
    drain(site, *REPLICAS)
    with site.client("free") as client:
        answer = client.post("/v1/chat/completions", json={"model": "many"})
        unwell = client.get("/models/many/health")
        site.run(f"rm {FLAGS}/many@r5")
        assert client.post("/v1/chat/completions", json={"model": "many"}).status_code == 200
        assert client.get("/models/many/health").status_code == 200
    error: dict[str, Any] = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (503, "model_replaced")
    assert (unwell.status_code, unwell.headers["retry-after"]) == (503, "7")


def test_the_last_of_a_block_that_dies_fails_no_request(site: Site) -> None:
    drain(site, *FIRST_BLOCK[1:])
    site.run("systemctl kill -s KILL engine@9001")
    statuses, asked = ask(site, 400)
    assert statuses == {200: 400}
    assert set(asked) == set(REPLICAS) - set(FIRST_BLOCK)
