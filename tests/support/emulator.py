"""Run the emulator as an application in this process, or as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tgi_emulator import launcher
from tgi_emulator.api.app import create_app
from tgi_emulator.api.backend import Backend
from tgi_emulator.api.metrics import Metrics
from tgi_emulator.faults.faults import Faults
from tgi_emulator.source.text_scripted import ScriptedText
from tgi_emulator.start.args import parse
from tgi_emulator.start.limits import find_limits
from tgi_emulator.start.logs import Log

from tests.support.emulator_process import (
    HERE,
    MODEL,
    environment,
)

FACTS = HERE / "facts"
"""What was read from TGI's source; tests/emulator/README.md names the version."""


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
    """Return the data of each server-sent event; JSON is decoded, [DONE] stays a string."""
    found = [part.removeprefix("data: ") for part in text.split("\n\n") if part]
    return [part if part == "[DONE]" else json.loads(part) for part in found]


def own_process(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Path]:
    """For a fixture: give the launcher in this process its own environment and signals."""
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
    """Run the launcher in this process; return its exit code."""
    return launcher.main(["--model-id", MODEL, "--prometheus-port", "0", *argv])
