"""Test the last refusals in the templates, and the values derived from the variables."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.gateway.render import template_data as rules
from ansible.module_utils.tgi.preflight.gateway.all_variables import check_gateway

from tests.support.tls_pairs import make

KEY = "k" * 32
PAIR = make()
PEM = PAIR.certificate + PAIR.key
LIMIT = {"requests_per_second": 5, "burst": 50}
VALUES: dict[str, Any] = {
    "gateway_server_name": "llm.example.org",
    "gateway_tls": {"source": "files", "certificate": "/a.crt", "key": "/a.key"},
    "gateway_tiers": {"team": {"requests_per_second": 10, "burst": 20, "concurrent": 8}},
    "gateway_consumers": [{"name": "duck", "tier": "team", "keys": [KEY]}],
    "gateway_bad_auth": LIMIT,
    "gateway_public_limit": LIMIT,
}
BACKENDS = [
    {
        "name": "llama",
        "model_id": "a/b",
        "aliases": ["Big"],
        "replicas": [{"name": "gpu1", "address": "127.0.0.1:8081"}],
    },
    {
        "name": "code",
        "model_id": "c/d",
        "aliases": [],
        "replicas": [{"name": "gpu1", "address": "[::1]:8082"}],
    },
]


def problems(**more: Any) -> str:
    return "\n".join(check_gateway({**VALUES, **more}, lambda _: PEM))


def test_good_values_pass() -> None:
    assert problems() == ""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"gateway_server_name": "10.0.0.1"}, "an address, not a host name"),
        ({"gateway_server_name": "a..b"}, "not a host name"),
        ({"gateway_server_name": "a;\nb"}, "not a host name"),
        ({"gateway_bad_auth": {"requests_per_second": 0, "burst": 1}}, "(one a minute) or more"),
        ({"gateway_public_limit": {**LIMIT, "burst": -1}}, "is -1; write a whole number"),
        ({"gateway_tiers": {"Team": VALUES["gateway_tiers"]["team"], **VALUES["gateway_tiers"]}},
         "nginx treats as equal"),
        ({"gateway_consumers": [{"name": "a", "tier": "team", "keys": [12345]}]}, "in quotes"),
        ({"gateway_consumers": [{"name": 'a" "b', "tier": "team", "keys": [KEY]}]}, "not a valid"),
        ({"gateway_consumers": [{"name": "a", "tier": "none", "keys": [KEY]}]}, "not in gateway"),
    ],
)  # fmt: skip
def test_values_are_refused(more: dict[str, Any], said: str) -> None:
    assert said in problems(**more)


def test_no_problem_shows_a_key() -> None:
    twice = [{"name": name, "tier": "x", "keys": [KEY, KEY]} for name in ("a", "A")]
    assert KEY not in problems(gateway_consumers=twice)


@pytest.mark.parametrize(
    ("rate", "written", "retry"),
    [(10, "10r/s", 1), (1, "1r/s", 1), (1.5, "90r/m", 1), (0.5, "30r/m", 2), (1 / 60, "1r/m", 60)],
)
def test_rates(rate: float, written: str, retry: int) -> None:
    assert rules.nginx_rate(rate) == written
    assert rules.nginx_retry_after(rate) == retry


def test_a_burst_of_zero_is_left_out() -> None:
    assert rules.nginx_burst(0) == ""
    assert rules.nginx_burst(7) == " burst=7 nodelay"


def test_zone_marks_follow_the_key() -> None:
    assert rules.nginx_digest("team") == rules.nginx_digest("team") != rules.nginx_digest("teams")


def test_models_as_looked_up_and_listed() -> None:
    models = rules.nginx_models(BACKENDS)
    assert models["names"] == {"tgi": "llama", "llama": "llama", "Big": "llama", "code": "code"}
    assert [(m["id"], m["root"]) for m in models["list"]["data"]] == [
        ("llama", "llama"), ("Big", "llama"), ("code", "code"),
    ]  # fmt: skip
    assert models["shown"] == "llama, Big, code"


def test_a_model_has_an_engine_and_streams_of_tools_have_a_way() -> None:
    models = rules.nginx_models([*BACKENDS, {**BACKENDS[0], "name": "fast", "engine": "vllm"}])
    assert models["engines"] == {"llama": "tgi", "code": "tgi", "fast": "vllm"}
    assert models["live"] is False
    assert rules.nginx_models(BACKENDS, "live")["live"] is True
