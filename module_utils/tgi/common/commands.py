"""Ask a command of the host that only looks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from typing import NamedTuple

_SECONDS = 60


class CommandResult(NamedTuple):
    """What a command said; ``rc`` is None when there is no such command, -1 when it hangs."""

    rc: int | None
    text: str


Ask = Callable[[Sequence[str]], CommandResult]


def ask(command: Sequence[str]) -> CommandResult:
    """Run it in the C locale; both outputs are told, as nvidia-smi complains on stdout."""
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError:
        return CommandResult(None, "")
    except subprocess.TimeoutExpired:
        return CommandResult(-1, f"nothing for {_SECONDS} s")
    return CommandResult(done.returncode, done.stdout + done.stderr)
