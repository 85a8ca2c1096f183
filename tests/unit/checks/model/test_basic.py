"""Test questions with known answers."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from ansible.module_utils.tgi.checks.run import Options, check

from tests.support.checks.answers import usage
from tests.support.in_memory_tgi import MODEL, InMemoryTgi


class Thinker(InMemoryTgi):
    """Reason before each answer, as R1 does; ``wise``: give the correct one."""

    def __init__(self, wise: bool) -> None:
        super().__init__()
        self.wise, self.asked = wise, list[int]()

    async def handle(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle(request)
        if request.url.path != "/v1/chat/completions":
            return answer
        most = json.loads(request.content)["max_tokens"]
        whole = json.loads(await answer.aread())
        said = whole["choices"][0]["message"]["content"] if self.wise else "I do not know."
        thought = ["<think>", *["So", "I", "need", "to", "think", "of", "it."] * 9, "</think>"]
        words = [*thought, *said.split()]
        self.asked.append(most)
        finish = "length" if len(words) > most else "stop"
        message = {"role": "assistant", "content": " ".join(words[:most])}
        choice = {"index": 0, "finish_reason": finish, "message": message}
        return httpx.Response(200, json={**whole, "choices": [choice], "usage": usage(9, 20)})


@pytest.mark.parametrize(
    ("wise", "status", "asked"),
    [(True, "pass", [24, 320, 320]), (False, "fail", [24, 320, 24, 24])],
)
def test_a_model_that_thinks_aloud_has_room_to(wise: bool, status: str, asked: list[int]) -> None:
    fake = Thinker(wise)
    options = Options("direct", "x", [MODEL], select=["chat.canary"], transport=fake.transport())
    (found,) = [one for one in asyncio.run(check(options)).checks if one.id == "chat.canary"]
    assert (found.status, found.attempts, fake.asked) == (status, 2, asked)
