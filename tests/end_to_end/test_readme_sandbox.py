"""Run `make sandbox` as the README says: it serves, its command works, nothing is left.

A sandbox that runs already stays; one that these tests started is removed.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.roots import ROOT

NAME = "tgi-sandbox-"


def make(target: str) -> str:
    done = subprocess.run(
        ["make", target], cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def shell(command: str) -> str:
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def leftovers() -> list[str]:
    listed = shell(f"docker ps -aq --filter name={NAME}; docker network ls -q --filter name={NAME}")
    return listed.split() + [name for name in (".sandbox", ".cache") if (ROOT / name).exists()]


def unused_images() -> list[str]:
    """Return this checkout's images that no container uses; Docker keeps those in use."""
    named = shell("tests/sandbox/checkout.sh image x").strip().removeprefix("x")
    listed = shell(
        "docker images --format '{{.Repository}}:{{.Tag}}' --filter label=tgi-ansible=test"
    )
    used = shell("docker ps -a --format '{{.Image}}'").split()
    return [name for name in listed.split() if name.endswith(named) and name not in used]


@pytest.fixture(scope="module")
def printed() -> Iterator[str]:
    was_up = (ROOT / ".sandbox").exists()
    volumes = set(shell("docker volume ls -q").split())
    yield make("sandbox")
    if not was_up:
        make("sandbox-down")
        assert leftovers() + unused_images() == []
        assert set(shell("docker volume ls -q").split()) <= volumes


@pytest.fixture(scope="module")
def command(printed: str) -> str:
    """Return the curl command that the sandbox prints for pasting."""
    found = re.search(r"^sed .*?/v1/chat/completions$", printed, re.DOTALL | re.MULTILINE)
    assert found, printed
    return found.group()


def test_it_ends_with_the_checks_and_how_to_talk_to_it(printed: str) -> None:
    assert re.findall(r"PASSED: gpu1 \((\w+)\)", printed) == ["direct", "edge"]
    assert "https://llm.sandbox.test:8443/v1" in printed
    assert ".sandbox/secrets/api_key" in printed
    assert "Simulated: the GPU" in printed


def test_the_printed_command_streams_an_answer(command: str) -> None:
    events = shell(command).strip().split("\n\n")
    assert events.pop() == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data:")) for event in events]
    assert len(chunks) > 4
    assert "Paris" in "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)


def test_without_the_key_it_is_refused(command: str) -> None:
    without = command.replace("-H @-", "-w '%{http_code}'")
    assert without != command
    assert shell(without).endswith("401")


def test_a_second_run_changes_nothing(printed: str) -> None:
    assert printed
    assert set(re.findall(r"changed=(\d+)", make("sandbox"))) == {"0"}
