"""Test which failed checks are not judged because of another one, and which stay failed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest
from ansible.module_utils.tgi.checks import grounds
from ansible.module_utils.tgi.checks.catalogue_direct import DIRECT
from ansible.module_utils.tgi.checks.catalogue_edge import EDGE
from ansible.module_utils.tgi.checks.endpoint import tls_certificate
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import Declared, Tier
from ansible.module_utils.tgi.checks.judges.http_answer import SEE_OTHERS
from ansible.module_utils.tgi.checks.results import Check, Report
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import Item

from tests.support.checks.reports import row
from tests.support.fakes.gateway import KEY, LIMIT, NAME, FakeGateway
from tests.support.fast_time import fast_time
from tests.support.in_memory_tgi import MODEL, InMemoryTgi
from tests.support.tls_pairs import LASTING

OTHER = replace(MODEL, name="other")
SPECS = {spec.id: spec for spec in (*EDGE, *DIRECT)}
TEMPLATE = "HTTP 422 Template error: template not found"
LOST = "HTTP 424 Request failed during generation"


def settled(*rows: Check) -> dict[str, tuple[str, str]]:
    """Return status and observation by name; a model's name decides which one a row is of."""
    models = {"": None, "small": MODEL, "other": OTHER}
    items = [Item(SPECS[one.id], models[one.model]) for one in rows]
    found = {item.key: one for item, one in zip(items, rows)}
    return {one.name: (one.status, one.observed) for one in grounds.settle(items, found)}


def bad(name: str, said: str, model: str = "small", status: str = "fail", **more: str) -> Check:
    return row(name, status, model, observed=said, **more)


@pytest.mark.parametrize(
    ("root", "other", "judged"),
    [
        (bad("chat.template", TEMPLATE), bad("chat.basic", TEMPLATE), False),
        (bad("chat.template", TEMPLATE), bad("chat.length", TEMPLATE, status="warn"), False),
        (bad("chat.template", TEMPLATE), bad("json.const", TEMPLATE), False),
        # It fails in another way
        (bad("chat.template", TEMPLATE), bad("chat.basic", "usage does not add up"), True),
        (bad("chat.template", TEMPLATE), bad("generate.basic", LOST), True),
        # The root failed in another way
        (bad("chat.template", "it drops the user's message"), bad("chat.basic", TEMPLATE), True),
        (bad("generate.basic", "a token's logprob is None"), bad("chat.basic", LOST), True),
        # The root did not fail, or broke
        (row("chat.template", model="small"), bad("chat.basic", TEMPLATE), True),
        (bad("chat.template", TEMPLATE, status="error"), bad("chat.basic", TEMPLATE), True),
        # Another model's template
        (bad("chat.template", TEMPLATE, "other"), bad("chat.basic", TEMPLATE), True),
        (bad("generate.basic", LOST), bad("smoke.ttft", f"no TTFT: {LOST}", status="warn"), False),
        # The check itself says that it has nothing to judge
        (bad("generate.basic", LOST), bad("metrics.delta", "nothing", remedy=SEE_OTHERS), False),
        # A request without a key must not reach the engine, broken or not
        (bad("generate.basic", LOST), bad("auth.missing", f"/generate: {LOST}", ""), True),
        (bad("auth.valid", "HTTP 401", ""), bad("chat.basic", "HTTP 401 no key"), False),
        (bad("auth.valid", "HTTP 401", ""), bad("model.list", "HTTP 401", ""), False),
        (bad("auth.valid", "HTTP 401", ""), bad("chat.basic", LOST), True),
        (bad("model.info", "HTTP 502"), bad("chat.basic", "HTTP 502"), False),
        (bad("model.info", "HTTP 502"), bad("health.status", "HTTP 502", ""), False),
        (bad("chat.basic", "HTTP 404"), bad("chat.stream", "HTTP 404"), False),
        (bad("model.info", "HTTP 502", "other"), bad("chat.basic", "HTTP 502"), True),
        (bad("health.after", "connection refused"), bad("chat.basic", LOST), False),
        (bad("health.after", "the engine restarted during the checks: it is gone"),
         bad("chat.basic", "connection closed without an answer"), False),
        # The process in the container asks no server
        (bad("health.status", "connection refused"), bad("gpu.access", "0 of 1"), True),
    ],
)  # fmt: skip
def test_a_consequence_is_not_judged(root: Check, other: Check, judged: bool) -> None:
    found = settled(root, other)
    assert found[root.name] == (root.status, root.observed)
    name = root.id if root.model in ("", other.model) else root.name
    lost = ("not_judged", f"consequence of {name}")
    assert found[other.name] == ((other.status, other.observed) if judged else lost)


def test_an_engine_that_generates_at_times_has_not_lost_its_ground() -> None:
    """Requests may fail where they meet in a batch: then no single check is the cause."""
    rows = (bad("generate.basic", LOST), bad("json.const", LOST))
    assert settled(*rows)["json.const small"][0] == "not_judged"
    assert settled(*rows, row("chat.basic", model="small"))["json.const small"][0] == "fail"
    assert settled(*rows, row("chat.basic", model="other"))["json.const small"][0] == "not_judged"


def test_a_chain_of_consequences_names_its_root() -> None:
    gone = "connection refused"
    found = settled(
        bad("health.status", gone), bad("generate.basic", gone), bad("chat.basic", gone)
    )
    assert [one[1] for one in found.values()] == [gone, *["consequence of health.status"] * 2]


def test_every_ground_has_roots_and_checks_that_stand_on_it() -> None:
    for name, ground in grounds.GROUNDS.items():
        assert {*ground.roots} <= {*SPECS}, name
        assert any(ground in grounds.grounds_of(spec) for spec in SPECS.values()), name
    assert all({*spec.grounds} <= {*grounds.GROUNDS} for spec in SPECS.values())


def run(options: Options, gateway: FakeGateway | httpx.MockTransport) -> Report:
    transport = gateway.transport() if isinstance(gateway, FakeGateway) else gateway
    with fast_time():
        report: Report = asyncio.run(check(replace(options, transport=transport)))
    assert len(report.checks) == len(report.planned) and not report.passed
    return report


def reds(report: Report) -> list[str]:
    return [one.name for one in report.of("fail", "error")]


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Options:
    async def verified(_: object) -> tls_certificate.Handshake:
        good = LASTING
        return tls_certificate.Handshake(good, "TLSv1.3")

    monkeypatch.setattr(tls_certificate, "handshake", verified)
    return Options(
        "edge", "gw1", [MODEL], f"https://{NAME}", api_key=KEY, tier=Tier(20, 10, 4),
        http_port=8080, declared=Declared(0, LIMIT, backends=("127.0.0.1:1",)),
    )  # fmt: skip


def test_a_refused_key_is_one_red_line(edge: Options) -> None:
    report = run(edge, FakeGateway("refuses-all"))
    assert reds(report) == ["auth.valid"]
    assert "auth.valid: HTTP 401" in report.message() and "checks_consumer" in report.message()
    assert {"chat.basic", "rate.enforced"} <= {one.id for one in report.of("not_judged")}
    # Whether wrong keys are refused does not depend on the right one
    assert {"auth.missing", "auth.bypass"} <= {one.id for one in report.of("pass")}


def test_a_certificate_that_is_not_accepted_is_one_red_line(
    edge: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def seen(_: object) -> tls_certificate.Handshake:
        return tls_certificate.Handshake({}, problem="the certificate has expired", code=10, sent=2)

    def refuse(request: httpx.Request) -> httpx.Response:
        if request.url.scheme == "http":
            return httpx.Response(308, headers={"location": f"https://{NAME}{request.url.path}"})
        raise httpx.ConnectError("certificate verify failed: certificate has expired")

    monkeypatch.setattr(tls_certificate, "handshake", seen)
    report = run(edge, httpx.MockTransport(refuse))
    assert [one for one in reds(report) if one != "http.redirect"] == ["tls.verify"]
    assert {"tls.expiry", "auth.missing"} <= {one.id for one in report.of("not_judged")}
    # These ask other ports
    ran = {one.id for one in report.checks if one.attempts}
    assert {"http.redirect", "auth.backend"} <= ran


def test_a_model_without_a_backend_is_one_red_line(edge: Options) -> None:
    class HalfDead(FakeGateway):
        async def route(self, request: httpx.Request) -> httpx.Response:
            if b'"other"' in request.content or "/models/other/" in str(request.url):
                return httpx.Response(502, json={"error": {"message": "no engine"}})
            return await super().route(request)

        async def gate(self, request: httpx.Request) -> httpx.Response:
            if "/models/other/" in str(request.url):
                return await self.route(request)
            return await super().gate(request)

    options = replace(edge, models=[MODEL, OTHER], select=["identity", "chat", "generate"])
    report = run(options, HalfDead("no-limit"))
    # The gateway in memory publishes one model only
    assert reds(report) == ["model.list", "model.info other"]
    lost = {one.name for one in report.of("not_judged")}
    assert "chat.basic other" in lost and not any(name.endswith("small") for name in lost)


def test_what_needs_a_lost_ground_is_not_even_asked() -> None:
    class Counting(InMemoryTgi):
        asked = 0

        async def handle(self, request: httpx.Request) -> httpx.Response:
            self.asked += 1
            return await super().handle(request)

    counts = []
    for fault in ("", "no-generate", "hang=all"):
        tgi = Counting(*filter(None, [fault]))
        with fast_time():
            report = asyncio.run(check(Options("direct", "x", [MODEL], transport=tgi.transport())))
        counts.append(tgi.asked)
        assert report.summary()["executed"] == sum(one.attempts > 0 for one in report.checks)
    assert counts[2] < counts[1] < counts[0]


def test_the_missing_ref_of_an_offline_cache_is_the_remedy() -> None:
    class WithoutRef(InMemoryTgi):
        async def handle(self, request: httpx.Request) -> httpx.Response:
            answer = await super().handle(request)
            if request.url.path == "/info":
                raw = (await answer.aread()).replace(f'"{MODEL.revision}"'.encode(), b"null")
                return httpx.Response(200, content=raw)
            return answer

    options = Options("direct", "x", [MODEL], select=["chat"])
    for tgi, remedy in (
        (InMemoryTgi("no-chat-template"), "The model has no chat template"),
        (WithoutRef("no-chat-template"),
         f"printf %s {MODEL.revision} > tgi_data_dir/models--acme--small/refs/{MODEL.revision}"),
    ):  # fmt: skip
        with fast_time():
            report = asyncio.run(check(replace(options, transport=tgi.transport())))
        assert [one.id for one in report.of("fail")] == ["chat.template"]
        assert remedy in report.message()
