"""Test the rules about the mirror of the Hub."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.preflight.hub.mirror_rules import check_mirror, check_mirror_port

COMMIT = "a" * 40
FILES = {"/c.pem": "-----BEGIN CERTIFICATE-----\n", "/k.pem": "-----BEGIN PRIVATE KEY-----\n",
         "/vaulted.pem": "$ANSIBLE_VAULT;1.1;AES256\n"}  # fmt: skip
SNAPSHOT = {"repository": "org/name", "revision": COMMIT}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"hub_mirror_address": "10.0.0.5", "hub_mirror_allowed": ["10.0.0.0/24", "fd00::7"]},
        {"hub_mirror_cache_dir": "/srv/models_1/hub.d/"},
        {"hub_mirror_certificate": "/c.pem", "hub_mirror_key": "/k.pem"},
        {"hub_mirror_certificate": "/c.pem", "hub_mirror_key": "/vaulted.pem"},
        {"hub_mirror_endpoint": "http://hub:8080", "hub_mirror_more_snapshots": [SNAPSHOT]},
    ],
)
def test_what_is_let_through(values: dict[str, Any]) -> None:
    assert list(check_mirror(values, FILES.get)) == []


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"hub_mirror_address": "hub1"}, 'hub_mirror_address is "hub1", no IP address; write an'),
        ({"hub_mirror_allowed": []}, "hub_mirror_allowed is empty, so no host may fetch; write"),
        (
            {"hub_mirror_allowed": ["10.0.0.1/24"]},
            'hub_mirror_allowed[0] is "10.0.0.1/24", an address within a network; write 10',
        ),
        (
            {"hub_mirror_allowed": ["net"]},
            'hub_mirror_allowed[0] is "net", no address and no network',
        ),
        (
            {"hub_mirror_allowed": ["::/0"]},
            'hub_mirror_allowed[0] is "::/0", so everybody may fetch',
        ),
        ({"hub_mirror_cache_dir": "/srv/my hub"}, 'hub_mirror_cache_dir is "/srv/my hub", no path'),
        ({"hub_mirror_endpoint": "hub"}, 'hub_mirror_endpoint is "hub", no address of a server'),
        (
            {"hub_mirror_key": "/k.pem"},
            "hub_mirror_certificate is empty, and hub_mirror_key is not; write both, or neither",
        ),
        (
            {"hub_mirror_certificate": "/c.pem", "hub_mirror_key": "/c.pem"},
            "hub_mirror_key is /c.pem, which does not contain a PRIVATE KEY; write a PEM",
        ),
        (
            {"hub_mirror_more_snapshots": [{**SNAPSHOT, "revision": "main"}]},
            'hub_mirror_more_snapshots[0].revision is "main", and a mirror has commits only',
        ),
        (
            {"hub_mirror_more_snapshots": [{**SNAPSHOT, "repository": "https://hub/org/name"}]},
            'hub_mirror_more_snapshots[0].repository is "https://hub/org/name", no model; write',
        ),
    ],
)
def test_a_problem(values: dict[str, Any], line: str) -> None:
    (found,) = check_mirror(values, FILES.get)
    assert found.startswith(line)


ON_BOTH = {
    "hub_mirror_port": 8070,
    "gateway_https_port": 443,
    "tgi_base_port": 8069,
    "tgi_models": [{"name": "a"}, {"name": "b"}],
}


@pytest.mark.parametrize(
    ("groups", "port", "owner"),
    [
        (["gpu_hosts"], 8070, "tgi_models[1].port"),
        (["gateways", "gpu_hosts"], 443, "gateway_https_port"),
    ],
)
def test_a_port_of_the_same_host_is_not_the_mirrors(
    groups: list[str], port: int, owner: str
) -> None:
    values = {**ON_BOTH, "hub_mirror_port": port}
    (line,) = check_mirror_port(values, groups)
    assert line.startswith(f"hub_mirror_port is {port}, as is {owner} of the same host; write")
    assert line.endswith("write another, such as 8071")
    assert list(check_mirror_port({**values, "hub_mirror_port": 8071}, groups)) == []


@pytest.mark.parametrize("port", [443, 8070, None, "many"])
def test_a_port_on_another_host_may_be_the_same(port: object) -> None:
    assert list(check_mirror_port({**ON_BOTH, "hub_mirror_port": port}, ["hub_mirrors"])) == []
