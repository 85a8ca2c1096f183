"""Questions with known answers."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from ansible.module_utils.tgi.checks.run import Options, check

from tests.support.fakes.talk import usage
from tests.support.fakes.tgi import MODEL, WORDS, FakeTgi


class Thinker(FakeTgi):
    """Thinks aloud before each answer, as R1 does; ``wise``: it comes to the right one."""

    def __init__(self, wise: bool) -> None:
        super().__init__()
        self.wise, self.asked = wise, list[int]()

    def chat(self, body: dict[str, Any]) -> httpx.Response:
        prompt = body["messages"][-1]["content"]
        said = next((text for word, text in WORDS.items() if word in prompt), "")
        if not said or body["stream"] or "tools" in body:
            return super().chat(body)
        thought = ["<think>", *["So", "I", "need", "to", "think", "of", "it."] * 9, "</think>"]
        words = [*thought, *(said if self.wise else "I do not know.").split()]
        self.asked.append(body["max_tokens"])
        finish = "length" if len(words) > body["max_tokens"] else "stop"
        message = {"role": "assistant", "content": " ".join(words[: body["max_tokens"]])}
        choice = {"index": 0, "finish_reason": finish, "message": message}
        reply = {"object": "chat.completion", "choices": [choice], "usage": usage(9, 20)}
        return httpx.Response(200, json=reply)


@pytest.mark.parametrize(
    ("wise", "status", "asked"),
    [(True, "pass", [24, 320, 320]), (False, "fail", [24, 320, 24, 24])],
)
def test_a_model_that_thinks_aloud_has_room_to(wise: bool, status: str, asked: list[int]) -> None:
    fake = Thinker(wise)
    options = Options("direct", "x", [MODEL], select=["chat.canary"], transport=fake.transport())
    (found,) = [one for one in asyncio.run(check(options)).checks if one.id == "chat.canary"]
    assert (found.status, found.attempts, fake.asked) == (status, 2, asked)
