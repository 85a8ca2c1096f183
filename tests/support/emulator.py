"""For tests: the emulator as an application in this process, or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tgi_emulator import launcher
from tgi_emulator.app import create_app
from tgi_emulator.args import parse
from tgi_emulator.backend import Backend
from tgi_emulator.faults import Faults, parse_fault, state_file
from tgi_emulator.limits import find_limits
from tgi_emulator.logs import Log
from tgi_emulator.metrics import Metrics
from tgi_emulator.text_scripted import ScriptedText

from tests.support.roots import ROOT

HERE = ROOT / "tests" / "emulator"
FACTS = HERE / "facts"
"""What was read from TGI's source; tests/emulator/README.md names the version."""

MODEL = "acme/house-7b"
PRINTED = "printed.log"


class App:
    """The HTTP API without a socket; text is scripted."""

    def __init__(self, folder: Path, *argv: str) -> None:
        args = parse(["--model-id", MODEL, *argv], {})
        source = ScriptedText()
        limits = find_limits(args, source.max_context)
        self.faults = Faults(folder / "faults.json")
        log = Log(level="error")
        self.backend = Backend(args, limits, log, self.faults, source, Metrics(limits))
        self.app = create_app(self.backend)

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://tgi") as client:
                return await client.request(method, path, **given)

        return asyncio.run(send())

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.request("GET", path, **given)

    def post(self, path: str, body: Any, **given: Any) -> httpx.Response:
        return self.request("POST", path, json=body, **given)


def events(text: str) -> list[Any]:
    """Data of each server-sent event; JSON is decoded, [DONE] stays a string."""
    found = [part.removeprefix("data: ") for part in text.split("\n\n") if part]
    return [part if part == "[DONE]" else json.loads(part) for part in found]


@dataclass
class Running:
    """An emulator process that listens."""

    url: str
    process: subprocess.Popen[str]
    folder: Path
    environment: dict[str, str]
    output: list[str] = field(default_factory=list)

    def fault(self, *words: str) -> str:
        """`tgi-emulator fault …` beside it; returns what it prints."""
        command = [sys.executable, "-m", "tgi_emulator.cli", "fault", *words]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    @contextlib.contextmanager
    def broken(self, fault: str) -> Iterator[None]:
        """With a fault, or with none for ""; set from here, which takes no process of its own."""
        faults = Faults(self.folder / state_file().name)
        faults.write(dict([parse_fault(fault)] if fault else []))
        try:
            yield
        finally:
            faults.write({})

    def wait(self, timeout: float = 10) -> int:
        """Exit code; what it printed is in `output`."""
        code = self.process.wait(timeout)
        self.output.append((self.folder / PRINTED).read_text())
        return code


def environment(folder: Path, given: Mapping[str, str]) -> dict[str, str]:
    """What the process sees: nothing that a developer's shell sets for TGI."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(HERE),
        "HF_HOME": str(folder / "data"),
        "TGI_EMULATOR_TEXT": "scripted",
        "TGI_EMULATOR_STATE_DIR": str(folder),
        "TGI_EMULATOR_PHASE_SECONDS": "download=0,load=0,warmup=0",
        "NO_COLOR": "1",
        "LOG_COLORIZE": "1",
        **given,
    }


@contextlib.contextmanager
def running(*argv: str, env: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Start, wait until it listens, and clean up; RuntimeError with its output if it ends."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        variables = environment(folder, env or {})
        command = [
            sys.executable, "-m", "tgi_emulator.launcher", "--model-id", MODEL,
            "--hostname", "127.0.0.1", "--port", str(port), "--prometheus-port", "0", *argv,
        ]  # fmt: skip
        # Not a pipe: unread, it would block after enough requests
        with (folder / PRINTED).open("w") as printed:
            process = subprocess.Popen(
                command, cwd=folder, env=variables, text=True, stdout=printed, stderr=printed
            )
        try:
            _until_listening(process, port, folder / PRINTED)
            yield Running(f"http://127.0.0.1:{port}", process, folder, variables)
        finally:
            process.kill()
            process.wait()


def own_process(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Path]:
    """For a fixture: the launcher in this process, with its own environment and signals."""
    wanted = environment(folder, {})
    for name in list(os.environ):
        patch.delenv(name)
    for name, value in wanted.items():
        patch.setenv(name, value)
    patch.chdir(folder)
    kept = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield folder
    for one, handler in kept.items():
        signal.signal(one, handler)


def launch(*argv: str) -> int:
    """The launcher in this process; returns its exit code."""
    return launcher.main(["--model-id", MODEL, "--prometheus-port", "0", *argv])


def _until_listening(process: subprocess.Popen[str], port: int, printed: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"emulator did not listen: {printed.read_text()}")
        time.sleep(0.02)
