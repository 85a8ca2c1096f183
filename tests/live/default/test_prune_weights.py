"""Check that old weights go from the mirror of the Hub, and stay where a kept set needs them.

``TGI_MODELS=1`` runs it, which takes four runs of the playbook.
"""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

from tests.support.live.hosts import host_at, python
from tests.support.playbook import ansible_playbook

pytestmark = pytest.mark.skipif(os.environ.get("TGI_MODELS") != "1", reason="set TGI_MODELS=1")
OLD, KEPT = "a" * 40, "b" * 40
SET = "/opt/tgi/scribe/sets/planted"
#: As hf_snapshot leaves a commit, with one file of 40 bytes that no other commit has
_PLANT = """
import hashlib, json, pathlib
cache, name, commit = pathlib.Path("/var/lib/tgi/hub"), "models--acme--scribe", "{}"
digest = hashlib.sha1(b"blob 40\\0" + commit.encode()).hexdigest()
(cache / name / "blobs" / digest).write_text(commit)
snapshot = cache / name / "snapshots" / commit
snapshot.mkdir()
(snapshot / "config.json").symlink_to("../../blobs/" + digest)
(cache / name / "refs" / commit).write_text(commit)
files = [dict(path="config.json", size=40, git_sha1=digest)]
manifest = dict(repository="acme/scribe", revision=commit, files=files)
(cache / ".tgi-ansible" / name / (commit + ".json")).write_text(json.dumps(manifest))
"""


def commits(host: Any) -> set[str]:
    """Return which of the planted commits are there."""
    listed = host.check_output("ls /var/lib/tgi/hub/models--acme--scribe/snapshots").split()
    return {OLD, KEPT} & set(listed)


def test_old_weights_go_and_a_kept_set_has_its_own(inventory: str) -> None:
    mirror, other = (host_at(inventory, name) for name in ("debian12", "debian13"))
    for host in (mirror, other):
        python(host, _PLANT.format(OLD))
    python(other, _PLANT.format(KEPT))
    other.check_output(f"mkdir {SET} && echo 'command: --revision {KEPT}' > {SET}/compose.yaml")
    try:
        for words, left in ((["--check"], {OLD}), ([], set()), ([], set())):
            done = ansible_playbook("-i", inventory, "playbooks/prune_weights.yml", *words)
            assert done.returncode == 0, done.stdout
            assert (commits(mirror), commits(other)) == (left, left | {KEPT}), done.stdout
        assert re.findall(r"changed=(\d+)", done.stdout) == ["0", "0"]
    finally:
        other.check_output(f"rm -r {SET}")
    mended = ansible_playbook("-i", inventory, "playbooks/prune_weights.yml")
    assert (mended.returncode, commits(other)) == (0, set()), mended.stdout
