"""Test every rule about the gateway that needs only the inventory and the controller."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.common.problem import UNKNOWN
from ansible.module_utils.tgi.preflight.gateway.all_variables import check_gateway

from tests.support.tls_pairs import make

KEY = "k" * 32
PAIR = make(("llm.example.org", "ca", "x"))
FILES = {
    "/pki/a.crt": f"text before\n{PAIR.certificate}",
    "/pki/a.key": PAIR.key,
    "/pki/vaulted.key": "$ANSIBLE_VAULT;1.1;AES256\n3633\n",
}
CA = {"source": "private_ca", "ca_dir": "/pki"}
RATE = "gateway_tiers.team.requests_per_second"
TLS = {"source": "files", "certificate": "/pki/a.crt", "key": "/pki/a.key"}
GOOD: dict[str, Any] = {
    "gateway_server_name": "llm.example.org",
    "gateway_tls": TLS,
    "gateway_tiers": {"team": {"requests_per_second": 0.5, "burst": 0, "concurrent": 0}},
    "gateway_consumers": [{"name": "checks", "tier": "team", "keys": [KEY]}],
    "checks_consumer": "checks",
    "gateway_http_port": 80,
    "gateway_https_port": 443,
    "tgi_models": [{"name": "a"}],
}


def check(**more: Any) -> list[str]:
    found: list[str] = check_gateway({**GOOD, **more}, FILES.get)
    return found


def consumer(**more: Any) -> list[dict[str, Any]]:
    return [*GOOD["gateway_consumers"], {"name": "b", "tier": "team", "keys": ["b" * 16], **more}]


def tier(**more: Any) -> dict[str, Any]:
    return {"team": {**GOOD["gateway_tiers"]["team"], **more}}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"gateway_tls": CA},
        {"gateway_server_name": "ca"},
        {"gateway_tiers": tier(requests_per_second=0.017)},
        {"gateway_bad_auth": {"requests_per_second": 1, "burst": 0}, "gateway_public_limit": None},
        {"gateway_tls": {**TLS, "key": "/pki/vaulted.key"}},
        {"gateway_tls": {**TLS, "key": UNKNOWN}},
        {"gateway_consumers": consumer()},
        {"gateway_consumers": consumer(keys=UNKNOWN, tier=UNKNOWN, name=UNKNOWN)},
        {"gateway_tiers": {"team": UNKNOWN}},
    ],
)
def test_what_is_let_through(more: dict[str, Any]) -> None:
    assert check(**more) == []


REFUSED = [
    ({"gateway_server_name": "https://x"}, "gateway_server_name", "not a host name"),
    ({"gateway_server_name": "a..b"}, "gateway_server_name", "not a host name"),
    ({"gateway_server_name": "192.0.2.1"}, "gateway_server_name", "an address, not a host name"),
    (
        {"gateway_server_name": "LLM.example.org"},
        "gateway_server_name",
        "has capital letters; write llm.example.org, as clients",
    ),
    (
        {"gateway_server_name": "ca", "gateway_tls": CA},
        "gateway_server_name",
        "whose certificate would overwrite the private CA's",
    ),
    ({"gateway_tls": {**TLS, "key": None}}, "gateway_tls.key", "is missing"),
    ({"gateway_tls": {**TLS, "key": "a.key"}}, "gateway_tls.key", "write an absolute path"),
    (
        {"gateway_tls": {**TLS, "key": "/pki/none.key"}},
        "gateway_tls.key",
        "is /pki/none.key, which the controller cannot read; put the file there",
    ),
    (
        {"gateway_tls": {**TLS, "key": "/pki/a.crt"}},
        "gateway_tls.key",
        "does not contain a PRIVATE KEY",
    ),
    (
        {"gateway_tls": {**TLS, "certificate": "/pki/a.key"}},
        "gateway_tls.certificate",
        "does not contain a CERTIFICATE",
    ),
    ({"gateway_tls": {"source": "private_ca"}}, "gateway_tls.ca_dir", "is missing"),
    ({"gateway_tiers": tier(burst=None)}, "gateway_tiers.team.burst", "is missing"),
    ({"gateway_tiers": tier(burst=-1)}, "gateway_tiers.team.burst", "0 or more"),
    ({"gateway_tiers": tier(burst="x")}, "gateway_tiers.team.burst", "0 or more"),
    (
        {"gateway_tiers": tier(requests_per_second=0)},
        "gateway_tiers.team.requests_per_second",
        "write a number without quotes, 0.017 (one a minute) or more",
    ),
    ({"gateway_tiers": tier(requests_per_second=0.016)}, RATE, "is 0.016; write a number"),
    ({"gateway_tiers": tier(requests_per_second="5")}, RATE, 'is "5"; write a number without'),
    ({"gateway_tiers": tier(requests_per_second=float("nan"))}, RATE, "is nan; write a number"),
    ({"gateway_tiers": tier(requests_per_second=float("inf"))}, RATE, "is inf; write a number"),
    ({"gateway_tiers": tier(concurrent="8")}, "gateway_tiers.team.concurrent", "without quotes"),
    ({"gateway_tiers": tier(concurrent=1.5)}, "gateway_tiers.team.concurrent", "is 1.5"),
    (
        {"gateway_tiers": {**tier(), "Team": tier()["team"]}},
        "gateway_tiers",
        'has "Team" and "team", which nginx treats as equal; rename one',
    ),
    (
        {"gateway_bad_auth": {"requests_per_second": 0, "burst": 1}},
        "gateway_bad_auth.requests_per_second",
        "is 0; write a number without quotes, 0.017",
    ),
    (
        {"gateway_public_limit": {"requests_per_second": 1, "burst": -1}},
        "gateway_public_limit.burst",
        "is -1; write a whole number, 0 or more",
    ),
    (
        {"gateway_public_limit": {"requests_per_second": 1, "burst": 1, "concurrent": 1}},
        "gateway_public_limit.concurrent",
        "is not a known limit",
    ),
    ({"gateway_tiers": tier(bursts=1)}, "gateway_tiers.team.bursts", "write burst"),
    ({"gateway_tiers": {**tier(), "x": 5}}, "gateway_tiers.x", "not a mapping"),
    (
        {"gateway_consumers": consumer(tier="tema")},
        "gateway_consumers[1].tier",
        'is "tema", which is not in gateway_tiers; write team, or add tema to gateway_tiers',
    ),
    ({"gateway_consumers": consumer(name="checks")}, "gateway_consumers[1].name", "as is"),
    ({"gateway_consumers": consumer(name="Checks")}, "gateway_consumers", "treats as equal"),
    ({"gateway_consumers": consumer(keys=[12345])}, "gateway_consumers[1].keys[0]", "in quotes"),
    ({"gateway_consumers": consumer(name="b c")}, "gateway_consumers[1].name", "not a valid name"),
    (
        {"gateway_consumers": consumer(keys=["short"])},
        "gateway_consumers[1].keys[0]",
        "has 5 characters, 16 is the minimum; write the output of openssl rand -hex 32",
    ),
    (
        {"gateway_consumers": consumer(keys=["b" * 16, KEY])},
        "gateway_consumers[1].keys[1]",
        "is the same key as gateway_consumers[0].keys[0]",
    ),
    ({"gateway_consumers": consumer(keys=["b " * 9])}, "gateway_consumers[1].keys[0]", "Bearer"),
    ({"gateway_consumers": consumer(keys=[])}, "gateway_consumers[1].keys", "is empty"),
    ({"checks_consumer": "probe"}, "checks_consumer", "which has no key in gateway_consumers"),
    ({"gateway_consumers": []}, "checks_consumer", "add this consumer to gateway_consumers"),
    ({"gateway_https_port": 0}, "gateway_https_port", "write one from 1 to 65535"),
    ({"gateway_https_port": 80}, "gateway_https_port", "is 80, as is gateway_http_port"),
    ({"gateway_http_port": 8081}, "gateway_http_port", "as is tgi_models[0].port"),
]


@pytest.mark.parametrize(("more", "where", "words"), REFUSED)
def test_what_is_refused(more: dict[str, Any], where: str, words: str) -> None:
    (found,) = check(**more)
    assert found.startswith(f"{where} ")
    assert words in found


def test_no_key_is_ever_shown() -> None:
    keys = ["hunter2", "hunter2 hunter2 hunter2", KEY, KEY]
    found = check(gateway_consumers=consumer(keys=keys))
    assert len(found) == 4
    assert not any("hunter2" in line or KEY in line for line in found)


@pytest.mark.parametrize(
    "name",
    [
        "gateway_tls",
        "gateway_tiers",
        "gateway_consumers",
        "gateway_bad_auth",
        "gateway_server_name",
    ],
)
@pytest.mark.parametrize("value", [None, "x", 5, UNKNOWN, [None, "x"], [[]]])
def test_what_has_another_type_is_left_to_the_types(name: str, value: Any) -> None:
    assert check(**{name: value, "checks_consumer": UNKNOWN}) == []
