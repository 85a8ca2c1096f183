"""Check that a broken service fails the play, and that bad input changes nothing."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.live.endpoints import load_endpoints
from tests.support.live.hosts import host_at
from tests.support.playbook import ansible_playbook, changes

EMULATOR = "docker exec tgi-smollm2-135m-tgi-1 tgi-emulator fault"


def play(
    inventory: str, playbook: str, host: str, variables: dict[str, Any] | None = None
) -> subprocess.CompletedProcess[str]:
    words = ["-i", inventory, playbook, "--limit", host]
    return ansible_playbook(*words, "-e", json.dumps(variables or {}))


@pytest.fixture(scope="module")
def last(inventory: str) -> str:
    """Return one host: what the playbooks print is alike on all."""
    return load_endpoints(inventory)[-1].host


@pytest.fixture
def emulator(inventory: str, last: str) -> Iterator[Any]:
    """Return the host whose emulator gets a fault; clear it afterwards."""
    host = host_at(inventory, last)
    yield host
    host.check_output(f"{EMULATOR} clear")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("no-generate", "/health returns 200, but generation fails"),
        ("wrong-model", "identity differs: serves bigscience/bloom-560m, not HuggingFaceTB/"),
        ("stream-cut", "stream cut short after 3 events, without"),
    ],
)
def test_a_broken_service_is_red(
    emulator: Any, inventory: str, last: str, fault: str, sentence: str
) -> None:
    emulator.check_output(f"{EMULATOR} set {fault}")
    red = play(inventory, "site.yml", last)
    assert red.returncode != 0, red.stdout
    said = " ".join(red.stdout.partition("[ERROR]: Task failed")[2].split())
    assert sentence in said, red.stdout


def test_unset_it_is_green(emulator: Any, inventory: str, last: str) -> None:
    emulator.check_output(f"{EMULATOR} clear")
    green = play(inventory, "site.yml", last)
    assert green.returncode == 0, green.stdout
    assert changes(green) == {0}


MODEL = {
    "name": "a",
    "model_id": "acme/a",
    "revision": "0123456789abcdef0123456789abcdef01234567",
}
BAD_INPUT: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an unknown variable": (
        {"gateway_sever_name": "llm.example.org"},
        ["gateway_sever_name", "gateway_server_name"],
    ),
    "a wrong type": ({"tgi_base_port": "many"}, ["tgi_base_port", "whole number"]),
    "a model without a name": (
        {"tgi_models": [{key: MODEL[key] for key in ("model_id", "revision")}]},
        ["tgi_models[0]", "name"],
    ),
    "two models on one GPU": (
        {"tgi_models": [{**MODEL, "gpus": ["0"]}, {**MODEL, "name": "b", "gpus": ["0"]}]},
        ['GPU "0"', "gpus"],
    ),
    "a missing key file": (
        {
            "gateway_tls": {
                "source": "files",
                "certificate": "/nowhere/chain.pem",
                "key": "/nowhere/key.pem",
            }
        },
        ["/nowhere/key.pem", "gateway_tls"],
    ),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_refused_in_one_line(inventory: str, last: str, case: str) -> None:
    variables, words = BAD_INPUT[case]
    refused = play(inventory, "site.yml", last, variables)
    assert refused.returncode != 0
    assert changes(refused) == {0}
    lines = refused.stdout.splitlines()
    assert any(all(word in line for word in words) for line in lines), refused.stdout
