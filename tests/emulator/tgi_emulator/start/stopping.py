"""How a server that runs comes to its end: SIGTERM, a shard that is gone, a new process."""

from __future__ import annotations

import asyncio
import signal
import socket
from urllib.parse import urlsplit

import uvicorn

from ..api.backend import Backend
from .phases import Start
from .rules import LauncherError

_SOURCE = "router/src/server.rs"
_AWAY_SECONDS = 0.1
"""What systemd takes by default; a new interpreter needs some more."""
_FLAG_SECONDS = 0.5
"""A shard looks at its flag twice a second."""

_NOTICE_SECONDS = 0.2
"""The launcher looks at a shard ten times a second, and as often at what it has seen."""


_LOOK_SECONDS = 0.25
"""How often `die-after` is looked for: it comes without a request."""


class RestartError(Exception):
    """Fault `restart`: a new process has to take this one's place."""


class Stopping:
    """Signals and faults that end the server, and what the launcher then does."""

    def __init__(self, start: Start, backend: Backend, server: uvicorn.Server) -> None:
        self._start, self._backend, self._server = start, backend, server
        self._log, self._loop = start.log, asyncio.get_running_loop()
        self._limit = start.args.count("graceful_termination_timeout")
        self._terminated = self._killed = self._crashed = self._restarted = False
        self._collected = True
        backend.crash, backend.restart = self._crash, self._restart
        backend.age.begin()
        self._look_at_age()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._loop.add_signal_handler(number, self._terminate)

    async def finish(self) -> int:
        """What is left to do once the server has ended; raises LauncherError or RestartError."""
        if self._restarted:
            await asyncio.sleep(_AWAY_SECONDS)
            raise RestartError
        self._log.launcher("INFO", f"webserver {'killed' if self._killed else 'terminated'}")
        self._log.launcher("INFO", "Shutting down shards")
        started = [rank for _, _, rank in self._start.children if rank is not None]
        ranks = started[1:] if self._crashed else started
        for rank in ranks:
            self._shard("Terminating shard", rank)
            self._shard("Waiting for shard to gracefully shutdown", rank)
        wanted = self._start.seconds["stop" if self._collected else "collector"]
        if ranks:
            await asyncio.sleep(min(wanted, self._limit))
        for rank in ranks:
            if wanted > self._limit:
                self._shard("Killing shard", rank)
            self._shard(f"shard {'killed' if wanted > self._limit else 'terminated'}", rank)
        if self._crashed:
            raise LauncherError("ShardFailed")
        return 0

    def _shard(self, message: str, rank: int) -> None:
        self._log.launcher("INFO", message, "shard-manager", rank)

    def _terminate(self) -> None:
        """The launcher ends the router; a collector that does not answer holds it up.

        The router flushes its spans before it closes the listener, so it serves until it is killed.
        """
        if self._terminated:
            return
        self._terminated = True
        self._log.launcher("INFO", "Terminating webserver")
        self._log.launcher("INFO", "Waiting for webserver to gracefully shutdown")
        self._log.router("INFO", "signal received, starting graceful shutdown", _SOURCE, 2427)
        self._collected = _answers(self._start.args.text("otlp_endpoint"))
        self._server.should_exit = self._collected
        self._loop.call_later(self._limit, self._kill)

    def _kill(self) -> None:
        self._log.launcher("INFO", "Killing webserver")
        self._killed = True
        self._cut()

    def _cut(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        # From Python 3.12 on, a closed server still waits for its connections
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()

    def _crash(self, number: int) -> None:
        """0: the shard ends by itself after an error; else the signal that killed it."""
        if self._crashed:
            return
        self._crashed = True
        if number:
            self._lose(number)
        else:
            self._loop.call_later(_FLAG_SECONDS, self._lose, 0)

    def _look_at_age(self) -> None:
        if self._backend.age.reached("die-after"):
            self._backend.break_down()
        else:
            self._loop.call_later(_LOOK_SECONDS, self._look_at_age)

    def _lose(self, number: int) -> None:
        self._backend.lost = True
        self._loop.call_later(_NOTICE_SECONDS, self._notice, number)

    def _notice(self, number: int) -> None:
        log = self._log
        log.launcher("ERROR", "Shard complete standard error output:\n", "shard-manager", 0)
        if number:
            said = f"Shard process was signaled to shutdown with signal {number}"
            log.launcher("ERROR", said, "shard-manager", 0)
        log.launcher("ERROR", "Shard 0 crashed")
        self._terminate()
        # Answers and error events that are complete still reach their clients
        self._loop.call_later(_FLAG_SECONDS, self._cut)

    def _restart(self) -> None:
        self._log.plain("SIMULATED: fault restart: this process is replaced by a new one")
        self._restarted = True
        # at once: uvicorn itself looks for should_exit ten times a second
        for listening in self._server.servers:
            listening.close()
        for connection in list(self._server.server_state.connections):
            connection.shutdown()
        self._server.should_exit = True
        self._loop.call_later(1, self._cut)


def _answers(collector: str | None) -> bool:
    """Tell whether a collector takes connections; True without one."""
    if collector is None:
        return True
    place = urlsplit(collector)
    try:
        with socket.create_connection((place.hostname or "", place.port or 4317), 0.5):
            return True
    except (OSError, ValueError):
        return False
