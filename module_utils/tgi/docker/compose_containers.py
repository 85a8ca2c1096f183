"""Read the state and logs of Compose projects' containers with the docker command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..common.commands import run
from ..common.log_lines import Line, epoch, merge
from ..common.places import OWN_DATA
from ..common.text import clean

_PROJECT = "com.docker.compose.project"
_DIRECTORY = f"{_PROJECT}.working_dir"
_LOOPBACK = "127.0.0.1"
_CDI = "nvidia.com/gpu="
_ONE_OFF = "com.docker.compose.oneoff"
_QUIET_LEVELS = ("off", "error", "warn")
_TAIL = "5000"
_SECONDS = 30


class DockerError(Exception):
    """Docker does not answer; the message is Docker's own, or names the missing command."""


#: Runs ``docker`` with arguments: exit code, stdout, stderr
RunDocker = Callable[[Sequence[str]], "tuple[int, str, str]"]
#: Parses the output of ``docker logs --timestamps``; each engine has its own parser
Parse = Callable[[str], "list[Line]"]


def run_docker(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Run the docker command in the C locale. Raises DockerError if it is missing or hangs."""
    done = run(["docker", *arguments], _SECONDS)
    if done.rc is None:
        raise DockerError("the docker command was not found on this host")
    if done.rc == -1:
        raise DockerError(f"Docker has not answered within {_SECONDS} s")
    return done.rc, done.out, done.err


@dataclass(frozen=True)
class Container:
    """The state of one container; times are seconds since 1970, 0.0 for "never"."""

    id: str
    name: str
    project: str
    status: str
    """created, running, paused, restarting, removing, exited or dead."""
    created: float
    started: float
    finished: float
    """When the previous run ended; for a stopped container, its last run."""
    exit_code: int
    """Of the last run; meaningless while running."""
    error: str
    out_of_memory: bool
    restarts: int
    quiet: bool = False
    """Its LOG_LEVEL hides the lines that name the phases."""
    offline: bool = False
    """It may not ask the Hub: HF_HUB_OFFLINE."""
    devices: bool | None = None
    """It asks for GPUs; None: unknown."""
    memory: int = 0
    """Its limit in bytes; 0 is none."""
    data: str = ""
    """The host's folder at /data, empty if there is none."""
    directory: str = ""
    """That of its Compose project."""
    port: int = 0
    """Where it listens on loopback; 0 for none."""
    gpus: tuple[str, ...] = ()
    """Those that it has by CDI."""
    pid: int = 0
    """Of its first process; 0 while it does not run."""

    @property
    def boundary(self) -> float:
        """Return the time after which log lines belong to the last run.

        A run's first lines may be just older than StartedAt. The last lines of the previous run
        are at least Docker's shortest pause (0.1 s) older.
        """
        if not self.finished:
            return 0.0
        if self.finished > self.started:
            return self.started - 0.05
        return self.started - min(1.0, (self.started - self.finished) / 2)


def _port(host: dict[str, Any]) -> int:
    places = [one for its in (host.get("PortBindings") or {}).values() for one in its or []]
    ports = [str(one.get("HostPort")) for one in places if one.get("HostIp") == _LOOPBACK]
    return next((int(port) for port in ports if port.isdigit()), 0)


def _gpus(host: dict[str, Any]) -> tuple[str, ...]:
    requests = host.get("DeviceRequests") or []
    devices = [str(one) for request in requests for one in request.get("DeviceIDs") or []]
    return tuple(one[len(_CDI) :] for one in devices if one.startswith(_CDI))


def _container(raw: dict[str, Any]) -> Container:
    state, config = raw.get("State") or {}, raw.get("Config") or {}
    host, labels = raw.get("HostConfig") or {}, config.get("Labels") or {}
    environment = dict(entry.partition("=")[::2] for entry in config.get("Env") or [])
    return Container(
        id=str(raw.get("Id", "")),
        name=str(raw.get("Name", "")).lstrip("/"),
        project=str(labels.get(_PROJECT, "")),
        status=str(state.get("Status", "")),
        created=epoch(str(raw.get("Created", ""))),
        started=epoch(str(state.get("StartedAt", ""))),
        finished=epoch(str(state.get("FinishedAt", ""))),
        exit_code=int(state.get("ExitCode") or 0),
        error=clean(str(state.get("Error") or "")),
        out_of_memory=bool(state.get("OOMKilled")),
        restarts=int(raw.get("RestartCount") or 0),
        quiet=environment.get("LOG_LEVEL", "info").lower() in _QUIET_LEVELS,
        offline=environment.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"),
        memory=int(host.get("Memory") or 0),
        directory=str(labels.get(_DIRECTORY, "")),
        port=_port(host),
        gpus=_gpus(host),
        pid=int(state.get("Pid") or 0),
        devices=bool(host.get("DeviceRequests") or host.get("Runtime") == "nvidia"),
        data=next(
            (
                # Our own container has a directory below tgi_data_dir
                str(one.get("Source") or "").partition(f"/{OWN_DATA}/")[0]
                for one in raw.get("Mounts") or []
                if one.get("Destination") == "/data"
            ),
            "",
        ),
    )


class Docker:
    """Run docker commands; each method raises DockerError if Docker does not answer."""

    def __init__(self, parse: Parse, run: RunDocker = run_docker) -> None:
        self._parse, self._run = parse, run

    def _ask(self, *arguments: str) -> str:
        code, out, err = self._run(arguments)
        if code:
            raise DockerError(
                clean(err.strip().splitlines()[-1] if err.strip() else f"exit {code}")
            )
        return out

    def containers(self, projects: Iterable[str]) -> dict[str, Container]:
        """Return the newest container of each project, by project. Runs two commands."""
        wanted = set(projects)
        only = [f"--filter=label={_PROJECT}={next(iter(wanted))}"] if len(wanted) == 1 else []
        listed = self._ask(
            "ps", "--all", "--quiet", "--no-trunc", f"--filter=label={_PROJECT}", *only
        ).split()
        if not listed:
            return {}
        # If a container goes away in between, docker fails but still prints the others
        code, out, err = self._run(["inspect", "--type=container", *listed])
        try:
            entries = json.loads(out)
        except ValueError:
            raise DockerError(clean(err.strip()) or f"docker inspect: exit {code}") from None
        found: dict[str, Container] = {}
        for entry in entries:
            labels = (entry.get("Config") or {}).get("Labels") or {}
            one = _container(entry)
            if one.project not in wanted or labels.get(_ONE_OFF) == "True":
                continue
            other = found.get(one.project)
            if other is None or one.created > other.created:
                found[one.project] = one
        return found

    def logs(self, container_id: str) -> list[Line] | None:
        """Return the last 5000 lines of a container's log; None if its driver cannot be read."""
        code, out, err = self._run(["logs", "--timestamps", f"--tail={_TAIL}", container_id])
        return None if code else merge(self._parse(out), self._parse(err))

    def first_logs(self, one: Container, seconds: float) -> list[Line]:
        """Return what a container logged in the first seconds of its last run."""
        since, until = one.boundary or one.created, one.started + seconds
        times = [f"--since={since:.3f}", f"--until={until:.3f}"]
        code, out, err = self._run(["logs", "--timestamps", *times, one.id])
        return [] if code else merge(self._parse(out), self._parse(err))

    def last_exit_code(self, container_id: str, since: float, until: float) -> int | None:
        """Return the container's last exit code in that time, from Docker's events."""
        code, out, _ = self._run(
            [
                "events",
                f"--since={since:.3f}",
                f"--until={until:.3f}",
                f"--filter=container={container_id}",
                "--filter=event=die",
                '--format={{index .Actor.Attributes "exitCode"}}',
            ]
        )
        said = out.split()
        return int(said[-1]) if not code and said and said[-1].isdigit() else None
