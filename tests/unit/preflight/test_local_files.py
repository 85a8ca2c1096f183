"""Test the check of local weights on the host."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.tgi.preflight.local_files import check_local

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4976698672\n"


def check(path: Path, is_model: bool = True, sealed: bool = True) -> list[str]:
    return list(check_local("tgi_models[0]", path, "/srv/tgi/own", is_model, sealed))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    return tmp_path


def test_weights_that_are_there(weights: Path) -> None:
    (weights / "tokenizer.json").symlink_to("config.json")
    (weights / "pytorch_model.bin").write_text("x")
    assert check(weights) == check(weights / "config.json", is_model=False) == []


def test_what_is_not_there(tmp_path: Path) -> None:
    assert check(tmp_path / "own") == [
        "tgi_models[0] needs /srv/tgi/own, which the host does not have; copy it there, or correct "
        "the path"
    ]


def test_pointers_of_git_lfs(weights: Path) -> None:
    for place in range(1, 6):
        (weights / f"model-{place}.safetensors").write_text(POINTER)
    assert check(weights) == [
        "tgi_models[0] has pointers of Git LFS in /srv/tgi/own (model-1.safetensors, "
        "model-2.safetensors, model-3.safetensors and 2 more), not the files; run git lfs pull in "
        "/srv/tgi/own"
    ]


def test_links_that_lead_out(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "big.safetensors"
    elsewhere.write_text("x")
    (weights / "big.safetensors").symlink_to(elsewhere)
    (line,) = check(weights)
    assert line.startswith("tgi_models[0] has links in /srv/tgi/own that lead out of it (big.s")
    # A link to the whole directory is for Docker to follow
    linked = elsewhere.parent / "own"
    linked.symlink_to(weights)
    (weights / "big.safetensors").unlink()
    assert check(linked) == []


@pytest.mark.parametrize("name", ["pytorch_model.bin", "consolidated.pt", "adapter_config.json"])
def test_what_tgi_writes_beside(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    (line,) = check(tmp_path)
    assert line.startswith(f"tgi_models[0] has {name} only in /srv/tgi/own, beside which TGI")
    assert line.endswith("write tgi_read_only_data: never")
    assert check(tmp_path, sealed=False) == check(tmp_path, is_model=False) == []
