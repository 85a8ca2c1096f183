"""Run commands, and return what they say."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_SECONDS = 60
#: As AnsibleModule.run_command: exit code, stdout and stderr of a command
Run = Callable[[list[str]], tuple[int, str, str]]


class CommandOutput(NamedTuple):
    """``rc`` is None when the program is missing, -1 when it does not end in time."""

    rc: int | None
    out: str
    err: str


class CommandResult(NamedTuple):
    """As :class:`CommandOutput`, with both outputs in ``text``, stdout first."""

    rc: int | None
    text: str


Ask = Callable[[Sequence[str]], CommandResult]


def run(
    command: Sequence[str],
    seconds: float | None = _SECONDS,
    *,
    stdin: str = "",
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    own_session: bool = False,
) -> CommandOutput:
    """Run a command in the C locale; without ``seconds`` it may take for ever.

    ``environment`` comes on top of this process's. With ``own_session`` the command has no
    terminal, so that it reads a passphrase from stdin.
    """
    try:
        done = subprocess.run(
            list(command),
            input=stdin,
            cwd=cwd,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
            env={**os.environ, "LC_ALL": "C", **(environment or {})},
            start_new_session=own_session,
        )
    except OSError:
        return CommandOutput(None, "", "")
    except subprocess.TimeoutExpired:
        return CommandOutput(-1, "", f"no end within {seconds:g} s")
    return CommandOutput(done.returncode, done.stdout, done.stderr)


def ask(command: Sequence[str]) -> CommandResult:
    """Run a command and return both outputs, as nvidia-smi writes its errors to stdout."""
    done = run(command)
    return CommandResult(done.rc, done.out + done.err)
