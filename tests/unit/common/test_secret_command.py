"""Run commands that print a secret, or fail to."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from ansible.module_utils.tgi.common import secret_command
from ansible.module_utils.tgi.common.secret_command import secret_of

SECRET = "hf_planted"


@pytest.mark.parametrize(
    "command", [["printf", f"{SECRET}\\n"], f"printf ' {SECRET}'", f"echo {SECRET}"]
)
def test_the_line_is_the_secret(command: object) -> None:
    assert secret_of(command) == SECRET


@pytest.mark.parametrize("command", ["", [], None])
def test_no_command_is_no_secret(command: object) -> None:
    assert secret_of(command) == ""


def test_no_shell_reads_it(tmp_path: Path) -> None:
    assert secret_of(f"echo a; touch {tmp_path}/b") == f"a; touch {tmp_path}/b"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            ["no-such-program"],
            "the command no-such-program cannot be run: it is missing",
        ),
        ("false", "the command false gives no secret (it ended with 1); run false on this"),
        (
            [sys.executable, "-c", f"print('{SECRET}'); raise SystemExit('locked')"],
            "gives no secret (locked)",
        ),
        (["printf", f"{SECRET}\\nuser: a\\n"], "prints 2 lines, and a secret is one; run printf"),
        (["sh", "-c", ":"], "prints 0 lines, and a secret is one"),
        # It would wait for a password that no one types
        ("head -n 1", "prints 0 lines, and a secret is one"),
    ],
)
def test_what_is_no_secret(command: object, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        secret_of(command)


def test_its_output_is_not_in_the_message() -> None:
    with pytest.raises(ValueError, match="prints 2 lines") as error:
        secret_of(["sh", "-c", "echo hf_; echo planted"])
    assert "planted\n" not in str(error.value)


def test_one_that_waits_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_command, "_LONGEST", 0.1)
    with pytest.raises(ValueError, match=r"gives no secret \(no end within 0.1 s\)"):
        secret_of("sleep 60")
