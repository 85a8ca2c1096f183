"""The newest Python is found beside the machine's own; if there is none, the reason is printed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.roots import ROOT


def newer(folder: Path, *minors: tuple[str, int]) -> tuple[str, str]:
    """Search a machine that has these Pythons alone; return (what was found, what was said)."""
    sh = shutil.which("sh")
    assert sh
    for name, minor in minors:
        answer = f'case $2 in *minor*) echo {minor} ;; esac; [ "$1" != --version ] || echo Own'
        (folder / name).write_text(f"#!{sh}\n{answer}\n")
        (folder / name).chmod(0o755)
    done = subprocess.run(
        [sh, str(ROOT / "tests/sandbox/find_python.sh"), "newer", "python3"],
        env={"PATH": str(folder), "PYENV_ROOT": str(folder)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip().rpartition("/")[2], done.stderr.strip()


def test_the_newest_is_taken(tmp_path: Path) -> None:
    both = ("python3.13", 13), ("python3.12", 12)
    assert newer(tmp_path, ("python3", 11), *both) == ("python3.13", "")
    assert newer(tmp_path, ("python3", 13))[0] == ""


@pytest.mark.parametrize(
    ("minors", "why"),
    [
        ([("python3", 13), ("python3.13", 13)], "no Python newer than Own"),
        ([], "no python3 yet, and no other Python that is new enough"),
        ([("python3.9", 9)], "no python3 yet, and no other Python that is new enough"),
    ],
)
def test_why_there_is_none_is_said(tmp_path: Path, minors: list[tuple[str, int]], why: str) -> None:
    told = f"This machine has {why}: no tests on a newer Python"
    assert newer(tmp_path, *minors) == ("", told)


def test_a_machine_without_python3_may_have_another(tmp_path: Path) -> None:
    assert newer(tmp_path, ("python3.12", 12)) == ("python3.12", "")
