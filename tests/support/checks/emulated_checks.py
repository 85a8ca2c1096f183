"""Run both views against the emulator in memory, with the one table of faults."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, Union

import httpx
import yaml
from ansible.module_utils.tgi.checks.catalogue_edge import EDGE
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import Declared
from ansible.module_utils.tgi.checks.results import Report
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import Model

from tests.support.emulator_process import MODEL
from tests.support.fakes.gateway import HSTS, KEY, LIMIT, NAME, FakeGateway
from tests.support.in_memory_tgi import InMemoryTgi

MATRIX: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("check_matrix.yml").read_text()
)
HOUSE = Model("small", MODEL, aliases=("tiny",), url="http://127.0.0.1:8081")
TOKEN = "hf_a-token-never-to-be-shown"
#: For a process: without this pace all tokens arrive within a millisecond.
ENVIRONMENT = {"TGI_EMULATOR_TOKEN_SECONDS": "0.003", "HF_TOKEN": TOKEN}
#: Seconds for a request; 48 tokens of 0.1 s each exceed it.
TIMEOUT = 3.0
#: A fault that a gateway in front of the engine would hide.
OPEN_PATH = "open-path"
#: The gateway in memory has no handshake; rate.* have tests of their own.
NO_SOCKET = {spec.id: "no socket" for spec in EDGE if spec.id.startswith("tls.")}


def ids(report: Report, *states: str) -> set[str]:
    return {one.id for one in report.of(*states)}


class RunningTgi:
    """Run against the emulator's own process at a URL, for faults that end the process."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def handle(self, request: httpx.Request) -> httpx.Response:
        target = self.url + request.url.raw_path.decode()
        passed = httpx.Request(request.method, target, content=request.content)
        passed.headers["Content-Type"] = "application/json"
        try:
            return await httpx.AsyncHTTPTransport(verify=False).handle_async_request(passed)
        except httpx.TransportError:
            return httpx.Response(502, json={"error": {"message": "no engine"}})

    def transport(self) -> None:
        """Send the request over a real socket."""


Tgi = Union[InMemoryTgi, RunningTgi]


def direct(tgi: Tgi, model: Model, *select: str) -> Report:
    """Return the direct view of an engine, with limits for TTFT and TPOT."""
    options = Options(
        "direct", "x", [model], timeout=TIMEOUT, slo=(250.0, 80.0), select=select,
        transport=tgi.transport(),
    )  # fmt: skip
    report: Report = asyncio.run(check(options))
    assert len(report.checks) == len(report.planned)
    return report


def edge(tgi: Tgi, compared: bool = True, house: Model = HOUSE) -> Report:
    """Return the edge view of an engine, ``compared`` with the direct view's figures."""
    figures = {}
    if compared:
        figures = direct(tgi, house, "chat.stream").figures.get("small", {})
    gateway = FakeGateway("no-limit", tgi=tgi)
    options = Options(
        "edge", "gw1", [replace(house, figures=figures)], f"https://{NAME}", api_key=KEY,
        http_port=8080, timeout=TIMEOUT, without=NO_SOCKET, transport=gateway.transport(),
        declared=Declared(HSTS, LIMIT, backends=("127.0.0.1:1",), secrets=(TOKEN,)),
    )  # fmt: skip
    report: Report = asyncio.run(check(options))
    assert len(report.checks) == len(report.planned)
    return report
