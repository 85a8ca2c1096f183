"""Check OpenAI's dialect on the way through nginx: what an engine gets, and what a client gets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.support.live.engine import REFUSAL
from tests.support.live.load import CHAT, Connection
from tests.support.live.sites import CAPPED, Site
from tests.support.live.token_budget import BUDGET, WITH_BUDGETS
from tests.support.live.tool_calls import TOOL, TOOLS

#: Words of the dialect within a text, which stay
HOSTILE = 'no "id":"" and no "finish_reason":"eos_token"'


def events(answer: httpx.Response) -> list[Any]:
    """Return the events of a stream that ends as OpenAI's does."""
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]", answer.text
    return [json.loads(line) for line in lines[:-1]]


def said(found: list[Any]) -> str:
    return "".join(c["delta"].get("content") or "" for event in found for c in event["choices"])


def calls(found: list[Any]) -> tuple[str, str]:
    """Return the joined arguments of streamed calls, and the reason why the stream ended."""
    deltas = [c["delta"] for event in found for c in event["choices"]]
    joined = "".join(
        call["function"].get("arguments") or ""
        for delta in deltas
        for call in delta.get("tool_calls") or []
    )
    ends = [c["finish_reason"] for event in found for c in event["choices"]]
    return joined, ends[-1]


@pytest.mark.parametrize("path", [CHAT, "/models/solo/v1/chat/completions"])
def test_a_request_that_needs_no_change_passes_byte_for_byte(site: Site, path: str) -> None:
    body = (
        '{ "model":"solo",\t"seed":12345678901234567890, "x":1e400, "user":"\\u00e9 é","x":0.10 }'
    )
    with site.client("free") as client:
        assert client.post(path, content=body.encode()).status_code == 200
        assert site.body("three") == body.encode()
        chunked = client.post(path, content=iter([body[:9].encode(), body[9:].encode()]))
    assert (chunked.status_code, site.body("three")) == (200, body.encode())


@pytest.mark.parametrize("model", ["solo", "pair"])
def test_a_request_is_rewritten_for_its_engine(site: Site, model: str) -> None:
    with site.client("free") as client:
        answer = client.post(CHAT, json={"model": model, "stop": "w4", "x_events": 6})
    asked = [site.body(name) for name in (["three"] if model == "solo" else ["one", "two"])]
    assert ["w4"] in [json.loads(body or b"{}").get("stop") for body in asked]
    choice = answer.json()["choices"][0]
    assert choice["message"]["content"] == "w1 w2 w3 "
    assert answer.headers["content-type"] == "application/json"


def test_a_stream_is_rewritten_as_it_passes(site: Site) -> None:
    body = {"model": "solo", "stream": True, "stop": "w4", "x_events": 4, "x_pause": 0.02}
    with site.client("free") as client:
        answer = client.post(CHAT, json=body)
    assert said(events(answer)) == "w1 w2 w3 "
    assert answer.headers["content-type"].startswith("text/event-stream")


def test_a_plain_stream_has_ids_and_errors_of_openais(site: Site) -> None:
    """nginx itself exchanges these words, event by event."""
    body = {
        "model": "solo",
        "stream": True,
        "x_events": 3,
        "x_pause": 0.02,
        "x_error": 'no "id":""',
    }
    with site.client("free") as client:
        first, second = (events(client.post(CHAT, json=body)) for _ in range(2))
    ids = [{one["id"] for one in found[:-1]} for found in (first, second)]
    assert [len(one) for one in ids] == [1, 1] and ids[0] != ids[1]
    assert all(one.startswith("chatcmpl-") for one in ids[0] | ids[1])
    error = {"message": body["x_error"], "type": "server_error", "param": None, "code": None}
    assert first[-1] == {"error": error}


def test_a_plain_answer_has_the_words_of_openais(site: Site) -> None:
    """nginx itself exchanges these too; njs does where the error log must not have the URL."""
    told = {"message": {"role": "assistant", "content": HOSTILE}, "finish_reason": "eos_token"}
    with site.client("free") as client:
        for path in (CHAT, f"{CHAT}?key={site.key('free')}", "/models/solo/v1/chat/completions"):
            answer = client.post(path, json={"model": "solo", "x_choice": told})
            choice = answer.json()["choices"][0]
            assert answer.json()["id"].startswith("chatcmpl-"), answer.text
            assert (choice["finish_reason"], choice["message"]["content"]) == ("stop", HOSTILE)


def test_an_error_at_the_beginning_of_a_stream_is_the_clients(site: Site) -> None:
    body = {"model": "solo", "stream": True, "x_events": 0, "x_error": "too long"}
    with site.client("free") as client:
        (found,) = events(client.post(CHAT, json=body))
    error = {"message": "too long", "type": "invalid_request_error", "param": None, "code": None}
    assert found == {"error": error}


def test_streams_at_once_are_not_mixed_up(site: Site) -> None:
    """njs may keep what one answer left."""

    async def one(number: int) -> str:
        line = Connection(site.address, site.name, site.context())
        stop = {"stop": f"w{number}"}
        body = {"model": "solo", "stream": True, "x_events": 20, "x_pause": 0.005, **stop}
        texts = []
        for _ in range(3):
            answer = await line.ask(body=body, key=site.key("free"))
            texts.append(said(events(httpx.Response(200, content=answer.body))))
        line.close()
        assert len(set(texts)) == 1, texts
        return texts[0]

    async def all_of_them() -> list[str]:
        return list(await asyncio.gather(*(one(number) for number in range(2, 20))))

    texts = asyncio.run(all_of_them())
    wanted = ["".join(f"w{n} " for n in range(1, number)) for number in range(2, 20)]
    # "w1" ends also what has "w10" as its first
    assert texts == wanted


def test_a_streamed_call_is_asked_for_whole(site: Site) -> None:
    with site.client("free") as client:
        answer = client.post(CHAT, json={**TOOLS, "stream_options": {"include_usage": True}})
    assert json.loads(site.body("three"))["stream"] is False
    found = events(answer)
    arguments, end = calls(found)
    assert (json.loads(arguments), end) == ({"city": "é"}, "tool_calls") if found else False
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "content-length" not in answer.headers


def test_a_consumer_that_reads_like_rubberduck_has_its_calls_live(site: Site) -> None:
    with site.client("duck") as client:
        answer = client.post(CHAT, json={**TOOLS, "x_events": 3})
    assert json.loads(site.body("three"))["stream"] is True
    assert said(events(answer)) == "w1 w2 w3 "


def test_calls_count_as_generations(site: Site) -> None:
    async def ask_all() -> list[int]:
        lines = [Connection(site.address, site.name, site.context()) for _ in range(6)]
        body = {**TOOLS, "x_wait": 2}
        done = await asyncio.gather(*(line.ask(body=body, key=site.key(CAPPED)) for line in lines))
        for line in lines:
            line.close()
        return sorted(answer.status for answer in done)

    assert asyncio.run(ask_all()) == [200] * 4 + [429] * 2
    assert site.engine("three")["peak"] == 4


def test_another_replica_gets_the_rewritten_request(site: Site) -> None:
    site.run("systemctl stop engine@9001")
    try:
        with site.client("free") as client:
            for _ in range(3):
                answer = client.post(CHAT, json={**TOOLS, "model": "pair"})
                assert calls(events(answer))[1] == "tool_calls"
        assert json.loads(site.body("two"))["stream"] is False
    finally:
        site.run("systemctl start engine@9001")


def test_what_cannot_be_done_never_reaches_the_engine(site: Site) -> None:
    with site.client("free") as client:
        answer = client.post(CHAT, json={"model": "solo", "n": 2})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["param"]) == ("invalid_request_error", "n")
    assert site.seen() == 0


@pytest.mark.parametrize("more", [{}, {"stream": True}, {"stream": True, "tools": [TOOL]}])
def test_an_engines_error_gets_openais_form(site: Site, more: dict[str, Any]) -> None:
    with site.client("free") as client:
        answer = client.post(CHAT, json={"model": "solo", "x_status": 422, **more})
        native = client.post("/models/solo/generate", json={"inputs": "x", "x_status": 422})
    assert (answer.status_code, native.status_code) == (422, 422)
    assert answer.json()["error"]["message"] == REFUSAL["error"]
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert native.json() == REFUSAL


def test_the_gateways_own_errors_keep_their_form(site: Site) -> None:
    site.run("systemctl stop engine@9003")
    try:
        with site.client("free") as client:
            answer = client.post(CHAT, json=TOOLS)
    finally:
        site.run("systemctl start engine@9003")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "bad_gateway")


def test_a_route_that_is_not_served_is_named(site: Site) -> None:
    with site.client("free") as client, site.client() as stranger:
        for path in ("/v1/embeddings", "/v1/responses", "/models/solo/v1/embeddings"):
            answer = client.post(path, json={})
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
            assert "/v1/chat/completions" in answer.text
            assert "/v1/chat/completions" not in stranger.post(path, json={}).text


@pytest.mark.enough("gw13")
def test_without_the_dialect_everything_passes_as_it_is(modern_plain: Site) -> None:
    body = b'{"model": "solo", "stop": "w4", "n": 2, "x_events": 4}'
    with modern_plain.client("free") as client:
        answer = client.post(CHAT, content=body)
        passed = modern_plain.body("three")
        refused = client.post(CHAT, json={"model": "solo", "x_status": 422})
    assert passed == body
    assert answer.json()["choices"][0]["message"]["content"] == "w1 w2 w3 w4"
    assert refused.json() == REFUSAL


@pytest.mark.hosts(*WITH_BUDGETS)
def test_tokens_of_calls_count_too(counted: Site) -> None:
    with counted.client("slow") as client:
        first = client.post(CHAT, json={**TOOLS, "x_events": BUDGET})
        second = client.post(CHAT, json=TOOLS)
    assert calls(events(first))[1] == "tool_calls"
    assert second.status_code == 429
    assert second.json()["error"]["type"] == "tokens"
