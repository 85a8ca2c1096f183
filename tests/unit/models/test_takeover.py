"""Test how a Compose project without deployed.json is read, from recorded output of Compose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from ansible.module_utils.tgi.common.commands import CommandResult
from ansible.module_utils.tgi.models.record import Record
from ansible.module_utils.tgi.models.takeover import take_over

FILE = "/opt/tgi/small/compose.yaml"
# docker compose config --format json, 2.26.1, of a file of commit 39c6607; shortened
SERVICE: dict[str, Any] = {
    "command": None,
    "deploy": {
        "resources": {
            "reservations": {
                "devices": [
                    {
                        "capabilities": ["gpu"],
                        "driver": "cdi",
                        "device_ids": ["nvidia.com/gpu=0", "nvidia.com/gpu=GPU-5f1c"],
                    }
                ]
            }
        },
        "placement": {},
    },
    "environment": {"MODEL_ID": "acme/small", "REVISION": "1" * 40, "HF_TOKEN": "a-secret"},
    "image": "x@sha256:0",
    "ports": [
        {
            "mode": "ingress",
            "host_ip": "127.0.0.1",
            "target": 80,
            "published": "8081",
            "protocol": "tcp",
        },
        {"mode": "ingress", "host_ip": "10.0.0.5", "target": 80, "published": "8081"},
    ],
}
LOCAL = {
    "deploy": {"placement": {}},
    "environment": {"MODEL_ID": "/data/x"},
    "ports": SERVICE["ports"][:1],
}


def read(service: Any, rc: int | None = 0, stderr: str = "") -> Record | None:
    asked: list[list[str]] = []

    def ask(command: Sequence[str]) -> CommandResult:
        asked.append(list(command))
        text = json.dumps({"name": "tgi-small", "services": {"tgi": service}}, indent=2)
        return CommandResult(rc, (text if rc == 0 else "") + stderr)

    found: Record | None = take_over("small", FILE, ask)
    # Needs no daemon
    assert asked == [["docker", "compose", "-f", FILE, "config", "--format", "json"]]
    return found


@pytest.mark.parametrize("stderr", ["", 'time="now" level=warning msg="version is obsolete"\n'])
def test_a_project_of_the_version_before(stderr: str) -> None:
    found = read(SERVICE, stderr=stderr)
    assert found == Record(
        name="small",
        project="tgi-small",
        port=8081,
        gpus=["0", "GPU-5f1c"],
        image="x@sha256:0",
        model_id="acme/small",
        revision="1" * 40,
    )
    assert "a-secret" not in repr(found)


def test_a_local_model_on_the_cpu() -> None:
    found = read(LOCAL)
    assert found == Record("small", "tgi-small", 8081, [], model_id="/data/x")


def test_without_docker_nothing_runs() -> None:
    assert read(SERVICE, rc=None) is None


@pytest.mark.parametrize(
    "service", [None, {}, {**SERVICE, "ports": []}, {**SERVICE, "ports": [{"host_ip": "::"}]}]
)
def test_what_cannot_be_read_is_never_guessed(service: Any) -> None:
    with pytest.raises(ValueError, match=f"^{FILE} cannot be read by Docker Compose; run docker "):
        read(service)


def test_the_refusal_repeats_what_compose_says() -> None:
    said = "secrets.env not found"
    with pytest.raises(ValueError, match=rf"Compose \({said}\); run docker compose -f {FILE} con"):
        read(SERVICE, rc=14, stderr=f"one\n{said}\n")
