"""Ask the host's Docker daemon, which may be stopped or missing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from ..common.commands import Run
from .unit_flags import read_flags

Find = Callable[[str], "str | None"]
# Where plugins that are not containers register; see docs.docker.com/engine/extend
PLUGINS = ("/run/docker/plugins", "/etc/docker/plugins", "/usr/lib/docker/plugins")


class DockerDaemon:
    """Docker on this host; ``run`` runs a program, ``find`` returns its path or None."""

    def __init__(self, run: Run, find: Find, shims: Callable[[], int]) -> None:
        self._run, self._find, self._shims = run, find, shims

    def running(self) -> bool:
        """Check in systemd whether the daemon runs."""
        systemctl = self._find("systemctl")
        return bool(systemctl) and self._ask(systemctl, "is-active", "--quiet", "docker")[0] == 0

    def flags(self) -> list[str]:
        """Return the options that the unit passes to the daemon."""
        return read_flags(self._run, self._find("systemctl"))

    def containers(self, stopped: bool) -> int:
        """Count the containers; only the running ones if the daemon does not answer."""
        docker = self._find("docker")
        if docker is None:
            return 0
        every = ["--all"] if stopped else []
        code, out = self._ask(docker, "ps", *every, "--quiet")
        return len(out.split()) if code == 0 else self._shims()

    def hides_containers(self, keys: Collection[str]) -> str:
        """Return why these keys cannot change while containers exist, or ""."""
        count = self.containers(stopped=True) if keys else 0
        if not count:
            return ""
        return (
            f"{', '.join(keys)} cannot change while {count} containers exist: the daemon would "
            "lose them, and running ones would keep their GPUs. Remove them first (docker ps --all)"
        )

    def waits_for_containers(self, keys: Collection[str]) -> str:
        """Return a warning that these keys wait for a start without containers, or ""."""
        if not keys or not self.containers(stopped=False):
            return ""
        return (
            f"{', '.join(sorted(keys))}: Docker keeps its networks while containers run. The "
            "change takes effect when Docker next starts without containers, such as at a reboot"
        )

    def plugins(self) -> list[str]:
        """Return the names of the installed plugins."""
        docker = self._find("docker")
        managed = self._ask(docker, "plugin", "ls", "--format", "{{.Name}}")[1] if docker else ""
        files = [file for place in PLUGINS for file in Path(place).glob("**/*.*")]
        return [*managed.split(), *(file.stem for file in files)]

    def objection(self, text: str) -> str:
        """Return why ``dockerd --validate`` refuses a daemon.json, or ""; Docker 23 or later."""
        dockerd = self._find("dockerd")
        if dockerd is None:
            return ""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as candidate:
            candidate.write(text)
            candidate.flush()
            code, out, err = self._run([dockerd, "--validate", "--config-file", candidate.name])
        if not code or "unknown flag" in err:
            return ""
        return (err or out).strip().replace(candidate.name, "daemon.json")

    def _ask(self, *argv: str | None) -> tuple[int, str]:
        code, out, _err = self._run([str(part) for part in argv])
        return code, out
