"""Test the command against servers that speak OpenAI's API in their own way."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from ansible.module_utils.tgi.checks.cli import main

from tests.support.fast_time import fast_time
from tests.support.in_memory_tgi import InMemoryTgi

URL = "http://gpu1:11434"
Events = list[Any]
DIED = "worker died"


class OtherServer(InMemoryTgi):
    """Serve /v1 alone, as Ollama does, and take any name of a model, as LM Studio does.

    ``alter`` changes the events of a stream of text; a string is sent as it is.
    """

    def __init__(self, alter: Callable[[Events], Events] = lambda events: events) -> None:
        super().__init__()
        self.alter = alter

    async def handle(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.startswith("/v1/"):
            return httpx.Response(404, text="404 page not found")
        answer = await super().handle(own_form(request))
        body = (await answer.aread()).decode()
        if answer.headers["content-type"].startswith("text/event-stream"):
            lines = [one[5:].strip() for one in body.split("\n\n") if one]
            events = [one if one == "[DONE]" else json.loads(one) for one in lines]
            calls = any("tool_calls" in str(event) for event in events)
            # TGI's stream of a call has no finish_reason
            ends = [{"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}]
            events = [*events[:-1], *ends, "[DONE]"] if calls else self.alter(events)
            said = (one if isinstance(one, str) else json.dumps(one) for one in events)
            body = "".join(f"data: {one}\n\n" for one in said)
        kept = {"content-type": answer.headers["content-type"]}
        return httpx.Response(answer.status_code, headers=kept, text=body)


def own_form(request: httpx.Request) -> httpx.Request:
    """Return the request in TGI's form of guided output, for TGI's own name."""
    if not request.content:
        return request
    body = {**json.loads(request.content), "model": "tgi"}
    if schema := body.get("response_format", {}).get("json_schema"):
        body["response_format"] = {"type": "json", "value": schema["schema"]}
    return httpx.Request(request.method, request.url, json=body)


def told(server: OtherServer, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Return exit code and table of the command."""
    with fast_time():
        code = main.main([URL, *words], server.transport())
    return code, capsys.readouterr().out


def test_a_server_without_health_that_takes_any_name_passes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, table = told(OtherServer(), capsys)
    assert code == 0, table
    reason = "OpenAI's API has no route for health (engine openai)"
    assert f"left out, acme/small: {reason}: health.status, health.after" in table
    assert "it answers for a model that it does not have: HTTP 200" in table
    assert "tgi role" not in table and "gateway role" not in table


def test_a_route_that_a_server_does_not_have_is_said_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, table = told(OtherServer(), capsys, "--engine", "vllm", "--checks", "health.status")
    assert code == 1
    assert "remedy for health.status acme/small: The server has no such route" in table


def counted(events: Events) -> Events:
    """Add usage to each event."""
    usage = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
    return [one if one == "[DONE]" else {**one, "usage": usage} for one in events]


def uncounted(events: Events) -> Events:
    return [one if one == "[DONE]" else {**one, "usage": None} for one in events]


def few(events: Events) -> Events:
    usage = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
    return [*uncounted(events[:-1]), {"choices": [], "usage": usage}, "[DONE]"]


def endless(events: Events) -> Events:
    for choice in (choice for one in events[:-1] for choice in one["choices"]):
        choice["finish_reason"] = None
    return events


MORE = {"choices": [{"index": 0, "delta": {"content": "more"}, "finish_reason": None}]}
#: What is done to the events: (how, the problem, the remedy).
FORMS: dict[str, tuple[Callable[[Events], Events], str, str]] = {
    "usage in each": (counted, "usage came", "let it come once, at the end"),
    "no usage": (uncounted, "usage came 0 times", "Clients that ask for usage"),
    "few tokens": (few, "usage counts 1 tokens, 20 pieces came", "count wrong numbers of tokens"),
    "an event after the end": (lambda events: [*events, {"choices": []}],
                               "[DONE] is not the last event", "lose what follows"),
    "a heartbeat": (lambda events: ["up", *events], "an event is not JSON", "break off at this"),
    "text after the end": (lambda events: [*events[:-1], MORE, "[DONE]"], "text came after",
                           "lose text"),
    "no finish_reason": (endless, "finish_reason never came", "a whole answer from a cut one"),
    "cut": (lambda events: events[:4], "stream cut short after 4 events", DIED),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_stream_in_another_form_has_the_remedy_of_that_form(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    alter, problem, remedy = FORMS[name]
    code, table = told(OtherServer(alter), capsys)
    assert code == 1
    assert re.search(rf"chat\.stream +FAIL +\d+ +{re.escape(problem)}", table), table
    (said,) = [line for line in table.splitlines() if line.startswith("remedy for chat.stream")]
    assert remedy in said and (DIED in said) == (name == "cut")
    # One cause is one red check
    assert table.count(" FAIL ") == 1, table
