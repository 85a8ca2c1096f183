"""Check what a user sees while models start in phases as long as TGI's own."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest

from tests.support.live.endpoints import load_endpoints
from tests.support.live.hosts import host_at
from tests.support.playbook import ansible_playbook

PHASES = ["downloading weights", "loading shards", "warming up"]


@pytest.fixture
def slow(inventory: str) -> str:
    """Return a host whose models are stopped: the next run starts them, then waits."""
    name = load_endpoints(inventory)[-1].host
    names = "$(docker ps --quiet --filter label=com.docker.compose.project)"
    host_at(inventory, name).check_output(f"docker stop {names}")
    return name


def wait(inventory: str, host: str, **timeouts: int) -> subprocess.CompletedProcess[str]:
    """Run the role tgi, which waits for the models."""
    given: dict[str, Any] = {"tgi_phase_timeouts": timeouts} if timeouts else {}
    words = ["-i", inventory, "site.yml", "--tags", "tgi", "--limit", host]
    return ansible_playbook(*words, "-e", json.dumps(given))


def test_each_phase_is_told_while_it_lasts(inventory: str, slow: str) -> None:
    waited = wait(inventory, slow)
    assert waited.returncode == 0, waited.stdout
    told = re.findall(rf"^{slow} scribe: ([a-z ]+?), (\d+) s", waited.stdout, re.MULTILINE)
    phases = [phase for phase, _ in told if phase in PHASES]
    assert phases == sorted(phases, key=PHASES.index), told
    assert set(phases) >= {"loading shards", "warming up"}, waited.stdout
    assert told[-1][0] == "ready", told


def test_a_phase_over_its_time_fails_by_name(inventory: str, slow: str) -> None:
    waited = wait(inventory, slow, load=5)
    assert waited.returncode != 0, waited.stdout
    said = " ".join(waited.stdout.split())
    assert "failed while loading shards: not done within 5 s, and the container still runs" in said
    assert "raise tgi_phase_timeouts.load" in said
    assert wait(inventory, slow).returncode == 0
