"""Test the rules for what models may connect to."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.preflight.egress import allowed_networks, check_egress

MODEL = {"name": "a", "model_id": "acme/a", "revision": "a" * 40}
LOCAL = {"name": "b", "model_id": "/data/b"}
NEEDS = (
    "tgi_models[0] asks the Hub at each start, which tgi_egress: none forbids; write weights: host"
)


@pytest.mark.parametrize(
    ("given", "starts"),
    [
        ({"tgi_models": [MODEL]}, []),
        ({"tgi_models": [MODEL], "tgi_egress": "no_metadata"}, []),
        ({"tgi_models": [MODEL, LOCAL], "tgi_egress": "none"}, [NEEDS]),
        ({"tgi_models": [LOCAL], "tgi_egress": "none"}, []),
        (
            {
                "tgi_models": [MODEL],
                "tgi_egress": "none",
                "tgi_environment": {"HF_HUB_OFFLINE": "1"},
            },
            [],
        ),
        # A mirror of the Hub
        (
            {"tgi_models": [MODEL], "tgi_egress": "none", "tgi_egress_allowed": ["10.0.0.9"]},
            [],
        ),
        (
            {"tgi_egress_allowed": ["10.0.0.9", "hub.example.org", "fd00::1", "10.0.0.7/24", 5]},
            [
                'tgi_egress_allowed[1] is "hub.example.org", not an IPv4 network; write addresses',
                'tgi_egress_allowed[2] is "fd00::1", not an IPv4 network',
            ],
        ),
        ({"tgi_egress_allowed": "10.0.0.9"}, []),
    ],
)
def test_what_is_refused(given: dict[str, Any], starts: list[str]) -> None:
    found = list(check_egress(given))
    assert len(found) == len(starts)
    assert all(line.startswith(start) for line, start in zip(found, starts, strict=True))


def test_only_networks_reach_the_host() -> None:
    given = {"tgi_egress_allowed": ["10.0.0.9", "hub.example.org", "10.0.0.7/24"]}
    assert allowed_networks(given) == ("10.0.0.9", "10.0.0.7/24")
    assert allowed_networks({}) == allowed_networks({"tgi_egress_allowed": None}) == ()
