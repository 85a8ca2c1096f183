"""Run the playbook on this machine in check mode: what the inventory names by name alone stays."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.tgi.catalogue.entries import shipped
from ansible.module_utils.tgi.weights.manifest import Manifest, WeightFile
from ansible.module_utils.tgi.weights.snapshot_store import SnapshotStore

from tests.support.playbook import ansible_playbook
from tests.support.roots import ROOT

OLD = "0" * 40


def test_a_model_by_name_keeps_the_commit_of_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = shipped()["qwen2.5-7b"]
    for revision in (OLD, entry["revision"]):
        store = SnapshotStore(tmp_path / "data/hub", entry["id"], revision)
        file = WeightFile("config.json", 2, "git_sha1", revision[::-1])
        store.keep_manifest(Manifest(entry["id"], revision, (file,)))
        store.blob(file).write_bytes(b"{}")
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text("#!/bin/sh\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
    variables: dict[str, Any] = {
        "ansible_connection": "local",
        "ansible_become": False,
        "ansible_python_interpreter": sys.executable,
        "tgi_base_dir": str(tmp_path),
        "tgi_data_dir": str(tmp_path / "data"),
        "tgi_models": [{"name": "qwen2.5-7b"}],
    }
    # Another host takes its model from this one
    other = {**variables, "tgi_models": [{"name": "qwen2.5-14b"}]}
    far = shipped()["qwen2.5-14b"]
    kept = SnapshotStore(tmp_path / "data/hub", far["id"], far["revision"])
    kept.keep_manifest(Manifest(far["id"], far["revision"], ()))
    mirror = {"hub_mirror_cache_dir": str(tmp_path / "data/hub")}
    groups = {
        "gpu_hosts": {"hosts": {"gpu1": variables, "gpu2": other}},
        "hub_mirrors": {"hosts": {"gpu1": mirror}},
    }
    hosts = {"all": {"children": groups}}
    tmp_path.joinpath("hosts").write_text(yaml.safe_dump(hosts))
    playbook = ROOT / "playbooks/prune_weights.yml"
    words = ["-i", str(tmp_path / "hosts"), str(playbook), "--check", "--limit", "gpu1"]
    done = ansible_playbook(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{entry['id']}@{OLD[:12]}: 2 bytes" in done.stdout
    assert entry["revision"][:12] not in done.stdout
    assert far["revision"][:12] not in done.stdout
    assert len(list(store.repository.joinpath("blobs").iterdir())) == 2
    # And the mirror's replies
    assert "changed=2 " in done.stdout
