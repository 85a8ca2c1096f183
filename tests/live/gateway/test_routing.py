"""Check that a request finds its model by body, path or default, and that other requests get a
JSON error.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.live.engine import REFUSAL
from tests.support.live.nginx_on_host import ACCESS_LOG, since, size
from tests.support.live.sites import Site

CHAT = "/v1/chat/completions"
PAIR, SOLO = {"engine-9001", "engine-9002"}, {"engine-9003"}


@pytest.mark.parametrize(
    ("body", "engines"),
    [
        ({"model": "pair"}, PAIR),
        ({"model": "Twins"}, PAIR),
        ({"model": "solo"}, SOLO),
        ({"model": "acme/solo-alias"}, SOLO),
        ({"model": "tgi"}, PAIR),
        ({}, PAIR),
    ],
)
def test_the_model_in_the_body_decides(site: Site, body: dict[str, Any], engines: set[str]) -> None:
    with site.client("free") as client:
        answer = client.post(CHAT, json=body)
    assert answer.status_code == 200
    assert answer.json()["model"] in engines


@pytest.mark.parametrize("path", [CHAT, "/v1/completions", "/generate", "/", "/generate_stream"])
def test_the_model_in_the_path_decides(site: Site, path: str) -> None:
    with site.client("free") as client:
        assert client.post(f"/models/solo{path}", json={"inputs": "x"}).status_code == 200
    assert site.engine("three")["paths"] == {f"POST {path}": 1}


def test_a_path_is_a_base_url(site: Site) -> None:
    with site.client("free") as client:
        assert client.get("/models/solo/health").status_code == 200
        listed = client.get("/models/solo/v1/models").json()["data"]
        everything = client.get("/v1/models").json()["data"]
        assert client.get("/models/solo/info").json()["model_id"] == "engine-9003"
    assert {entry["root"] for entry in listed} == {"solo"}
    assert {entry["id"] for entry in everything} >= {"pair", "Twins", "solo", "acme/solo-alias"}


@pytest.mark.parametrize("asked", ["solo", "Twins", "acme%2Fsolo-alias"])
def test_one_model_of_the_list_can_be_asked_for(site: Site, asked: str) -> None:
    with site.client("free") as client, site.client() as stranger:
        answer = client.get(f"/v1/models/{asked}")
        unknown = client.get("/v1/models/no-such")
        elsewhere = client.get("/models/pair/v1/models/solo")
        nowhere = client.get(f"/models/no-such/v1/models/{asked}")
        unkeyed = stranger.get(f"/v1/models/{asked}")
    assert (answer.status_code, answer.json()["id"]) == (200, asked.replace("%2F", "/"))
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
    assert (elsewhere.status_code, nowhere.status_code) == (404, 404)
    assert unkeyed.status_code in (401, 429)


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/v1/chat/completions", "/models"])
def test_a_wrong_base_url_is_answered_with_the_right_one(site: Site, path: str) -> None:
    with site.client("free") as client:
        answer = client.get(path)
    assert answer.status_code == 404
    assert f"the base URL of this API is https://{site.name}/v1." in answer.text


@pytest.mark.parametrize("asked", ["no-such", "toString", "__proto__", "../solo", 'a"b;c\n$d{{e}}'])
def test_the_answer_about_an_unknown_model_lists_the_models(site: Site, asked: str) -> None:
    with site.client("free") as client:
        answer = client.post(CHAT, json={"model": asked})
        refused = client.post("/models/no-such/generate", json={"inputs": "x"})
    for one in (answer, refused):
        assert one.status_code == 404
        error = one.json()["error"]
        assert error["code"] == "model_not_found"
        assert "pair" in error["message"] and "solo" in error["message"]
    assert site.seen() == 0


@pytest.mark.parametrize("deep", [31, 100])
def test_deep_json_is_understood(site: Site, deep: int) -> None:
    nested: Any = "x"
    for _ in range(deep):
        nested = {"properties": nested}
    body = {"tools": [nested], "model": "solo"}
    with site.client("free") as client:
        assert client.post(CHAT, json=body).json()["model"] == "engine-9003"


def test_a_megabyte_passes_and_never_touches_the_disk(site: Site) -> None:
    body = {"model": "solo", "messages": [{"role": "user", "content": "canary " * 150_000}]}
    with site.client("free") as client:
        assert client.post(CHAT, json=body).status_code == 200
        chunked = client.post(CHAT, content=iter([json.dumps(body).encode()]))
    assert chunked.status_code == 200
    assert site.run("find /var/lib/nginx -type f | wc -l").strip() == "0"


@pytest.mark.parametrize(
    ("status", "code", "request_"),
    [
        (413, "request_too_large", {"content": b"x" * 2_100_000}),
        (400, "invalid_json", {"content": b'{"model": "so'}),
        (400, "invalid_model", {"json": {"model": ["solo"]}}),
        (414, "url_too_long", {"json": {}, "params": {"q": "x" * 10_000}}),
        (400, "bad_request", {"json": {}, "headers": {f"X-{n}": "y" * 7000 for n in range(6)}}),
    ],
)
def test_what_cannot_be_served_says_so(
    site: Site, status: int, code: str, request_: dict[str, Any]
) -> None:
    with site.client("free") as client:
        answer = client.post(CHAT, **request_)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert site.seen() == 0


def test_a_wrong_method_or_route_says_so(site: Site) -> None:
    with site.client("free") as client:
        wrong = client.get(CHAT)
        none = client.get("/nowhere")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    assert (none.status_code, none.json()["error"]["code"]) == (404, "not_found")


def test_an_engine_that_is_down_is_502_with_a_word_on_when(site: Site) -> None:
    site.run("systemctl stop engine@9003")
    try:
        with site.client("free") as client:
            answer = client.post(CHAT, json={"model": "solo"})
    finally:
        site.run("systemctl start engine@9003; sleep 0.5")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "bad_gateway")
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("status", [403, 422, 424])
@pytest.mark.parametrize("model", ["solo", "pair"])
def test_an_engine_s_own_refusal_keeps_its_status_and_words(
    site: Site, model: str, status: int
) -> None:
    """The gateway never answers 403: a client without rights gets 401, or 400 from TLS."""
    with site.client("free") as client:
        answer = client.post(CHAT, json={"model": model, "x_status": status})
    assert answer.status_code == status
    assert answer.json()["error"]["message"] == REFUSAL["error"]
    assert site.seen() == 1


def test_a_request_id_goes_all_the_way(site: Site) -> None:
    start = size(site, ACCESS_LOG)
    with site.client("free") as client:
        own = client.post(CHAT, json={}, headers={"X-Request-ID": "order-66.abc_DEF"})
        bad = client.post(CHAT, json={}, headers={"X-Request-ID": 'a"b;c$d{{e}}'})
    assert own.headers["x-request-id"] == "order-66.abc_DEF"
    assert bad.headers["x-request-id"].isalnum()
    logged = [json.loads(line)["req_id"] for line in since(site, start, 2)]
    assert logged == [own.headers["x-request-id"], bad.headers["x-request-id"]]
