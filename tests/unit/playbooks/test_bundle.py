"""Run the playbook in check mode, against repositories, a registry and a Hub on loopback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.bundle.bundle_site import TOOLKIT, BundleSite, bundle_site
from tests.support.playbook import ansible_playbook

pytestmark = pytest.mark.skipif(
    not (shutil.which("skopeo") and shutil.which("gpg")), reason="needs skopeo and gpg"
)
TOKEN = "hf_plantedtoken123456"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BundleSite]:
    with bundle_site(tmp_path_factory.mktemp("site")) as made:
        made.hub.tokens.add(TOKEN)
        yield made


def run(place: Path, inventory: dict[str, Any], *words: str) -> tuple[int, str]:
    (place / "hosts.json").write_text(json.dumps(inventory))
    bundle = ["-e", f"bundle={place}/bundle"]
    done = ansible_playbook(
        "-i", str(place / "hosts.json"), "playbooks/bundle.yml", *bundle, "--check", *words
    )
    return done.returncode, done.stdout + done.stderr


def test_check_mode_says_the_sizes_and_keeps_secrets(site: BundleSite, tmp_path: Path) -> None:
    inventory = site.inventory(token=TOKEN, nvidia_driver_install=True)
    code, said = run(tmp_path, inventory, "-vvv")
    assert code == 0, said
    for line in ("packages of debian-13: ", "images: ", "weights: 5.8 MiB", "in all: "):
        assert f"{line}" in said
    assert TOKEN not in said
    assert "nvidia_driver_install of gpu1.invalid is true, and a bundle has no" in said
    assert not (tmp_path / "bundle").exists()
    sent = [headers.get("Authorization") for _, _, headers in site.hub.requests]
    assert f"Bearer {TOKEN}" in sent
    # The roles of both groups were asked: nginx is the gateway's, httpx the checks'
    for name in ("nginx", "python3-httpx", "docker.io", *TOOLKIT):
        assert name in said


def test_what_cannot_work_is_refused_in_words(site: BundleSite, tmp_path: Path) -> None:
    wrong = site.inventory(bundle_systems=["debian-13", "rocky-9"])
    code, said = run(tmp_path, wrong)
    assert code != 0
    assert "bundle_systems has rocky-9, whose packages (dnf) no bundle has" in " ".join(
        said.split()
    )
    assert "Fetch, prove and sign" not in said


def test_a_branch_is_no_weights_to_carry_in(site: BundleSite, tmp_path: Path) -> None:
    models = [{"name": "small", "model_id": "org/small-1b", "lora_adapters": ["org/lora"]}]
    models[0]["revision"] = "01" * 20
    code, said = run(tmp_path, site.inventory(tgi_models=models))
    assert code != 0
    assert "gpu1.invalid has org/lora without a commit, and a bundle" in " ".join(said.split())
