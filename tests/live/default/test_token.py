"""Check that a failed download leaves the Hub's token nowhere that others read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.live.endpoints import load_endpoints
from tests.support.live.hosts import host_at
from tests.support.playbook import ansible_playbook

TOKEN = "hf_PlantedTokenOfThisTestThatNobodyMaySee"
#: A new one: it stays as it failed, with nothing to go back to
MODEL = {
    "name": "gated",
    "model_id": "acme/gated",
    "revision": "0123456789abcdef0123456789abcdef01234567",
    "max_input_tokens": 1024,
    "max_total_tokens": 2048,
    "gpus": [],
    "hf_token": True,
    "weights": "container",
}
OTHER = {
    "name": "smollm2-135m",
    "model_id": "HuggingFaceTB/SmolLM2-135M-Instruct",
    "revision": "12fd25f77366fa6b3b4b768ec3050bf629380bac",
    "aliases": ["smollm2"],
    "max_input_tokens": 1024,
    "max_total_tokens": 2048,
}
CONTAINER = "tgi-gated-tgi-1"


@pytest.fixture
def first(inventory: str) -> Iterator[str]:
    """Return a host; let it serve again afterwards."""
    name = load_endpoints(inventory)[0].host
    yield name
    mended = ansible_playbook("-i", inventory, "site.yml", "--tags", "tgi", "--limit", name)
    assert mended.returncode == 0, mended.stdout


def shows_token(text: str) -> bool:
    """Return whether it is there; a boxed traceback would cut it in two."""
    return TOKEN in re.sub(r"[\s│]", "", text)


def test_a_failed_download_shows_no_token(inventory: str, first: str) -> None:
    given: dict[str, Any] = {
        "tgi_hf_token": TOKEN,
        "tgi_models": [
            OTHER,
            {**MODEL, "environment": {"TGI_EMULATOR_FAULTS": "hub-unreachable"}},
        ],
    }
    words = ["-i", inventory, "--limit", first, "-e", json.dumps(given)]
    # Alone, since the mirror of the Hub would fetch the model, and fail before
    red = ansible_playbook("site.yml", *words, "--tags", "tgi", "--diff", "-v")
    said = " ".join(red.stdout.split())
    assert red.returncode != 0, red.stdout
    assert "the Hub cannot be reached" in said, red.stdout
    assert not shows_token(red.stdout + red.stderr)

    host = host_at(inventory, first)
    log = host.check_output(f"docker logs {CONTAINER} 2>&1")
    assert "MaxRetryError" in log
    # It did reach the engine
    assert TOKEN in host.check_output(f"docker inspect {CONTAINER}")
    assert not shows_token(log)
    assert not shows_token(host.check_output("journalctl --output cat --no-pager"))

    diagnosed = ansible_playbook("playbooks/diagnose.yml", *words)
    assert not shows_token(diagnosed.stdout + diagnosed.stderr)
    assert "the Hub cannot be reached" in " ".join(diagnosed.stdout.split())
