"""What the host is asked for, whatever the inventory says, and how a refusal reads."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.common.problem import UNKNOWN
from ansible.module_utils.tgi.preflight.inventory import refusal, wish_of


def test_what_the_host_is_asked_for() -> None:
    values = {
        "tgi_models": [{"name": "house"}],
        "tgi_base_port": 9000,
        "gateway_http_port": "80",
        "preflight_min_memory_gib": 7,
    }
    assert wish_of(values, ["gpu_hosts", "gateways"]) == {
        "models": [
            {
                "name": "house",
                "port": 9000,
                "variable": "tgi_models[0].port",
                "gpus": ["0"],
                "named": [],
                "plan": {
                    "model_id": "",
                    "revision": "",
                    "num_shard": 1,
                    "options": {},
                    "environment": {},
                },
            }
        ],
        "gateway_ports": [{"port": 80, "variable": "gateway_http_port"}],
        "gateway_config": "/etc/nginx/tgi-gateway",
        "base_port": 9000,
        "bind_address": "",
        "base_dir": "/opt/tgi",
        "data_dir": "/var/lib/tgi",
        "min_memory_gib": 7.0,
        "min_free_disk_gib": 0.0,
        "min_driver": "0",
        "recommended_driver": "",
        "driver_install": False,
        "toolkit": False,
    }
    edge = wish_of({**values, "tgi_bind_address": "10.0.0.5"}, ["gateways"])
    assert (edge["models"], edge["min_memory_gib"], edge["bind_address"]) == ([], 0.0, "")
    assert wish_of(values, ["gpu_hosts"])["gateway_ports"] == []


@pytest.mark.parametrize("models", [None, "x", UNKNOWN, [UNKNOWN, {"name": UNKNOWN}]])
def test_the_wish_survives_a_broken_inventory(models: Any) -> None:
    wish = wish_of({"tgi_models": models, "tgi_base_dir": UNKNOWN}, ["gpu_hosts"])
    assert wish["base_dir"] == "/opt/tgi"
    assert all(isinstance(model["name"], str) for model in wish["models"])


def test_the_message() -> None:
    assert refusal("gpu1", ["a is b; write c"]) == (
        "Preflight refuses gpu1: 1 problem, nothing was changed\n- a is b; write c"
    )
    assert "2 problems" in refusal("gpu1", ["a", "b"])
