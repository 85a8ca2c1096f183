"""Test that every fault turns exactly the expected checks red, and a healthy service none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from ansible.module_utils.tgi.checks.endpoint import tls_certificate
from ansible.module_utils.tgi.checks.endpoint.auth import secrets_of
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import Declared, Tier
from ansible.module_utils.tgi.checks.run import Options, catalogue, check

from tests.support.fakes.gateway import HSTS, KEY, LIMIT, NAME, PAGE, FakeGateway
from tests.support.fakes.spoilt_tgi import SpoiltTgi
from tests.support.fast_time import FastLoop, fast_time
from tests.support.in_memory_tgi import MODEL, InMemoryTgi
from tests.support.tls_pairs import LASTING

DIRECT = Options("direct", "gpu1", [MODEL])
with fast_time():
    #: Figures of the direct view.
    FIGURES = asyncio.run(
        check(replace(DIRECT, select=["chat.stream"], transport=InMemoryTgi().transport()))
    ).figures["small"]
#: Nothing listens on port 1.
EDGE = Options(
    "edge", "gw1", [replace(MODEL, figures=FIGURES)], f"https://{NAME}", api_key=KEY,
    tier=Tier(20, 10, 4), http_port=8080,
    declared=Declared(HSTS, LIMIT, backends=("127.0.0.1:1",), cors_origins=(PAGE,)),
)  # fmt: skip
GOOD = LASTING
STREAMS = {"chat.stream", "completions.stream"}


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    with fast_time():
        yield


@pytest.fixture(autouse=True)
def certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fake the handshake, which has tests of its own with a real server."""

    async def verified(_: Any) -> tls_certificate.Handshake:
        return tls_certificate.Handshake(GOOD, "TLSv1.3")

    monkeypatch.setattr(tls_certificate, "handshake", verified)


def red(options: Options, fake: SpoiltTgi | FakeGateway, *states: str) -> set[str]:
    report = asyncio.run(check(replace(options, transport=fake.transport())))
    assert len(report.checks) == len(report.planned)
    return {one.id for one in report.of(*(states or ("fail", "error")))}


#: Faults that the emulator lacks; check_matrix.yml has all others.
DIRECT_FAULTS = {
    "": set(),
    "wrong-revision": {"model.info"},
    "other-limits": {"model.info", "ctx.declared"},
    "other-engine": {"engine.detected"},
    "late-text": STREAMS,
    "no-done": STREAMS | {"tools.stream"},
    "nonsense": {"chat.canary"},
    "dies": {"health.after"},
}


@pytest.mark.parametrize("fault", DIRECT_FAULTS)
def test_direct(fault: str) -> None:
    assert red(DIRECT, SpoiltTgi(fault)) == DIRECT_FAULTS[fault]


def test_a_healthy_engine_turns_nothing_yellow() -> None:
    assert red(DIRECT, SpoiltTgi(), "warn") == set()


def test_an_engine_that_never_says_done_is_not_held_to_it() -> None:
    other = replace(MODEL, engine="openai")
    options = replace(DIRECT, models=[other], select=["chat.stream"])
    assert red(options, SpoiltTgi("no-done")) == set()
    assert red(options, SpoiltTgi("no-finish")) == {"chat.stream"}


#: Faults of the gateway itself; check_matrix.yml has the engine's faults behind a gateway.
EDGE_FAULTS = {
    "": set(),
    "open-path": {"auth.missing"},
    "wrong-key": {"auth.wrong"},
    "open-metrics": {"metrics.private"},
    "open-docs": {"docs.private"},
    "open-info": {"docs.private"},
    "reaches-control": {"control.private"},
    "guards-as-written": {"auth.bypass"},
    "trusts-header": {"auth.bypass"},
    "leaks": {"auth.leak"},
    "small-body": {"body.size"},
    "any-size": {"body.size"},
    "no-page": {"cors.origins"},
    "page-without-errors": {"cors.origins"},
    "any-page": {"cors.origins"},
    "engine-allows": {"cors.origins"},
    "merges": {"stream.unbuffered"},
    "holds-gzip": {"stream.gzip"},
    "loses-events": {"stream.same", "tools.stream"},
    "no-list": {"model.list"},
    "no-alias": {"model.list"},
    "any-model": {"model.unknown"},
    "no-redirect": {"http.redirect"},
    "no-limit": {"rate.enforced"},
    "limit-503": {"rate.enforced"},
    "no-retry-after": {"rate.enforced"},
}


@pytest.mark.parametrize("fault", EDGE_FAULTS)
def test_edge(fault: str) -> None:
    assert red(EDGE, FakeGateway(fault)) == EDGE_FAULTS[fault]


WARNINGS = {
    "": set(),
    "no-header": {"auth.header"},
    "no-hsts": {"hsts"},
    "short-hsts": {"hsts"},
    "tells-version": {"server.tokens"},
    "limited-health": {"rate.scope"},
    "open-bodies": {"body.open"},
    "cached": {"stream.header"},
    "slow": {"stream.latency"},
}


@pytest.mark.parametrize("fault", WARNINGS)
def test_minor_faults_warn(fault: str) -> None:
    assert red(EDGE, FakeGateway(fault)) == set()
    assert red(EDGE, FakeGateway(fault), "warn") == WARNINGS[fault]


HANDSHAKES: dict[str, tuple[tls_certificate.Handshake, set[str]]] = {
    "old protocols": (
        tls_certificate.Handshake(GOOD, "TLSv1.2", old=("TLS 1.0",)),
        {"tls.protocol"},
    ),
    "another name": (tls_certificate.Handshake(GOOD, "TLSv1.2", other_name=True), {"tls.hostname"}),
    "no intermediate": (
        tls_certificate.Handshake({}, problem="the issuer is unknown here", code=20, sent=1),
        {"tls.chain"},
    ),
    "another CA": (
        tls_certificate.Handshake({}, problem="the issuer is unknown here", code=20, sent=2),
        {"tls.verify"},
    ),
}


@pytest.mark.parametrize("fault", HANDSHAKES)
def test_handshakes(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def seen(_: Any) -> tls_certificate.Handshake:
        return HANDSHAKES[fault][0]

    monkeypatch.setattr(tls_certificate, "handshake", seen)
    assert red(EDGE, FakeGateway()) == HANDSHAKES[fault][1]


def test_without_a_guard_every_check_of_it_fails() -> None:
    failed = red(EDGE, FakeGateway("no-guard"))
    assert failed == {
        "auth.missing", "auth.wrong", "auth.bypass", "docs.private", "metrics.private",
    }  # fmt: skip
    assert not red(EDGE, FakeGateway("no-guard"), "error")


def test_a_guard_that_refuses_every_request_is_no_pass() -> None:
    failed = red(EDGE, FakeGateway("refuses-all"))
    assert "auth.valid" in failed
    assert not failed & {"auth.missing", "auth.wrong", "tls.verify"}


@pytest.mark.parametrize(
    ("fault", "failures", "failed", "warned"),
    [
        ("", 3, set(), {"auth.wrong"}),
        ("", 20, set(), set()),
        ("", 0, {"auth.missing"}, {"auth.wrong", "auth.header"}),
        ("open-path", 3, {"auth.missing"}, {"auth.wrong"}),
        ("wrong-key", 3, {"auth.wrong"}, set()),
    ],
)
def test_a_strict_limit_on_failures_refuses_too(
    fault: str, failures: int, failed: set[str], warned: set[str]
) -> None:
    assert red(EDGE, FakeGateway(fault, failures=failures)) == failed
    assert red(EDGE, FakeGateway(fault, failures=failures), "warn") == warned


def test_a_limit_that_answers_for_the_guard_is_named() -> None:
    fake = FakeGateway(failures=0)
    report = asyncio.run(check(replace(EDGE, transport=fake.transport())))
    assert "auth.missing: /v1/chat/completions without a key: HTTP 429" in report.message()
    assert "raise gateway_bad_auth" in report.message()


def test_the_real_key_is_in_no_query() -> None:
    fake = FakeGateway()
    red(EDGE, fake)
    asked = [str(one.url) for one in fake.requests]
    assert any("api_key=" in url for url in asked)
    assert not any(shape in url for url in asked for shape in secrets_of(KEY))


def test_a_gateway_that_any_query_opens_is_seen() -> None:
    class Careless(FakeGateway):
        def let_in(self, request: httpx.Request, raw: str) -> bool:
            return "api_key=" in raw or super().let_in(request, raw)

    report = asyncio.run(check(replace(EDGE, select=["auth"], transport=Careless().transport())))
    (found,) = report.of("fail", "error")
    assert found.observed == "a query with a made-up key gets HTTP 200"
    assert "made-up key in the query" in found.expected


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("no-generate", "generate.basic"),
        ("wrong-model", "model.info"),
        ("no-chat-template", "chat.template"),
        ("stream-cut", "generate.stream"),
        ("refused", "health.status"),
    ],
)
def test_the_message_names_the_cause_first(fault: str, cause: str) -> None:
    report = asyncio.run(check(replace(DIRECT, transport=SpoiltTgi(fault).transport())))
    assert f" (direct): {cause} small: " in report.message()


def test_nothing_there_fails_everything_that_asks() -> None:
    assert red(DIRECT, SpoiltTgi("refused")) == {"health.status"}
    lost = red(DIRECT, SpoiltTgi("refused"), "not_judged")
    assert lost == {spec.id for spec in catalogue(DIRECT) if not spec.opt_in} - {
        "selftest", "health.status", "gpu.access", "generate.degenerate",
    }  # fmt: skip


def test_a_server_that_hangs_ends_in_time() -> None:
    timeout, started = 0.1, FastLoop.now
    failed = red(replace(DIRECT, timeout=timeout), SpoiltTgi("hang=all"))
    assert failed == {"health.status"}
    # Only the first stage waits for its time-outs
    assert FastLoop.now - started < 12 * timeout


def test_the_deadline_ends_what_is_left_as_error() -> None:
    broken = red(replace(DIRECT, deadline=0.2), SpoiltTgi("hang=all"), "error")
    assert {"health.status", "health.after", "generate.basic"} <= broken


def test_the_checks_stay_under_the_limit_until_they_test_it() -> None:
    fake = FakeGateway(rate=10.0, burst=2)
    assert red(replace(EDGE, tier=Tier(10, 2, 2)), fake) == set()


def test_a_second_run_right_after_the_first_passes_too() -> None:
    fake = FakeGateway(rate=20.0, burst=10)
    assert [red(EDGE, fake) for _ in range(3)] == [set()] * 3


def test_a_limit_stricter_than_declared_is_seen() -> None:
    assert "rate.enforced" in red(EDGE, FakeGateway(rate=20.0, burst=1))


def test_a_gateway_that_wants_a_certificate_says_so_in_the_remedy() -> None:
    def reply(_: httpx.Request) -> httpx.Response:
        return httpx.Response(400, text="<html>400 No required SSL certificate was sent</html>")

    report = asyncio.run(check(replace(EDGE, transport=httpx.MockTransport(reply))))
    assert "checks_client_certificate" in report.message()


def test_a_remedy_fits_the_finding() -> None:
    report = asyncio.run(check(replace(EDGE, transport=FakeGateway("open-path").transport())))
    assert "close it in the gateway" in report.message()


def test_a_limit_other_than_declared_is_seen() -> None:
    assert red(EDGE, FakeGateway(rate=20.0, burst=40)) == {"rate.enforced"}


@pytest.mark.parametrize("port", ["", ":8443"])
def test_a_redirect_to_an_address_of_ipv6_is_understood(port: str) -> None:
    origin = f"https://[2001:db8::1]{port}"

    def reply(request: httpx.Request) -> httpx.Response:
        assert request.url.scheme == "http" and request.url.port == 8080
        place = origin + request.url.raw_path.decode()
        return httpx.Response(308, headers={"location": place})

    options = replace(EDGE, url=origin, select=["http.redirect"])
    report = asyncio.run(check(replace(options, transport=httpx.MockTransport(reply))))
    assert report.passed, report.message()


def test_the_real_key_goes_to_https_only() -> None:
    fake = FakeGateway()
    red(EDGE, fake)
    plain = [one for one in fake.requests if one.url.scheme == "http"]
    assert plain and not any("authorization" in one.headers for one in plain)


def test_a_host_without_a_plain_port_or_limits_plans_less() -> None:
    options = replace(EDGE, http_port=0, tier=Tier(), public_health=False)
    report = asyncio.run(check(replace(options, transport=FakeGateway().transport())))
    ids = {one.id for one in report.checks}
    assert report.passed
    assert not ids & {"http.redirect", "rate.enforced", "rate.recovers", "health.status"}


def test_every_prompt_differs_between_two_runs() -> None:
    fake = FakeGateway()
    red(EDGE, fake)
    first = {one.content for one in fake.requests if one.content}
    fake.requests.clear()
    red(EDGE, fake)
    again = {one.content for one in fake.requests if b"Request " in one.content}
    assert again and not first & again
