"""Test the request to a host, from good and broken inventories, and the refusal's text."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from ansible.module_utils.tgi.common.problem import UNKNOWN
from ansible.module_utils.tgi.preflight.host_request import (
    HostRequest,
    ModelRequest,
    PortRequest,
    known_environment,
)
from ansible.module_utils.tgi.preflight.inventory import host_request, refusal

from tests.support.run_module import load

HOUSE = {
    "place": 0,
    "name": "house",
    "model_id": "",
    "revision": None,
    "aliases": [],
    "accept_downtime": None,
    "strategy": None,
    "weights": None,
    "port": None,
    "gpus": None,
    "num_shard": 0,
    "options": {},
    "hf_token": False,
    "repositories": [],
    "catalogue": "",
    "chat": None,
    "tools": None,
    "pickle": False,
}


def test_what_the_host_is_asked_for() -> None:
    values = {
        "tgi_models": [{"name": "house", "environment": {"KEY": "a-secret", "ATTENTION": "paged"}}],
        "tgi_base_port": 9000,
        "gateway_http_port": "80",
        "preflight_min_memory_gib": 7,
    }
    both = host_request(values, ["gpu_hosts", "gateways"])
    assert both == HostRequest(
        models=(ModelRequest("tgi_models[0]", HOUSE, {"ATTENTION": "paged"}),),
        deploys=True,
        gateway_ports=(PortRequest(80, "gateway_http_port"),),
        gateway_config="/etc/nginx/tgi-gateway",
        base_port=9000,
        min_memory_gib=7.0,
    )
    edge = host_request({**values, "tgi_bind_address": "10.0.0.5"}, ["gateways"])
    assert (edge.deploys, edge.min_memory_gib, edge.bind_address) == (False, 0.0, "")
    assert host_request(values, ["gpu_hosts"]).gateway_ports == ()


def test_it_crosses_to_the_host_as_json() -> None:
    values = {"tgi_models": [{"name": "a", "gpus": [0]}], "gateway_http_port": 80}
    asked = host_request(values, ["gpu_hosts", "gateways"])
    assert HostRequest.from_options(json.loads(json.dumps(asked.to_options()))) == asked


@pytest.mark.parametrize("models", [None, "x", UNKNOWN, [UNKNOWN, {"name": UNKNOWN}]])
def test_it_survives_a_broken_inventory(models: Any) -> None:
    values = {"tgi_models": models, "tgi_base_dir": UNKNOWN, "tgi_environment": UNKNOWN}
    asked = host_request(values, ["gpu_hosts"])
    assert asked.base_dir == "/opt/tgi"
    json.dumps(asked.to_options())


def test_odd_options_and_secrets_stay_on_the_controller() -> None:
    entry = {"name": "a", "quantize": {"x": UNKNOWN}, "cuda_graphs": [UNKNOWN], "speculate": 2}
    asked = host_request(
        {"tgi_models": [{**entry, "environment": {"K": "a-secret"}}]}, ["gpu_hosts"]
    )
    text = json.dumps(asked.to_options())
    assert "a-secret" not in text
    assert asked.models[0].entry["options"] == {"speculate": 2}


def test_only_what_decides_about_memory_and_files_leaves_for_the_host() -> None:
    own = {"SOME_KEY": "a-secret", "ATTENTION": "paged"}
    assert known_environment(own, UNKNOWN) == {"ATTENTION": "paged"}
    common = {"ATTENTION": "flashinfer", "HF_HUB_OFFLINE": 1, "HTTPS_PROXY": "a-secret"}
    assert known_environment(own, common) == {"ATTENTION": "paged", "HF_HUB_OFFLINE": "1"}


def test_the_message() -> None:
    assert refusal(["a is b; write c"]) == (
        "Preflight refuses this host: 1 problem, nothing was changed\n- a is b; write c"
    )
    assert "2 problems" in refusal(["a", "b"])


def test_the_module_takes_all_that_the_request_says_of_a_model() -> None:
    """Ansible refuses a field that the module does not name, and only a real run would show it."""
    assert set(load("tgi_preflight").MODEL) == {field.name for field in fields(ModelRequest)}
