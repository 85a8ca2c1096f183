"""The matrix: every fault that the emulator can show turns exactly the checks of one table red."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from ansible.module_utils.tgi.checks import tls
from ansible.module_utils.tgi.checks.host import Declared, Tier
from ansible.module_utils.tgi.checks.plan import Model
from ansible.module_utils.tgi.checks.report import Report
from ansible.module_utils.tgi.checks.run import Options, check
from check_fake_gateway import KEY, NAME, FakeGateway
from check_fakes import FakeTgi

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "emulator"))

from emulator_testing import MODEL, Running, running
from tgi_emulator.faults import SERVE_FAULTS

MATRIX = yaml.safe_load(Path(__file__).with_name("check_matrix.yml").read_text())
HOUSE = Model("small", MODEL, aliases=("tiny",))
TOKEN = "hf_a-token-that-nobody-must-see"
#: They end the process; tests of their own show what is said then (test_check_emulator, test_red).
ENDING = {"shard-crash", "restart"}


@pytest.fixture(scope="module")
def tgi() -> Iterator[Running]:
    # Unpaced, all tokens come within a millisecond
    with running(env={"TGI_EMULATOR_TOKEN_SECONDS": "0.003", "HF_TOKEN": TOKEN}) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def pinned(tgi: Running) -> Model:
    model = replace(HOUSE, url=tgi.url)
    seen = next(one for one in direct(model).checks if one.id == "model.tokenizer")
    return replace(model, tokenizer=seen.observed.partition("tokenizer: ")[2].rstrip(")"))


def direct(model: Model) -> Report:
    options = Options("direct", "x", [model], timeout=3.0, slo=(250.0, 80.0))
    report: Report = asyncio.run(check(options))
    assert len(report.checks) == len(report.planned)
    return report


def ids(report: Report, *states: str) -> set[str]:
    return {one.id for one in report.of(*states)}


def test_every_fault_has_its_row() -> None:
    assert {name.partition("=")[0] for name in MATRIX} | ENDING == set(SERVE_FAULTS)
    for name, row in MATRIX.items():
        assert row["red"] or row.get("warn") or row.get("edge") or row.get("why"), name


def test_twenty_healthy_runs_in_a_row_turn_nothing_red_or_yellow(pinned: Model) -> None:
    for _ in range(20):
        assert ids(direct(pinned), "fail", "error", "warn") == set()


@pytest.mark.parametrize("fault", MATRIX)
def test_a_fault_turns_its_checks_red(tgi: Running, pinned: Model, fault: str) -> None:
    tgi.fault("set", fault)
    try:
        report = direct(pinned)
    finally:
        tgi.fault("clear")
    assert ids(report, "fail", "error") == set(MATRIX[fault]["red"])
    assert ids(report, "warn") == set(MATRIX[fault].get("warn", []))


class Behind(FakeTgi):
    """The engine is the emulator's process; what is streamed is passed on as it comes."""

    url = ""

    async def handle(self, request: httpx.Request) -> httpx.Response:
        target = self.url + request.url.raw_path.decode()
        passed = httpx.Request(request.method, target, content=request.content)
        passed.headers["Content-Type"] = "application/json"
        return await httpx.AsyncHTTPTransport().handle_async_request(passed)


class Before(FakeGateway, Behind):
    """The gateway in memory before it."""

    async def route(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/chat/completions" and request.content:
            body: dict[str, Any] = json.loads(request.content)
            if body.get("model") in ("small", "tiny"):
                return await Behind.handle(self, request)
        return await super().route(request)


@pytest.mark.parametrize("fault", ["", "leak-key", "merged-events=8"])
def test_what_only_clients_can_see(
    tgi: Running, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def verified(_: Any) -> tls.Handshake:
        return tls.Handshake({"notAfter": "Jan  1 00:00:00 2099 GMT"}, "TLSv1.3")

    monkeypatch.setattr(tls, "handshake", verified)
    gateway = Before()
    gateway.url = tgi.url
    options = Options(
        "edge", "gw1", [HOUSE], f"https://{NAME}", api_key=KEY, tier=Tier(20, 10, 4),
        http_port=8080, declared=Declared(secrets=(TOKEN,)), transport=gateway.transport(),
        select=["auth.leak", "stream.unbuffered", "model.info", "chat.stream"],
    )  # fmt: skip
    if fault:
        tgi.fault("set", fault)
    try:
        report = asyncio.run(check(options))
    finally:
        tgi.fault("clear")
    expected = MATRIX[fault.partition("=")[0]]["edge"] if fault else None
    assert ids(report, "fail", "error") == ({expected} if expected else set()), report.message()


def test_an_open_path_of_an_engine_with_a_key_of_its_own_is_named() -> None:
    with running("--api-key", KEY) as guarded:
        for fault, there in (("", False), ("open-path=/generate", True)):
            if fault:
                guarded.fault("set", fault)
            options = Options(
                "edge", "x", [HOUSE], guarded.url, api_key=KEY, http_port=0,
                select=[MATRIX["open-path"]["edge"]],
            )  # fmt: skip
            (found,) = [one for one in asyncio.run(check(options)).checks if one.id != "selftest"]
            told = f"{found.observed}; {found.evidence}"
            assert ("/generate without a key: HTTP 200" in told) is there, told
