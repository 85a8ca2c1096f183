"""Check that options beyond the defaults do what they say.

Two plays for each host: all options that go together, then the same with certificates required.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.live.client_ca import Authority
from tests.support.live.load import CHAT
from tests.support.live.nginx_on_host import ACCESS_LOG, since, size
from tests.support.live.sites import Site
from tests.support.live.token_budget import FAST, WITH_BUDGETS, budget

MADE_UP, NEAREST = "203.0.113.9", "198.51.100.7"
BADGE = "CN=badge,O=Example"
PAGE = "https://chat.example.org"
ASK = {"model": "solo", "messages": []}
# Asks from the host itself, so from an address that is no balancer's
BESIDE = """
import socket, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
raw = socket.create_connection(("127.0.0.1", 443))
with context.wrap_socket(raw, server_hostname="NAME") as tls:
    tls.sendall(b"GET /info HTTP/1.0\\r\\nHost: NAME\\r\\nX-Forwarded-For: MADE_UP\\r\\n\\r\\n")
    print(tls.recv(100))
"""


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("theirs"))


@pytest.fixture(scope="module")
def choices(site: Site, ours: Authority) -> dict[str, Any]:
    """Return all options that go together."""
    tiers = {"free": "free", "slow": "counted", "other": "counted"}
    consumers = [{"name": n, "tier": tier, "keys": site.keys[n]} for n, tier in tiers.items()]
    badge = {"name": "badge", "tier": "free", "certificate_subjects": [BADGE]}
    with socket.create_connection((site.address, 443)) as line:
        balancer = line.getsockname()[0]
    return {
        "gateway_tiers": {"free": FAST, "counted": {**FAST, **budget(site)}},
        "gateway_consumers": [*consumers, badge],
        "gateway_client_ca": str(ours.file),
        "gateway_trusted_proxies": [f"{balancer}/32"],
        "gateway_http2": True,
        "gateway_tls_hsts_seconds": 300,
        "gateway_info_public": True,
        "gateway_health_public": False,
        "gateway_read_timeout": 2,
        "gateway_cors_origins": [PAGE],
    }


@pytest.fixture(scope="module")
def chosen(other_settings: Callable[..., Site], choices: dict[str, Any]) -> Site:
    return other_settings(**choices)


@pytest.fixture(scope="module")
def strict(other_settings: Callable[..., Site], choices: dict[str, Any]) -> Site:
    # A browser asks without a certificate
    required = {"gateway_client_certificate_required": True, "gateway_cors_origins": []}
    return other_settings(**{**choices, **required})


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture(scope="module")
def spent(chosen: Site) -> float:
    """Use a consumer's budget up, in three dialects; return when its minute ends."""
    # Not across a minute's end
    if left() < 5:
        time.sleep(left() + 0.1)
    with chosen.client("slow") as slow:
        for path, body in (
            (CHAT, ASK),
            (CHAT, {**ASK, "stream": True}),
            ("/generate_stream", {"inputs": "x"}),
        ):
            assert slow.post(path, json=body).status_code == 200
    return time.time() + left()


def left() -> float:
    return 60 - time.time() % 60


@pytest.mark.hosts(*WITH_BUDGETS)
def test_a_spent_budget_holds_up_its_consumer_alone(chosen: Site, spent: float) -> None:
    with chosen.client("slow") as slow, chosen.client("other") as other:
        refused, until = slow.post(CHAT, json=ASK), spent - time.time()
        assert refusal(refused) == (429, "rate_limit_exceeded")
        assert refused.json()["error"]["type"] == "tokens"
        assert "budget of generated tokens" in refused.json()["error"]["message"]
        assert until <= int(refused.headers["retry-after"]) <= until + 2 <= 62
        # What generates nothing costs nothing
        assert slow.get("/v1/models").status_code == 200
        assert other.post(CHAT, json=ASK).status_code == 200


def test_a_certificate_stands_for_a_key(chosen: Site, ours: Authority, theirs: Authority) -> None:
    """The gateway asks for a certificate and does not require one."""
    start = size(chosen, ACCESS_LOG)
    with chosen.client(verify=ours.held(chosen, BADGE)) as badge:
        assert badge.post(CHAT, json=ASK).status_code == 200
    assert json.loads(since(chosen, start, 1)[0])["consumer"] == "badge"
    for consumer, status in (("free", 200), (None, 401)):
        with chosen.client(consumer, verify=ours.held(chosen, "CN=badge")) as unknown:
            assert unknown.post(CHAT, json=ASK).status_code == status
    with chosen.client("free") as bare:
        assert bare.post(CHAT, json=ASK).status_code == 200
    before = chosen.seen()
    with chosen.client("free", verify=theirs.held(chosen, BADGE)) as stray:
        assert refusal(stray.post(CHAT, json=ASK)) == (400, "invalid_client_certificate")
    assert chosen.seen() == before


def test_only_a_balancers_word_on_the_address_is_taken(chosen: Site) -> None:
    start = size(chosen, ACCESS_LOG)
    with chosen.client() as client:
        client.get("/info", headers={"X-Forwarded-For": f"{MADE_UP}, {NEAREST}"})
    script = BESIDE.replace("NAME", chosen.name).replace("MADE_UP", MADE_UP)
    assert "200 OK" in chosen.run("python3 -", given=script)
    addresses = [json.loads(line)["ip"] for line in since(chosen, start, 2)]
    # The nearest that is no balancer's: what stands before it, a client may have made up
    assert addresses == [NEAREST, "127.0.0.1"]


def test_a_balancer_need_not_name_the_host(chosen: Site) -> None:
    """It gets the certificate without SNI, and may ask for an address; another name gets none.

    Where clients have certificates, nginx wants the Host that the handshake named.
    """
    context = ssl.create_default_context(cafile=str(chosen.ca))
    context.check_hostname = False
    for name, ending in ((None, b"200"), (chosen.name, b"421"), ("other.example", b"")):
        with socket.create_connection((chosen.address, 443)) as line:
            try:
                with context.wrap_socket(line, server_hostname=name) as tls:
                    tls.sendall(f"GET /info HTTP/1.1\r\nHost: {chosen.address}\r\n\r\n".encode())
                    assert tls.recv(100).startswith(b"HTTP/1.1 " + ending)
                    assert ending
            except ssl.SSLError as error:
                assert not ending and "UNRECOGNIZED_NAME" in str(error)


def test_guesses_are_counted_for_the_address_that_a_balancer_tells(chosen: Site) -> None:
    def guess(client: httpx.Client, address: str) -> int:
        headers = {"X-Forwarded-For": address, "Authorization": "Bearer unknown"}
        return client.get("/v1/models", headers=headers).status_code

    with chosen.client() as client:
        statuses = [guess(client, "198.51.100.20") for _ in range(100)]
        assert statuses[:50] == [401] * 50
        assert statuses[-1] == 429
        assert guess(client, "198.51.100.21") == 401


@pytest.mark.parametrize("model", ["pair", "solo"])
def test_a_slow_answer_is_a_504_and_never_asked_for_twice(chosen: Site, model: str) -> None:
    """The engine stays silent for longer than the time-out; one model has two replicas."""
    began = time.monotonic()
    with chosen.client("free") as client:
        answer = client.post(CHAT, json={**ASK, "model": model, "x_wait": 5})
    assert 2 <= time.monotonic() - began < 4
    assert refusal(answer) == (504, "gateway_timeout")
    # Whoever would be asked a second time has been by now
    time.sleep(0.5)
    assert chosen.seen() == 1


def test_open_routes_and_http2_and_hsts_are_as_chosen(chosen: Site) -> None:
    with chosen.client(http2=True) as stranger, chosen.client("free") as known:
        answers = [stranger.get(path) for path in ("/info", "/models/solo/info", "/health")]
        answers += [known.get("/health"), stranger.post(CHAT, json=ASK)]
    assert [answer.status_code for answer in answers] == [200, 200, 401, 200, 401]
    assert [answer.http_version for answer in answers[2:4]] == ["HTTP/2", "HTTP/1.1"]
    assert {one.headers["strict-transport-security"] for one in answers} == {"max-age=300"}


def test_a_web_page_may_call_and_its_browsers_question_is_no_wrong_key(chosen: Site) -> None:
    asked = {"Access-Control-Request-Method": "POST", "X-Forwarded-For": "198.51.100.30"}
    asked["Access-Control-Request-Headers"] = "authorization,content-type"
    allowed = "access-control-allow-origin"
    with chosen.client() as browser, chosen.client("free") as known:
        # More often than wrong keys are let in
        for _ in range(60):
            told = browser.options(CHAT, headers={"Origin": PAGE, **asked})
            assert (told.status_code, told.headers[allowed]) == (204, PAGE)
        assert told.headers["access-control-allow-headers"] == "authorization,content-type"
        stranger = browser.options(CHAT, headers={"Origin": "https://evil.example", **asked})
        assert (stranger.status_code, allowed in stranger.headers) == (405, False)
        page = {"Origin": PAGE, "X-Forwarded-For": "198.51.100.30"}
        answers = [known.post(CHAT, json=ASK, headers=page), browser.post(CHAT, headers=page)]
        answers += [known.get("/nothing", headers=page)]
    assert [one.status_code for one in answers] == [200, 401, 404]
    assert all(one.headers.get_list(allowed) == [PAGE] for one in answers)
    assert all(one.headers.get_list("vary") == ["Origin"] for one in answers)
    assert chosen.seen() == 1


def test_without_a_certificate_no_client_gets_in(
    strict: Site, ours: Authority, theirs: Authority
) -> None:
    with strict.client("free") as bare, strict.client() as stranger:
        for answer in (bare.post(CHAT, json=ASK), bare.get("/health"), stranger.get("/info")):
            assert refusal(answer) == (400, "missing_client_certificate")
    with strict.client("free", verify=theirs.held(strict, BADGE)) as stray:
        assert refusal(stray.post(CHAT, json=ASK)) == (400, "invalid_client_certificate")
    assert strict.seen() == 0
    for consumer, subject in ((None, BADGE), ("free", "CN=anybody")):
        with strict.client(consumer, verify=ours.held(strict, subject)) as good:
            assert good.post(CHAT, json=ASK).status_code == 200


@pytest.mark.hosts(*WITH_BUDGETS)
def test_a_budget_outlives_a_reload_and_begins_anew_each_minute(
    spent: float, strict: Site, ours: Authority
) -> None:
    """Runs last, so that most of the minute is over."""
    with strict.client("slow", verify=ours.held(strict, "CN=anybody")) as slow:
        if time.time() < spent - 1:
            assert slow.post(CHAT, json=ASK).status_code == 429
        time.sleep(max(0.0, spent - time.time()) + 0.1)
        assert slow.post(CHAT, json=ASK).status_code == 200
