"""Test that apt sees the bundle alone, and checks its signatures."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from module_utils.tgi.bundle.use.apt_sources import apt_files
from tests.support.bundle.samples import FORM

PARTS = [vars(one) for one in FORM.apt]


def test_each_part_is_a_source_with_its_key() -> None:
    found = apt_files("/srv/b", PARTS)
    assert set(found) == {"apt.conf", "sources.d/docker.sources", "sources.d/distribution.sources"}
    docker = found["sources.d/docker.sources"].splitlines()
    assert "URIs: file:/srv/b/apt/debian-13/docker" in docker
    assert "Signed-By: /srv/b/apt/docker.asc" in docker
    # Debian's is verified by the keys that the host has for it
    assert "Signed-By" not in found["sources.d/distribution.sources"]


@pytest.mark.skipif(not shutil.which("apt-get"), reason="needs apt")
def test_apt_sees_no_other_source(tmp_path: Path) -> None:
    (tmp_path / "sources.d").mkdir()
    for name, text in apt_files(str(tmp_path), PARTS).items():
        (tmp_path / name).write_text(text)
    asked = ["apt-get", "--print-uris", "update"]
    environment = {"PATH": "/usr/bin", "APT_CONFIG": str(tmp_path / "apt.conf")}
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True)
    said = {line.split("'")[1].partition("/dists/")[0] for line in done.stdout.splitlines()}
    assert said == {f"file:{tmp_path}/{part['directory']}" for part in PARTS}, done.stderr
