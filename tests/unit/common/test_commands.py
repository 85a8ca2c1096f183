from __future__ import annotations

from pathlib import Path

from ansible.module_utils.tgi.common.commands import ask, run


def test_a_real_command_and_one_that_is_not_there() -> None:
    assert run(["sh", "-c", "echo out; echo err >&2; exit 3"]) == (3, "out\n", "err\n")
    assert ask(["sh", "-c", "echo err >&2; echo out; exit 3"]) == (3, "out\nerr\n")
    assert ask(["no-such-program-here"]) == (None, "")


def test_a_command_that_hangs() -> None:
    assert run(["sleep", "60"], 0.1) == (-1, "", "no end within 0.1 s")


def test_what_a_command_gets(tmp_path: Path) -> None:
    asked = ["sh", "-c", "cat; pwd; echo $OWN $LC_ALL; ps -o sid= -p $$ | tr -d ' '; echo $$"]
    done = run(asked, stdin="in\n", cwd=tmp_path, environment={"OWN": "own"}, own_session=True)
    said, place, words, session, process = done.out.splitlines()
    assert (said, place, words) == ("in", str(tmp_path), "own C")
    assert session == process


def test_odd_letters_are_no_reason_to_fail() -> None:
    assert run(["printf", "caf\\351"]).out == "caf\ufffd"
