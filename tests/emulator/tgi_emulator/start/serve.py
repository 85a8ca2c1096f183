"""Bind only now, serve, and end as TGI ends: drain on SIGTERM, exit 1 when a shard dies."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Iterator

import uvicorn

from ..api.app import create_app
from ..api.backend import Backend
from ..api.metrics import Metrics
from ..server.http1 import Http1
from ..source.text import TextSource
from . import failures
from .limits import Limits
from .phases import Start
from .rules import LauncherError
from .stopping import Stopping

_SOURCE = "router/src/server.rs"


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: it would re-raise SIGTERM at the end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(start: Start, source: TextSource, limits: Limits, template: bool = True) -> int:
    """Runs until stopped; returns 0, or raises LauncherError or RestartError."""
    backend = Backend(
        start.args, limits, start.log, start.faults, source, Metrics(limits), pace=start.pace,
        template=template,
    )  # fmt: skip
    listener = _bind(start)
    return asyncio.run(_serve(start, backend, listener))


def _bind(start: Start) -> socket.socket:
    args, log = start.args, start.log
    host, port = args.text("hostname") or "", args.count("port")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        log.router("WARN", "Invalid hostname, defaulting to 0.0.0.0", _SOURCE, 1889)
        address = ipaddress.ip_address("0.0.0.0")
    _check_prometheus_port(start, str(address))
    log.router("INFO", "Connected", _SOURCE, 2319)
    if args.on("ngrok"):
        raise _panic(start, "ngrok feature is not functional with axum=0.7 and hyper=1")
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's delay of 40 ms off
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        if start.faults.get("port-taken") is not None:
            raise OSError(98, "Address already in use")
        listener.bind((str(address), port))
        listener.listen(1024)
    except OSError as error:
        why = f"{error.strerror} (os error {error.errno})"
        log.router("ERROR", f"Failed to bind to {address}:{port}: {why}", _SOURCE, 2347)
        debug = f'WebServer(Axum(Os {{ code: {error.errno}, message: "{error.strerror}" }}))'
        raise failures.fail_router(log, debug) from None
    return listener


def _check_prometheus_port(start: Start, address: str) -> None:
    """TGI binds the port and drops the listener: it only has to be free for a moment."""
    port = start.args.count("prometheus_port")
    try:
        with socket.create_server((address, port)):
            pass
    except OSError as error:
        why = f'FailedToCreateHTTPListener("{error.strerror} (os error {error.errno})")'
        raise _panic(start, f"failed to build prometheus recorder: {why}") from None


def _panic(start: Start, message: str) -> LauncherError:
    """A panic of the router, which the launcher sees as a crash."""
    start.log.plain(f"thread 'main' panicked at router/src/server.rs:\n{message}")
    start.log.launcher("ERROR", "Webserver Crashed")
    start.log.launcher("INFO", "Shutting down shards")
    return LauncherError("WebserverFailed")


async def _serve(start: Start, backend: Backend, listener: socket.socket) -> int:
    config = uvicorn.Config(
        create_app(backend), lifespan="off", log_config=None, access_log=False,
        proxy_headers=False, http=Http1, ws="none",
    )  # fmt: skip
    server = _Server(config)
    stopping = Stopping(start, backend, server)
    await server.serve(sockets=[listener])
    return await stopping.finish()
