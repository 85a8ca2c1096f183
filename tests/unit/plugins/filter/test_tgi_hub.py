"""Test the filters of the Hub's mirror and of tokens, with hosts as Ansible gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible.module_utils.tgi.catalogue.entries import shipped
from ansible.plugins.loader import filter_loader

from tests.support.roots import ROOT

COMMIT = "a" * 40
HOUSE = {"name": "house", "model_id": "acme/house", "revision": COMMIT}


def filtered(name: str, *given: Any) -> Any:
    filter_loader.add_directory(str(ROOT / "plugins" / "filter"))
    return filter_loader.get(name).j2_function(*given)


def snapshots(**models: Any) -> Any:
    hosts = {host: {"tgi_models": listed} for host, listed in models.items()}
    return filtered("tgi_mirrored_snapshots", list(hosts), hosts)


def test_each_commit_of_all_hosts_comes_once_with_what_any_of_them_needs() -> None:
    gated = {**HOUSE, "hf_token": True, "trust_remote_code": True}
    (found,) = snapshots(gpu1=[HOUSE], gpu2=[gated])
    assert found == {
        "repository": "acme/house",
        "revision": COMMIT,
        "code": True,
        "pickle": False,
        "hf_token": True,
        "verify": "once",
    }


def test_a_model_by_name_and_an_adapter() -> None:
    known = shipped()["qwen2.5-7b"]
    adapters = [f"acme/tone@{COMMIT}", "acme/moving", "own=/data/own"]
    found = snapshots(gpu1=[{"name": "qwen2.5-7b", "lora_adapters": adapters}], gpu2=[])
    assert [(one["repository"], one["revision"]) for one in found] == [
        (known["id"], known["revision"]),
        ("acme/tone", COMMIT),
    ]


def test_what_a_mirror_cannot_have() -> None:
    local = {"name": "own", "model_id": "/data/own"}
    moving = {"name": "moving", "model_id": "acme/moving", "revision": "main"}
    assert snapshots(gpu1=[local, moving], gpu2=None) == []


def test_tokens_of_hosts(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    command = ["sh", "-c", f"echo x >> {runs}; echo hf_b"]
    hosts = {
        "gpu1": {"tgi_hf_token": "hf_a"},
        "gpu2": {"tgi_hf_token_command": command},
        "gpu3": {"tgi_hf_token": "", "tgi_hf_token_command": command},
        "gpu4": {},
    }
    assert filtered("tgi_tokens_of_hosts", list(hosts), hosts) == ["hf_a", "hf_b"]
    hosts["last"] = {"tgi_hf_token_command": "no-such-program"}
    assert filtered("tgi_token_of_hosts", list(hosts), hosts) == "hf_a"
    assert filtered("tgi_token_of_hosts", [], hosts) == ""
    assert runs.read_text() == "x\n"


def test_a_command_that_fails_is_a_filters_error() -> None:
    assert filtered("tgi_secret_of_command", "echo hf_a") == "hf_a"
    with pytest.raises(AnsibleFilterError, match="the command false gives no secret"):
        filtered("tgi_secret_of_command", "false")
