"""Run the emulator as a process of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.roots import ROOT

HERE = ROOT / "tests" / "emulator"
MODEL = "acme/house-7b"
PRINTED = "printed.log"


@dataclass
class Running:
    """An emulator process that listens."""

    url: str
    process: subprocess.Popen[str]
    folder: Path
    environment: dict[str, str]
    output: list[str] = field(default_factory=list)

    def fault(self, *words: str) -> str:
        """Run `tgi-emulator fault …` beside it; return what it prints."""
        command = [sys.executable, "-m", "tgi_emulator.cli", "fault", *words]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    @contextlib.contextmanager
    def broken(self, fault: str) -> Iterator[None]:
        """Have a fault for a block, or none for ""; set from here, without a process of its own."""
        from tgi_emulator.faults.faults import Faults, parse_fault, state_file

        faults = Faults(self.folder / state_file().name)
        faults.write(dict([parse_fault(fault)] if fault else []))
        try:
            yield
        finally:
            faults.write({})

    def wait(self, timeout: float = 10) -> int:
        """Return the exit code; `output` then holds what it printed."""
        code = self.process.wait(timeout)
        self.output.append((self.folder / PRINTED).read_text())
        return code


def environment(folder: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Return the process's environment, without a developer's own settings for TGI."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(HERE),
        "HF_HOME": str(folder / "data"),
        "TGI_EMULATOR_TEXT": "scripted",
        "TGI_EMULATOR_STATE_DIR": str(folder),
        "TGI_EMULATOR_PHASE_SECONDS": "download=0,load=0,warmup=0,stop=0",
        "NO_COLOR": "1",
        "LOG_COLORIZE": "1",
        **given,
    }


@contextlib.contextmanager
def running(*argv: str, env: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Start it, wait until it listens, and clean up; raise RuntimeError with its output if it
    ends.
    """
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


def _until_listening(process: subprocess.Popen[str], port: int, printed: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"emulator did not listen: {printed.read_text()}")
        time.sleep(0.02)
