"""Test how skopeo is asked, and what is said when it cannot do it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from module_utils.tgi.bundle.bundle_form import BundleError
from module_utils.tgi.bundle.image_part import ImageAccess, ImagePart

BLOB = hashlib.sha256(b"layer").hexdigest()
MANIFEST = json.dumps({"config": {"digest": f"sha256:{BLOB}", "size": 5}, "layers": []})
DIGEST = f"sha256:{hashlib.sha256(MANIFEST.encode()).hexdigest()}"
PEM = "-----BEGIN CERTIFICATE-----\n"


@pytest.fixture
def skopeo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in for skopeo: note its words, say a manifest. Return the file of the notes."""
    program = tmp_path / "bin/skopeo"
    program.parent.mkdir()
    words = tmp_path / "words"
    program.write_text(f"#!/bin/sh\necho \"$@\" >>{words}\ncat <<'END'\n{MANIFEST}\nEND\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return words


def part(place: Path, reference: str, **access: object) -> ImagePart:
    return ImagePart(place / "bundle", place / "work", [reference], ImageAccess(**access))  # type: ignore[arg-type]


def test_a_tag_beside_the_digest_is_left_out_and_the_name_kept(
    tmp_path: Path, skopeo: Path
) -> None:
    reference = f"registry.example.org:5000/a/tgi:3.3.7@{DIGEST}"
    asked = part(tmp_path, reference)
    assert asked.plan() == 5
    with pytest.raises(BundleError, match="is not whole after skopeo's copy"):
        asked.fetch()
    inspect, copy = skopeo.read_text().splitlines()
    assert inspect.endswith(f"inspect --raw docker://registry.example.org:5000/a/tgi@{DIGEST}")
    assert "copy --all --preserve-digests --quiet docker://registry.example.org:5000/" in copy
    assert copy.endswith(f" oci:{tmp_path}/bundle/images:{reference}")


def test_a_registry_keeps_its_authority_or_its_lack_of_tls(tmp_path: Path, skopeo: Path) -> None:
    part(tmp_path, f"a.example.org/tgi@{DIGEST}", authorities={"a.example.org": PEM}).plan()
    part(tmp_path, f"b.example.org/tgi@{DIGEST}", insecure=["b.example.org"]).plan()
    first, second = skopeo.read_text().splitlines()
    folder = tmp_path / "work/authorities/a.example.org"
    assert f" --cert-dir={folder} " in first
    assert (folder / "ca.crt").read_text() == PEM
    assert " --tls-verify=false " in second


def test_an_authority_that_is_on_hosts_only_is_said(tmp_path: Path, skopeo: Path) -> None:
    asked = part(tmp_path, f"a.example.org/tgi@{DIGEST}", authorities={"a.example.org": "/no.pem"})
    with pytest.raises(BundleError, match=r"docker_registry_cas.a.example.org is /no.pem, which"):
        asked.plan()
    assert not skopeo.exists()


def test_a_registry_that_refuses_is_named_with_its_words(tmp_path: Path, skopeo: Path) -> None:
    del skopeo
    program = tmp_path / "bin/skopeo"
    program.write_text("#!/bin/sh\necho 'unauthorized: Bearer planted-secret' >&2\nexit 1\n")
    with pytest.raises(
        BundleError, match=r"a.example.org/tgi@\S+ cannot be had: unauthorized.*skopeo login"
    ) as e:
        part(tmp_path, f"a.example.org/tgi@{DIGEST}").plan()
    assert "planted" not in str(e.value)


def test_without_skopeo_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BundleError, match=r"skopeo is not on this machine, .*; apt-get install"):
        part(tmp_path, f"a.example.org/tgi@{DIGEST}").plan()


def test_an_image_without_a_digest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match='tgi_image is "a/tgi:latest", which names no digest'):
        part(tmp_path, "a/tgi:latest")
