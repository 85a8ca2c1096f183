"""Replace the running nginx program by a newer one without closing a listening socket."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

_POLL = 0.1
_FILES = re.compile(r"(?m)^Max open files\s+(\d+)")
# A program or library that was replaced on the disk; shared memory, too, is shown as deleted
_REPLACED = re.compile(r"(?m)^\S+ ..x\S? .*\s/(?:usr|lib)\S* \(deleted\)$")


class Program:
    """The master process that a pid file names."""

    def __init__(self, pid_file: Path = Path("/run/nginx.pid"), proc: Path = Path("/proc")) -> None:
        """Take the path of nginx's pid file, and of /proc."""
        self._pid_file = pid_file
        self._proc = proc

    def outdated(self) -> bool:
        """Return whether it runs a program, module or library that was replaced on disk."""
        try:
            maps = (self._proc / str(self._pid()) / "maps").read_text(encoding="utf-8")
        except (OSError, ValueError):
            return False
        return _REPLACED.search(maps) is not None

    def worker_files(self) -> int:
        """Return how many files the newest worker may open; 0 when that cannot be read."""
        try:
            master = self._pid()
            task = self._proc / str(master) / "task" / str(master)
            newest = max(map(int, (task / "children").read_text(encoding="ascii").split()))
            limits = (self._proc / str(newest) / "limits").read_text(encoding="ascii")
        except (OSError, ValueError):
            return 0
        found = _FILES.search(limits)
        return int(found.group(1)) if found else 0

    def replace(self, seconds: float = 10.0) -> str:
        """Let the program on disk take over the listeners; return the error, or "".

        The old one ends when it has sent its last response. If the new one does not start, the
        old one continues to serve.
        """
        try:
            old = self._pid()
            os.kill(old, signal.SIGUSR2)
            deadline = time.monotonic() + seconds
            while not self._taken_over(old):
                if time.monotonic() >= deadline:
                    return "the installed nginx did not replace the running one"
                time.sleep(_POLL)
            os.kill(old, signal.SIGQUIT)
        except (OSError, ValueError) as error:
            return f"cannot replace the running nginx: {error}"
        return ""

    def _taken_over(self, old: int) -> bool:
        waiting = self._pid_file.with_name(f"{self._pid_file.name}.oldbin")
        try:
            return waiting.exists() and self._pid() != old
        except (OSError, ValueError):
            return False

    def _pid(self) -> int:
        return int(self._pid_file.read_text(encoding="ascii"))
