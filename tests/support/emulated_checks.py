"""The one table of faults, and the emulator's process with the gateway in memory before it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import yaml
from ansible.module_utils.tgi.checks.catalogue_edge import EDGE
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import Declared
from ansible.module_utils.tgi.checks.results import Report
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import Model

from tests.support.emulator import MODEL
from tests.support.fakes.gateway import HSTS, KEY, LIMIT, NAME, FakeGateway
from tests.support.fakes.tgi import FakeTgi

MATRIX: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("check_matrix.yml").read_text()
)
HOUSE = Model("small", MODEL, aliases=("tiny",))
TOKEN = "hf_a-token-that-nobody-must-see"
#: Unpaced, all tokens come within a millisecond
ENVIRONMENT = {"TGI_EMULATOR_TOKEN_SECONDS": "0.003", "HF_TOKEN": TOKEN}
#: A request's seconds, which 48 tokens exceed when each takes 0.1.
TIMEOUT = 3.0
#: The gateway in memory has no handshake; rate.* have tests of their own.
NO_SOCKET = {spec.id: "no socket" for spec in EDGE if spec.id.startswith("tls.")}


def ids(report: Report, *states: str) -> set[str]:
    return {one.id for one in report.of(*states)}


def direct(model: Model, *select: str) -> Report:
    options = Options("direct", "x", [model], timeout=TIMEOUT, slo=(250.0, 80.0), select=select)
    report: Report = asyncio.run(check(options))
    assert len(report.checks) == len(report.planned)
    return report


class Behind(FakeTgi):
    """The engine is the emulator's process; what is streamed is passed on as it comes."""

    url = ""

    async def handle(self, request: httpx.Request) -> httpx.Response:
        target = self.url + request.url.raw_path.decode()
        passed = httpx.Request(request.method, target, content=request.content)
        passed.headers["Content-Type"] = "application/json"
        try:
            # Reading the CAs for each would cost the events their pace
            return await httpx.AsyncHTTPTransport(verify=False).handle_async_request(passed)
        except httpx.TransportError:
            return httpx.Response(502, json={"error": {"message": "no engine"}})


class Before(FakeGateway, Behind):
    """The gateway in memory before it. The engine itself says what it thinks of a bad body."""

    def __init__(self, url: str) -> None:
        super().__init__("no-limit")
        self.url = url

    async def gate(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and request.url.path == "/health":
            well = await Behind.handle(self, request)
            return httpx.Response(well.status_code)
        return await super().gate(request)

    async def route(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/chat/completions" and request.content:
            body: dict[str, Any] = json.loads(request.content)
            if body.get("model") in ("small", "tiny"):
                return await Behind.handle(self, request)
        return await super().route(request)


def edge(url: str, compared: bool = True, house: Model = HOUSE) -> Report:
    """The edge view of the emulator at that URL, ``compared`` with the direct view's figures."""
    figures = {}
    if compared:
        figures = direct(replace(house, url=url), "chat.stream").figures.get("small", {})
    options = Options(
        "edge", "gw1", [replace(house, figures=figures)], f"https://{NAME}", api_key=KEY,
        http_port=8080, timeout=TIMEOUT, without=NO_SOCKET, transport=Before(url).transport(),
        declared=Declared(HSTS, LIMIT, backends=("127.0.0.1:1",), secrets=(TOKEN,)),
    )  # fmt: skip
    report: Report = asyncio.run(check(options))
    assert len(report.checks) == len(report.planned)
    return report
