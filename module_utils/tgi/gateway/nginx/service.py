"""Run nginx as a service: test a file, start, reload, and ask which version it serves."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path

from ...common.commands import Run
from .process import Program

_VERSION = re.compile(r"[0-9a-f]{16}")
_ALERT = re.compile(r"\[(?:emerg|alert)\] [0-9#]+: (.*)")
_SEVERE = re.compile(r"\[(?:emerg|alert|crit)\] [0-9#]+: (.*)")
# As nginx -t says it, with or without its time and process
_EMERGENCY = re.compile(r"\[emerg\] (?:[0-9#]+: )?(.*)")
_POLL = 0.1
_LAST_LINES = 5


class Nginx:
    """nginx under systemd. No method restarts it."""

    def __init__(
        self, run: Run, status_url: str, logs: list[Path], program: Program | None = None
    ) -> None:
        """Take the command runner, the status server's URL and the logs, error log first."""
        self._run = run
        self._program = program or Program()
        self._status_url = status_url
        self._logs = logs
        self._error_log = logs[0]

    def at(self, status_url: str) -> Nginx:
        """Return the same nginx, asked at another address."""
        return Nginx(self._run, status_url, self._logs, self._program)

    def present(self) -> bool:
        """Return whether the program is installed."""
        return self._run(["sh", "-c", "command -v nginx"])[0] == 0

    def shipped(self) -> dict[str, str]:
        """Return MD5 digests of its packages' configuration files by path; none without dpkg."""
        # Debian's are in nginx-common, nginx.org's in nginx; the code is 1 if one is missing
        shown = ["dpkg-query", "--show", "--showformat=${Conffiles}\\n", "nginx-common", "nginx"]
        lines = [line.split() for line in self._run(shown)[1].splitlines()]
        # Behind the digest may be a mark, such as "obsolete"
        return {line[0]: line[1] for line in lines if len(line) >= 2}

    def test(self, main: Path) -> str:
        """Test a configuration with nginx; return nginx's error, or an empty text."""
        code, _, error = self._run(["nginx", "-t", "-q", "-c", str(main)])
        return _complaint(code, error)

    def test_confined(self, main: Path, drop_in: str) -> str:
        """Test a configuration as the unit will start it, confined by the text of a drop-in.

        Otherwise a file that nginx cannot open shows only at its next start, perhaps at a boot.
        """
        lines = [line for line in drop_in.splitlines() if "=" in line and line[0] not in "#;["]
        if not lines:
            return ""
        confined = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect"]
        confined += [f"--property={line}" for line in lines]
        code, _, error = self._run([*confined, "nginx", "-t", "-q", "-c", str(main)])
        said = _complaint(code, error)
        return f"confined by its unit's drop-in (gateway_hardening): {said}" if said else ""

    def active(self) -> bool:
        """Return whether the service runs."""
        return self._run(["systemctl", "is-active", "--quiet", "nginx"])[0] == 0

    def enable(self) -> None:
        """Start it at boot."""
        self._run(["systemctl", "enable", "nginx"])

    def enabled(self) -> bool:
        """Return whether it starts at boot."""
        return self._run(["systemctl", "is-enabled", "--quiet", "nginx"])[0] == 0

    def stop(self) -> None:
        """Stop the service; only if it did not run before."""
        self._run(["systemctl", "stop", "nginx"])

    def outdated(self) -> bool:
        """Return whether nginx runs a program that is no longer the installed one."""
        return self.active() and self._program.outdated()

    def activate(self) -> str:
        """Reload it, or start it when it does not run; return what went wrong, or an empty text.

        An outdated program is replaced instead: it could not load a newer module.
        """
        verb = "reload" if self.active() else "start"
        if verb == "reload" and self._program.outdated():
            return self._program.replace()
        if verb == "start":
            # systemd refuses to start a unit that failed too often, even when its fault is repaired
            self._run(["systemctl", "reset-failed", "nginx"])
        code, _, error = self._run(["systemctl", verb, "nginx"])
        if code == 0:
            return ""
        _, status, _ = self._run(["systemctl", "status", "--no-pager", "--lines=10", "nginx"])
        said = "; ".join(line for line in status.splitlines() if "[emerg]" in line)
        return f"systemctl {verb} nginx failed: {said or error.strip()}"

    def served(self) -> str | None:
        """Return the version that nginx serves, or None when it does not respond."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self._status_url, timeout=2) as answer:
                text = answer.read(64).decode("ascii", "replace").strip()
        except (OSError, urllib.error.URLError, ValueError):
            return None
        return text if _VERSION.fullmatch(text) else None

    def wait_for(self, version: str, seconds: float) -> bool:
        """Wait until nginx serves ``version``; return False after ``seconds``."""
        deadline = time.monotonic() + seconds
        while self.served() != version:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL)
        return True

    def prepare_logs(self) -> None:
        """Create missing logs, readable as the distribution's are (nginx makes them for all)."""
        for log in self._logs:
            if log.parent.is_dir() and not log.exists():
                log.touch(mode=0o640)
                with contextlib.suppress(LookupError, PermissionError):
                    shutil.chown(log, group="adm")

    def log_mark(self) -> int:
        """Return the place in the error log from which :meth:`log_since` reads."""
        try:
            return self._error_log.stat().st_size
        except OSError:
            return 0

    def too_few_files(self, configuration: str) -> str:
        """Return what is wrong with the files that a worker may open, or an empty text.

        A request that is passed on takes two connections, and each connection is a file.
        """
        found = re.search(r"worker_connections (\d+);", configuration)
        wanted, given = 2 * int(found.group(1)) if found else 0, self._program.worker_files()
        if given == 0 or given >= wanted:
            return ""
        return (
            f"a worker of nginx may open {given} files, but its connections can need {wanted}: "
            "clients that only connect can lock out all others"
        )

    def alerts_since(self, mark: int) -> str:
        """Return the alerts that nginx wrote since ``mark``, when it started or reloaded."""
        return self.log_since(mark, _ALERT)

    def log_since(self, mark: int, kinds: re.Pattern[str] = _SEVERE) -> str:
        """Return the last severe lines written since ``mark``; those hold no request."""
        try:
            with self._error_log.open("rb") as file:
                file.seek(mark)
                lines = file.read(1 << 20).decode("utf-8", "replace").splitlines()
        except OSError:
            return ""
        severe = [found.group(1) for line in lines if (found := kinds.search(line))]
        return "; ".join(list(dict.fromkeys(severe))[-_LAST_LINES:])


def _complaint(code: int, error: str) -> str:
    if code == 0:
        return ""
    return "; ".join(_EMERGENCY.findall(error)) or error.strip() or f"nginx -t ended with {code}"


def status_port(configuration: str) -> int | None:
    """Return the port of the status server that a configuration of ours declares."""
    listener = re.search(r"listen 127\.0\.0\.1:([0-9]+);", configuration)
    return int(listener.group(1)) if listener else None


def status_url(port: int) -> str:
    """Return the URL at which a gateway's status server returns the version."""
    return f"http://127.0.0.1:{port}/config-version"
