"""Check what clients see: answers, streams, refusals."""

from __future__ import annotations

import json
import time

import httpx

from tests.support.live.endpoints import Endpoint

QUESTION = [{"role": "user", "content": "Name the capital of France."}]


def chat(client: httpx.Client, **options: object) -> httpx.Response:
    # Without a temperature the answer is sampled, and a small model's luck decides the test
    asked = {"model": "smollm2-135m", "max_tokens": 40, "temperature": 0, "messages": QUESTION}
    body = {**asked, **options}
    return client.post("/v1/chat/completions", json=body)


def test_answers_the_question(endpoint: Endpoint) -> None:
    with endpoint.client(endpoint.key) as client:
        answer = chat(client).raise_for_status().json()
    assert "Paris" in answer["choices"][0]["message"]["content"]


def test_streams_token_by_token(endpoint: Endpoint) -> None:
    body = {"model": "tgi", "stream": True, "max_tokens": 24, "messages": QUESTION}
    with (
        endpoint.client(endpoint.key) as client,
        client.stream("POST", "/v1/chat/completions", json=body) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        reads = [chunk for chunk in response.iter_raw() if chunk]
    events = b"".join(reads).decode().strip().split("\n\n")
    assert events[-1] == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data:")) for event in events[:-1]]
    finished = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert finished[-1] in {"stop", "length"}
    assert not any(finished[:-1])
    # RubberDuck keeps only the last event of a network read: merged events would lose words
    assert len(events) / len(reads) < 1.5


def test_takes_an_alias_and_refuses_an_unknown_model(endpoint: Endpoint) -> None:
    with endpoint.client(endpoint.key) as client:
        assert chat(client, model="smollm2", max_tokens=2).status_code == 200
        refused = chat(client, model="no-such-model")
    assert refused.status_code == 404
    assert refused.json()["error"]["code"] == "model_not_found"
    assert "smollm2-135m" in refused.json()["error"]["message"]


def test_needs_a_key(endpoint: Endpoint) -> None:
    for key in (None, "wrong-" + endpoint.key, endpoint.key.swapcase()):
        with endpoint.client(key) as client:
            refused = chat(client)
        assert refused.status_code == 401
        assert refused.json()["error"]["code"] == "invalid_api_key"


def test_health_is_open_and_the_rest_is_not(endpoint: Endpoint) -> None:
    with endpoint.client() as client:
        health = client.get("/health")
        assert (health.status_code, health.content) == (200, b"")
        for path in ("/info", "/metrics", "/docs", "/v1/models", "/api-doc/openapi.json"):
            assert client.get(path).status_code in {401, 404}, path


def test_plain_http_is_redirected(endpoint: Endpoint) -> None:
    response = httpx.get(f"http://127.0.0.1:{endpoint.http_port}/v1/models", trust_env=False)
    assert response.status_code == 308
    expected = f"https://{endpoint.server_name}:{endpoint.https_port}/v1/models"
    assert response.headers["location"] == expected


def test_past_the_limit_is_429_and_then_passes_again(endpoint: Endpoint) -> None:
    with endpoint.client(endpoint.key) as client:
        time.sleep(3)
        answers = [client.get("/v1/models") for _ in range(40)]
        refused = [answer for answer in answers if answer.status_code != 200]
        assert {answer.status_code for answer in refused} == {429}
        assert refused[0].json()["error"]["code"] == "rate_limit_exceeded"
        assert int(refused[0].headers["retry-after"]) >= 1
        time.sleep(int(refused[0].headers["retry-after"]) + 1)
        assert client.get("/v1/models").status_code == 200
