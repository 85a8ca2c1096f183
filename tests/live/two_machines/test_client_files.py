"""The files that playbooks/clients.yml writes, unmodified, by their clients at a gateway."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.clients import pasted
from tests.support.live.endpoints import load_endpoints
from tests.support.playbook import ansible_playbook


@pytest.fixture(scope="module")
def written(inventory: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the files of the consumer ``you``, with its key."""
    folder = tmp_path_factory.mktemp("clients")
    options = [f"clients_dir={folder}", "clients_consumer=you", "clients_with_keys=true"]
    words = [word for option in options for word in ("-e", option)]
    done = ansible_playbook("-i", inventory, "playbooks/clients.yml", *words, "-vvv")
    assert done.returncode == 0, done.stdout + done.stderr
    (endpoint, *_) = load_endpoints(inventory)
    assert endpoint.key not in done.stdout + done.stderr
    return folder / endpoint.server_name / "you"


@pytest.mark.parametrize("client", pasted.COMMANDS)
def test_a_client_answers_from_its_file(written: Path, inventory: str, client: str) -> None:
    (endpoint, *_) = load_endpoints(inventory)
    assert pasted.answer(written, client, endpoint.server_name)
