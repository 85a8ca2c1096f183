"""Test chats with tables of good and bad answers, and with a real process."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.model import conversation
from ansible.module_utils.tgi.checks.results import Report
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import Model
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.checks.answers import chat_reply, reply
from tests.support.fakes.spoilt_tgi import SpoiltTgi
from tests.support.in_memory_tgi import MODEL

TEMPLATE = reply({"error": "Template error: template not found"}, 422)
DOWN = Answer(0, {}, [], "connection refused")


@pytest.mark.parametrize(
    ("count", "finish", "problem"),
    [(1, "length", ""), (1, "stop", "at the limit is stop"), (7, "length", "7 tokens came"),
     (None, "length", "tokens came")],
)  # fmt: skip
def test_length(count: Any, finish: str, problem: str) -> None:
    answer = reply({"choices": [{"finish_reason": finish}], "usage": {"completion_tokens": count}})
    found = conversation.judge_length(answer).problem
    assert problem in found and bool(found) == bool(problem)


def prompted(count: Any) -> Answer:
    return reply({"choices": [], "usage": {"prompt_tokens": count}})


@pytest.mark.parametrize(
    ("without", "instructed", "problem"),
    [
        (prompted(48), prompted(69), ""),
        # The template's own system message was longer than ours
        (prompted(48), prompted(42), ""),
        (prompted(48), prompted(48), "with a system message and without"),
        (prompted(48), prompted(None), "has no prompt_tokens"),
        (prompted(48), TEMPLATE, "HTTP 422"),
        (DOWN, prompted(48), "nothing to compare with"),
    ],
)
def test_system(without: Answer, instructed: Answer, problem: str) -> None:
    found = conversation.judge_system(without, instructed).problem
    assert problem in found and bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("answer", "word", "problem", "remedy"),
    [
        (reply({"templated_text": "<user>Request xyz.<assistant>"}), "xyz", "", ""),
        (reply({"templated_text": "<assistant>"}), "xyz", "drops the user's message", ""),
        (reply({"tokens": []}), "xyz", "no templated_text", ""),
        (TEMPLATE, "xyz", "no usable chat template", "checks_without_chat"),
        # vLLM's words
        (reply({"error": {"message": "As of transformers v4.44, default chat template is no "
                                     "longer allowed"}}, 400), "", "no usable", "checks_without"),
        (reply({"error": "failed"}, 424), "", "HTTP 424", "fix those first"),
        (chat_reply("Paris."), "", "", ""),
    ],
)  # fmt: skip
def test_template(answer: Answer, word: str, problem: str, remedy: str) -> None:
    found = conversation.judge_template(answer, word)
    assert problem in found.problem and bool(found.problem) == bool(problem)
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("first", "again", "problem"),
    [
        (chat_reply("Paris."), chat_reply("Paris."), ""),
        (chat_reply("Paris."), chat_reply("Rome."), "two different texts"),
        (chat_reply("Paris."), DOWN, "nothing to compare"),
        (chat_reply(""), chat_reply(""), "empty"),
    ],
)
def test_repeat(first: Answer, again: Answer, problem: str) -> None:
    found = conversation.judge_repeat(first, again).problem
    assert problem in found and bool(found) == bool(problem)


def run(fake: SpoiltTgi, *select: str, model: Model = MODEL) -> Report:
    options = Options("direct", "gpu1", [model], select=select, transport=fake.transport())
    return asyncio.run(check(options))


@pytest.mark.parametrize(
    ("fault", "red", "warned"),
    [
        ("", set(), set()),
        ("chance", {"chat.logprobs"}, set()),
        ("deaf-template", {"chat.template"}, set()),
        ("no-limit-of-tokens", {"chat.stream"}, {"chat.length"}),
        ("restless", set(), {"chat.repeat"}),
    ],
)
def test_each_fault_turns_its_own_checks(fault: str, red: set[str], warned: set[str]) -> None:
    report = run(SpoiltTgi(fault))
    assert {one.id for one in report.of("fail", "error")} == red
    assert {one.id for one in report.of("warn")} == warned


IDS = [spec.id for spec in conversation.SPECS]


@pytest.mark.parametrize("id", IDS)
def test_each_check_stands_alone(id: str) -> None:
    """Run one check; it sends the shared requests itself."""
    assert run(SpoiltTgi(), id).passed
    assert not run(SpoiltTgi("no-chat-template"), id).of("pass")[1:]


def test_another_engine_has_no_native_template_route() -> None:
    other = Model("small", "acme/small", url="http://127.0.0.1:8081", engine="openai")
    report = run(SpoiltTgi("deaf-template"), "chat.template", "chat.degenerate", model=other)
    assert report.passed and len(report.checks) == 3


@pytest.mark.parametrize(
    ("streams", "asked", "lost"),
    [("w", 1, False), ("lww", 3, False), ("lwl", 3, True), ("lll", 3, True), ("llw", 3, True)],
)
def test_characters_are_lost_when_further_streams_lose_some_too(
    streams: str, asked: int, lost: bool
) -> None:
    """A small model writes a broken character itself at times."""

    class Streams:
        count = 0

        async def converse(self, *_: object) -> Answer:
            self.count += 1
            text = "\u00e9 \ufffd." if streams[self.count - 1] == "l" else "\u00e9 \u65e5."
            events = [{"choices": [{"index": 0, "delta": {"content": text}}]}]
            events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            body = "".join(f"data: {json.dumps(one)}\n\n" for one in events)
            return Answer(200, {"content-type": "text/event-stream"}, [(0.0, body.encode())])

    session: Any = Streams()
    found = asyncio.run(conversation.chat_utf8(session))
    assert (session.count, found.problem.startswith("characters were lost")) == (asked, lost)
