"""Check extractors, key, CORS, overload, health and serving faults around the routes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.emulator import App, events

ASK: dict[str, Any] = {"inputs": "What is 2+2?", "parameters": {"max_new_tokens": 9}}
CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "What is 2+2?"}]}
JSON = {"content-type": "application/json"}


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path)


@pytest.mark.parametrize(
    ("content", "headers", "status", "said"),
    [
        ("{}", {}, 415, "Expected request with `Content-Type: application/json`"),
        ("{", JSON, 400, "Failed to parse the request body as JSON: "),
        ("", JSON, 400, "EOF while parsing a value at line 1 column 0"),
        ("[]x", JSON, 422, "invalid length 0, expected struct GenerateRequest with 2 elements"),
        ("{}", JSON, 422, "missing field `inputs` at line 1 column 2"),
        ('{"inputs": 5}', JSON, 422, "inputs: invalid type: integer `5`, expected a string"),
        (
            '{"inputs": "a", "parameters": {"max_new_tokens": -1}}', JSON, 422,
            "parameters.max_new_tokens: invalid value: integer `-1`, expected u32",
        ),
        (
            '{"inputs": "a", "parameters": {"stop": "x"}}', JSON, 422,
            'parameters.stop: invalid type: string "x", expected a sequence',
        ),
    ],
)  # fmt: skip
def test_extractor_errors_are_plain_text(
    app: App, content: str, headers: dict[str, str], status: int, said: str
) -> None:
    answer = app.request("POST", "/generate", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert said in answer.text


def test_payload_limit(tmp_path: Path) -> None:
    app = App(tmp_path, "--payload-limit", "100")
    answer = app.post("/generate", {"inputs": "x" * 200})
    assert answer.status_code == 413
    assert answer.text == "Failed to buffer the request body: length limit exceeded"


def test_unknown_routes_are_empty(app: App) -> None:
    missing, wrong = app.get("/nope"), app.get("/generate")
    assert (missing.status_code, missing.content) == (404, b"")
    assert (wrong.status_code, wrong.content) == (405, b"")
    allowed = {"/generate": "POST", "/info": "GET,HEAD", "/": "POST,GET,HEAD"}
    for path, methods in allowed.items():
        for method in ("PUT", "OPTIONS"):
            assert app.request(method, path).headers["allow"] == methods, path
    assert "allow" not in app.request("OPTIONS", "/nope").headers
    assert app.get("/info/").status_code == 404


def test_the_key_guards_what_tgi_guards(tmp_path: Path) -> None:
    app = App(tmp_path, "--api-key", "Sk-Secret")
    for path in ("/generate", "/generate_stream", "/v1/chat/completions", "/tokenize", "/"):
        answer = app.post(path, ASK)
        assert (answer.status_code, answer.content) == (401, b""), path
    bad = {"authorization": "Bearer other"}
    assert app.post("/generate", ASK, headers=bad).status_code == 401
    good = {"authorization": "bearer SK-SECRET"}
    assert app.post("/generate", ASK, headers=good).status_code == 200
    for path in ("/", "/info", "/health", "/ping", "/metrics", "/v1/models"):
        assert app.get(path).status_code == 200, path
    assert app.post("/chat_tokenize", CHAT).status_code == 200
    for method, path, status in (
        ("GET", "/generate", 401), ("GET", "/chat_tokenize", 405), ("PUT", "/", 405),
        ("OPTIONS", "/generate", 200), ("POST", "/nope", 404), ("POST", "/info", 405),
    ):  # fmt: skip
        assert app.request(method, path).status_code == status, (method, path)
    assert app.get("/tokenize").headers["allow"] == "POST"


def test_cors(app: App, tmp_path: Path) -> None:
    assert app.get("/info").headers["access-control-allow-origin"] == "*"
    asked = app.request("OPTIONS", "/generate", headers={"origin": "http://a"})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-methods"] == "GET,POST"
    assert asked.headers["access-control-allow-headers"] == "content-type"
    named = App(tmp_path, "--cors-allow-origin", "http://a")
    ok = named.get("/info", headers={"origin": "http://a"})
    assert ok.headers["access-control-allow-origin"] == "http://a"
    other = named.get("/info", headers={"origin": "http://b"})
    assert "access-control-allow-origin" not in other.headers


def test_health_is_empty(app: App) -> None:
    for path in ("/", "/health", "/ping"):
        answer = app.get(path)
        assert (answer.status_code, answer.content) == (200, b"")


def test_the_overload_limit_counts_running_requests(tmp_path: Path) -> None:
    app = App(tmp_path, "--max-concurrent-requests", "2")
    app.faults.write({"slow-token": "0.05"})

    async def send() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://tgi") as client:
            return await asyncio.gather(*(client.post("/generate", json=ASK) for _ in range(3)))

    answers = asyncio.run(send())
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json() == {"error": "Model is overloaded", "error_type": "overloaded"}
    assert "retry-after" not in refused.headers
    assert 'tgi_request_failure{err="overloaded"} 1' in app.get("/metrics").text


def test_fault_no_generate_keeps_health(app: App) -> None:
    app.faults.write({"no-generate": ""})
    failed = app.post("/generate", ASK)
    assert (failed.status_code, failed.json()["error_type"]) == (424, "generation")
    assert failed.json()["error"].startswith("Request failed during generation: ")
    assert app.get("/health").status_code == 200
    streamed = app.post("/v1/chat/completions", {**CHAT, "stream": True})
    error, done = events(streamed.text)
    assert (streamed.status_code, done) == (200, "[DONE]")
    assert error["error"]["http_status_code"] == 422
    app.faults.write({})
    assert app.post("/generate", ASK).status_code == 200


def test_fault_wrong_model(app: App) -> None:
    app.faults.write({"wrong-model": "other/model"})
    assert app.get("/info").json()["model_id"] == "other/model"
    assert app.get("/v1/models").json()["data"][0]["id"] == "other/model"


def test_fault_empty_text(app: App) -> None:
    app.faults.write({"empty-text": ""})
    assert app.post("/generate", ASK).json() == {"generated_text": ""}
    body = app.post("/v1/chat/completions", CHAT).json()
    assert body["choices"][0]["message"]["content"] == ""


def test_fault_error_event_hits_streams_only(app: App) -> None:
    app.faults.write({"error-event": "2"})
    native = app.post("/generate_stream", ASK)
    found = events(native.text)
    assert (native.status_code, len(found)) == (200, 3)
    assert found[-1]["error_type"] == "generation"
    assert all(event.get("generated_text") is None for event in found)
    assert app.post("/generate", ASK).status_code == 200


def test_fault_overload_and_template(app: App) -> None:
    app.faults.write({"overload": ""})
    assert app.post("/v1/completions", {"prompt": "x"}).status_code == 429
    app.faults.write({"no-chat-template": ""})
    refused = app.post("/v1/chat/completions", CHAT)
    assert (refused.status_code, refused.json()["error_type"]) == (422, "template_error")


def test_faults_of_health(app: App) -> None:
    app.faults.write({"unhealthy": ""})
    sick = app.get("/health")
    assert sick.status_code == 503
    assert sick.json() == {"error": "unhealthy", "error_type": "healthcheck"}
    app.faults.write({"old-health": "", "no-generate": ""})
    assert app.get("/health").status_code == 503
    app.faults.write({"old-health": ""})
    assert app.get("/health").status_code == 200


def test_fault_hang_all_covers_health(app: App) -> None:
    app.faults.write({"hang": "all"})

    async def send() -> None:
        transport = httpx.ASGITransport(app.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://tgi") as client:
            await asyncio.wait_for(client.get("/health"), 0.2)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(send())


def test_fault_hang_never_answers(app: App) -> None:
    app.faults.write({"hang": ""})

    async def send() -> None:
        transport = httpx.ASGITransport(app.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://tgi") as client:
            assert (await client.get("/health")).status_code == 200
            await asyncio.wait_for(client.post("/generate", json=ASK), 0.2)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(send())
    assert app.backend.running == 0
