"""Targets run in their order, two at a time where they may, and some at a low priority."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.roots import ROOT

#: A target that waits until two have begun
TWO = "@touch $@; for i in 1 2 3 4 5 6 7 8 9; do set -- *.b; [ $$# -lt 2 ] || break; sleep 1; done"
RULES = f"""
%.b:
\t{TWO}; [ $$# = 2 ]
good slow:
\t@echo priority $$(nice)
bad:
\t@false
"""


def stages(folder: Path, *words: str) -> tuple[int, str]:
    """Return the exit code and all output."""
    (folder / "Makefile").write_text(RULES)
    done = subprocess.run(
        [str(ROOT / "tools/stages.sh"), *words], cwd=folder, text=True, check=False, timeout=60,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


def table(text: str) -> list[tuple[str, str]]:
    """Return (target, result) of each line of the table."""
    return re.findall(r"(?m)^(\S+) +\d+ s  (\w+)$", text)


def test_two_run_at_a_time(tmp_path: Path) -> None:
    code, text = stages(tmp_path, "good", "1.b,2.b")
    assert (code, table(text)[0]) == (0, ("good", "passed")), text
    assert sorted(table(text)[1:]) == [(f"{n}.b", "passed") for n in (1, 2)]


def test_a_slow_one_has_a_lower_priority_and_its_own_name(tmp_path: Path) -> None:
    code, text = stages(tmp_path, "good,slow:slow")
    found = dict(re.findall(r"(?m)^(\w+): priority (-?\d+)$", text))
    assert code == 0, text
    assert int(found["slow"]) > int(found["good"]), text


@pytest.mark.parametrize("first", ["bad", "good,bad"])
def test_what_fails_ends_it_after_its_stage(tmp_path: Path, first: str) -> None:
    code, text = stages(tmp_path, first, "slow")
    assert code != 0
    assert ("bad", "FAILED") in table(text)
    assert "slow" not in dict(table(text)), text


def left_out(*words: str) -> list[str]:
    """Return the paths that make would leave out of the unit tests."""
    command = ["make", "--dry-run", "--directory", str(ROOT), *words]
    # Without what a make that runs these tests has exported
    path = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=path, capture_output=True, text=True, check=True, timeout=60)
    assert "--numprocesses" in done.stdout
    return re.findall(r"--ignore=(\S+)", done.stdout)


def test_a_second_python_runs_a_part_of_the_unit_tests() -> None:
    found = left_out("newest-unit", "NEWEST=python3.14")
    assert all((ROOT / path).exists() for path in found), found
    assert {"tests/unit/roles", "tests/unit/playbooks/test_check.py"} <= {*found}
    assert "tests/unit/playbooks/test_secrets.py" not in found
    assert left_out("unit") == []
