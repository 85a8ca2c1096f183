"""The environment takes only files that the lock files name by their hash."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.support.roots import ROOT

REQUIREMENTS = ROOT / "requirements"
LOCKS = sorted(REQUIREMENTS.rglob("*.txt"))
PIN = re.compile(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)")


def pins(path: Path) -> set[tuple[str, str]]:
    found = PIN.findall(path.read_text())
    return {(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in found}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_a_lock_file_names_each_file_by_its_hash(lock: Path) -> None:
    text = lock.read_text()
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", text)[1:]
    assert len(entries) == len(PIN.findall(text)) > 4
    for entry in entries:
        # The wheel and the source
        assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry)) >= 1, entry
    assert "://" not in text and "index-url" not in text and "find-links" not in text


@pytest.mark.parametrize("source", sorted(REQUIREMENTS.rglob("*.in")), ids=lambda path: path.stem)
def test_a_lock_file_has_what_its_source_names(source: Path) -> None:
    assert pins(source) <= pins(source.with_suffix(".txt")), "run make locks"


def test_a_deployment_and_the_tests_have_the_same_versions() -> None:
    assert pins(REQUIREMENTS / "run.txt") <= pins(REQUIREMENTS / "test.txt")


def make_wheel(folder: Path) -> Path:
    """Make a package that installs without a registry."""
    wheel = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "")
        about = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
        archive.writestr("tiny-1.0.dist-info/METADATA", about)
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "tiny.py,,\n")
    return wheel


def test_a_file_with_another_hash_is_not_installed(tmp_path: Path) -> None:
    for script in ("bootstrap.sh", "find_python.sh"):
        place = tmp_path / "tests" / "sandbox" / script
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests" / "sandbox" / script, place)
    wheel, lock = make_wheel(tmp_path), tmp_path / "requirements" / "run.txt"
    lock.parent.mkdir()

    def bootstrap(digest: str) -> subprocess.CompletedProcess[str]:
        lock.write_text(f"tiny @ {wheel.as_uri()} --hash=sha256:{digest}\n")
        return subprocess.run(
            [tmp_path / "tests/sandbox/bootstrap.sh", lock],
            env={**os.environ, "PIP_NO_INDEX": "1"}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    right = hashlib.sha256(wheel.read_bytes()).hexdigest()
    done = bootstrap(right[::-1])
    assert done.returncode != 0 and "DO NOT MATCH THE HASHES" in done.stderr
    assert not list(tmp_path.glob(".venv/.ready-*"))
    assert not list(tmp_path.glob(".venv/lib/*/site-packages/tiny*"))
    done = bootstrap(right)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob(".venv/.ready-*"))
    assert list(tmp_path.glob(".venv/lib/*/site-packages/tiny.py"))
