"""Check what a gateway reports: headers for clients, a log and counters for its owner."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.support.live.load import CHAT
from tests.support.live.nginx_on_host import ACCESS_LOG, since, size
from tests.support.live.sites import Site

HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "server": "nginx",
}


@pytest.mark.parametrize("status", [200, 400, 401, 404, 405, 413])
def test_every_answer_says_how_to_treat_it_and_not_who_made_it(site: Site, status: int) -> None:
    with site.client("free") as client, site.client() as stranger:
        answer = {
            200: lambda: client.get("/info"),
            400: lambda: client.post(CHAT, content="{"),
            401: lambda: stranger.post(CHAT),
            404: lambda: client.get("/metrics"),
            405: lambda: client.get(CHAT),
            413: lambda: client.post(CHAT, content="x" * 2_000_001),
        }[status]()
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "x-powered-by" not in answer.headers
    # It binds every port of the name, so a name must be asked for
    assert "strict-transport-security" not in answer.headers


def test_the_counters_are_for_this_machine_alone(site: Site) -> None:
    look = (
        "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8079/stub_status').read())"
    )
    assert "Active connections" in site.run('python3 -c "$(cat)"', given=look)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{site.address}:8079/stub_status", trust_env=False, timeout=5)
    with httpx.Client(trust_env=False) as client:
        plain = client.get(f"http://{site.address}/stub_status")
    assert (plain.status_code, plain.headers["server"]) == (308, "nginx")


def test_the_log_says_who_asked_and_how_long_the_engine_took(site: Site) -> None:
    body = {"model": "solo", "stream": True, "x_wait": 0.1, "x_events": 4, "x_pause": 0.05}
    start = size(site, ACCESS_LOG)
    made_up = {"X-Forwarded-For": "203.0.113.7", "X-Real-IP": "203.0.113.7"}
    with site.client("free", headers=made_up) as client:
        answer = client.post(CHAT, json=body)
    (line,) = since(site, start, 1)
    entry = json.loads(line)
    told = {"consumer": "free", "tier": "free", "model": "solo", "path": CHAT, "status": 200}
    told |= {"req_id": answer.headers["x-request-id"], "upstream": "127.0.0.1:9003"}
    assert {name: entry[name] for name in told} == told
    connect, first, last = (float(entry[name]) for name in ("connect", "ttfb", "upstream_time"))
    assert 0 <= connect < 0.1 <= first < first + 0.15 <= last <= entry["duration"] + 0.01
    assert entry["ip"] != "203.0.113.7"
    assert site.key("free").encode() not in line
