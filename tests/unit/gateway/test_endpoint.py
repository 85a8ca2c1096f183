"""Test the endpoint's facts for clients."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.gateway.endpoint import consumer_access, endpoint_ca, endpoint_url

TIERS = {"team": {"requests_per_second": 5, "concurrent": 2}}
CONSUMERS: list[dict[str, Any]] = [
    {"name": "checks", "tier": "team", "keys": ["sk-one", "sk-two"]},
    {"name": "dated", "tier": "gone", "keys": [{"key": "sk-three", "expires": "2099-01-31"}]},
    {"name": "card", "certificate_subjects": ["CN=card"]},
    {"name": "live", "tier": "team", "keys": ["sk-four"], "tool_streams": "live"},
]
FREE = {"requests_per_second": 0, "burst": 0, "concurrent": 0}


def test_the_url_names_a_port_only_where_a_client_must() -> None:
    assert endpoint_url("llm.example.org") == "https://llm.example.org"
    assert endpoint_url("llm.example.org", "443") == "https://llm.example.org"
    assert endpoint_url("llm.example.org", 8443) == "https://llm.example.org:8443"


def test_only_a_private_ca_is_named() -> None:
    assert endpoint_ca({"source": "private_ca", "ca_dir": "/pki"}) == "/pki/ca.crt"
    assert endpoint_ca({"source": "files", "certificate": "/c", "key": "/k"}) == ""


@pytest.mark.parametrize(
    ("name", "key", "tier"),
    [
        ("checks", "sk-one", {"requests_per_second": 5, "burst": 0, "concurrent": 2}),
        ("dated", "sk-three", FREE),
        ("card", "", FREE),
        ("unknown", "", FREE),
    ],
)
def test_the_first_key_and_the_limits_of_a_consumer(
    name: str, key: str, tier: dict[str, Any]
) -> None:
    access = consumer_access(CONSUMERS, name, TIERS)
    assert access == {"key": key, "tier": tier, "tool_streams": None}


def test_a_site_without_consumers_or_tiers() -> None:
    assert consumer_access(None, "checks") == {"key": "", "tier": FREE, "tool_streams": None}
    assert consumer_access(CONSUMERS, "checks", None)["tier"] == FREE


def test_a_consumers_own_streams_of_calls_are_told() -> None:
    assert consumer_access(CONSUMERS, "live", TIERS)["tool_streams"] == "live"
