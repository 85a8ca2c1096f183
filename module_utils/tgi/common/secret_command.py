"""Take a secret from a command on the controller, such as a password manager's."""

from __future__ import annotations

import shlex
from typing import Any

from .commands import run
from .problem import problem

#: Seconds: longer than a person looks for the smart card
_LONGEST = 60


def secret_of(command: Any) -> str:
    """Return the line that a command prints; "" for no command.

    ``command`` is a text, which no shell reads, or a list of words. Raise ValueError where it
    prints no secret; the message has the command's errors, and never what it printed.
    """
    words = words_of(command)
    if not words:
        return ""
    where = f"the command {words[0]}"
    done = run(words, _LONGEST)
    if done.rc is None:
        what = "cannot be run: it is missing here, or not executable"
        raise ValueError(problem(where, what, _remedy(words)))
    if done.rc:
        said = " ".join(done.err.split())[:200] or f"it ended with {done.rc}"
        raise ValueError(problem(where, f"gives no secret ({said})", _remedy(words)))
    lines = done.out.splitlines()
    if len(lines) != 1 or not lines[0].strip():
        what = f"prints {len(lines)} lines, and a secret is one"
        raise ValueError(problem(where, what, _remedy(words)))
    return lines[0].strip()


def words_of(command: Any) -> list[str]:
    """Return the words of a command; raise ValueError where it is neither text nor such a list."""
    if isinstance(command, str):
        return shlex.split(command)
    words = command or []
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        raise ValueError("a command is a text, or a list of words")
    return list(words)


def _remedy(words: list[str]) -> str:
    return f"run {shlex.join(words)} on this machine until it prints the secret alone"
