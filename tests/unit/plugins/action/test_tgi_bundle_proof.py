"""Test that every kind of damage to a bundle is named before anything else happens."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import tgi_bundle_proof as action

from tests.support.bundle.small_bundle import flip, small_bundle


def prove(monkeypatch: pytest.MonkeyPatch, bundle: Path, **given: Any) -> dict[str, Any]:
    monkeypatch.setattr(action.ActionBase, "run", lambda *_: {})
    plugin = action.ActionModule.__new__(action.ActionModule)
    plugin._task = SimpleNamespace(args={"bundle": str(bundle), **given})
    plugin._templar = None
    plugin.validate_argument_spec = lambda _: (
        None,
        {"bundle": str(bundle), "public_key": "", "unsigned": False, **given},
    )
    result: dict[str, Any] = plugin.run()
    return result


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("apt/debian-13/docker/pool/docker-ce_29.deb", "package"),
        ("apt/docker.asc", "package"),
        ("images/index.json", "image"),
        ("weights/models--org--name/blobs/44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
         "weights"),
        ("wheels/httpx-0.28.whl", "wheel"),
        ("project.bundle", "project"),
        ("bundle.json", "project"),
    ],
)  # fmt: skip
def test_one_flipped_bit_is_named_with_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    small_bundle(tmp_path)
    flip(tmp_path / name)
    result = prove(monkeypatch, tmp_path, unsigned=True)
    assert result["failed"]
    head, line, remedy = result["msg"].splitlines()
    assert head == f"1 file is not as the bundle {tmp_path} was made; nothing was changed"
    assert line.startswith(f"- {kind}: {name}: its SHA-256 is ")
    assert remedy.startswith("Copy these again")


def test_missing_and_extra_files_are_named_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_bundle(tmp_path)
    (tmp_path / "project.bundle").unlink()
    (tmp_path / "wheels/evil.whl").write_bytes(b"")
    (tmp_path / "apt/debian-13/more").symlink_to("/etc")
    lines = prove(monkeypatch, tmp_path, unsigned=True)["msg"].splitlines()
    assert lines[0].startswith("3 files are not as")
    assert lines[1:4] == [
        "- package: apt/debian-13/more: is a link, which no bundle has",
        "- project: project.bundle: is missing",
        "- wheel: wheels/evil.whl: is not in SHA256SUMS",
    ]


def test_a_key_is_needed_unless_one_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_bundle(tmp_path)
    said = prove(monkeypatch, tmp_path)["msg"]
    assert said.startswith("bundle_public_key is empty, so ")
    assert said.endswith("Nothing was changed")
    found = prove(monkeypatch, tmp_path, unsigned=True)
    assert (found["changed"], found["signed"], found["systems"]) == (False, False, ["debian-13"])


def test_a_signature_covers_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, home = tmp_path / "bundle", tmp_path / "home"
    small_bundle(bundle)
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--passphrase", ""]
    make = [*gpg, "--quick-generate-key", "maker", "ed25519", "sign", "never"]
    subprocess.run(make, check=True, capture_output=True)
    public = tmp_path / "maker.asc"
    public.write_bytes(subprocess.check_output([*gpg, "--armor", "--export"]))
    sums = str(bundle / "SHA256SUMS")
    subprocess.run([*gpg, "--armor", "--detach-sign", sums], check=True, capture_output=True)
    assert prove(monkeypatch, bundle, public_key=str(public))["signed"]
    with (bundle / "SHA256SUMS").open("a") as file:
        file.write(f"{'0' * 64}  wheels/evil.whl\n")
    said = prove(monkeypatch, bundle, public_key=str(public))["msg"]
    assert "SHA256SUMS is refused by gpgv" in said


def test_progress_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_bundle(tmp_path)
    shown: list[str] = []

    class AtTheEnd(action.Pulse):  # type: ignore[misc]
        def __exit__(self, *_: Any) -> None:
            super().__exit__(None, None, None)
            shown.append(self._line())

    monkeypatch.setattr(action, "Pulse", AtTheEnd)
    prove(monkeypatch, tmp_path, unsigned=True)
    assert shown[-1].startswith("bundle: prove ")
    assert "(100 %)" in shown[-1]
