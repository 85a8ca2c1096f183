"""Test what several hosts must agree on: body sizes, and a name that two gateways prove."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.common.problem import UNKNOWN
from ansible.module_utils.tgi.preflight.across_hosts import check_body_size, check_challenge

ACME = {"source": "acme", "directory": "https://acme.example.org/directory"}
NAME = "llm.example.org"
TWO = {"edge1": {"gateway_server_name": NAME}, "edge2": {"gateway_server_name": NAME}}


def hosts(*models: Any) -> dict[str, dict[str, Any]]:
    return {"gpu1": {"tgi_models": list(models)}}


@pytest.mark.parametrize(
    ("most", "found"),
    [
        (2_000_000, hosts({"name": "a"})),
        (4_000_000, hosts({"name": "a", "payload_limit": 4_000_000})),
        (1, hosts({"name": "a", "payload_limit": "2"})),
        (4_000_000, {}),
        (4_000_000, {"gpu1": {"tgi_models": UNKNOWN}}),
        (4_000_000, hosts({"name": "a", "payload_limit": UNKNOWN}, "no mapping")),
        (UNKNOWN, hosts({"name": "a"})),
        (None, hosts({"name": "a"})),
    ],
)
def test_a_body_that_every_model_takes_is_let_through(most: Any, found: Any) -> None:
    assert list(check_body_size(most, found)) == []


@pytest.mark.parametrize(
    ("most", "model", "said"),
    [
        (2_000_001, {"name": "a"}, "is 2000001, but a on gpu1 accepts only 2000000; write 2000000"),
        (10, {"name": "b", "payload_limit": 9}, "accepts only 9; write 9, or payload_limit: 10"),
    ],
)
def test_a_body_that_a_model_refuses_is_refused_before(most: int, model: Any, said: str) -> None:
    (line,) = check_body_size(most, hosts({"name": "ok", "payload_limit": most}, model))
    assert line.startswith("gateway_max_body_size ")
    assert said in line


@pytest.mark.parametrize(
    ("tls", "name", "others"),
    [
        (ACME, NAME, {"edge1": TWO["edge1"]}),
        (ACME, "other.example.org", TWO),
        ({**ACME, "challenge": "dns-01"}, NAME, TWO),
        ({"source": "private_ca"}, NAME, TWO),
        (UNKNOWN, NAME, TWO),
        (ACME, NAME, {**TWO, "edge2": {"gateway_server_name": UNKNOWN}}),
        (ACME, None, {"edge1": {}, "edge2": {}}),
    ],
)
def test_a_name_that_one_gateway_proves_is_let_through(tls: Any, name: Any, others: Any) -> None:
    assert list(check_challenge(tls, name, others, "edge1")) == []


def test_a_name_that_two_gateways_prove_by_http_is_refused() -> None:
    (line,) = check_challenge({**ACME, "challenge": "http-01"}, NAME, TWO, "edge1")
    assert "edge2 has that name too; write challenge: dns-01" in line
