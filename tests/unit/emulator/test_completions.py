"""/v1/completions: several prompts at once, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.emulator import App, events


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path)


def test_completions_of_many_prompts(app: App) -> None:
    prompts = ["Name the capital of Italy.", "What is 2+2?"]
    body = app.post("/v1/completions", {"prompt": prompts, "temperature": 0}).json()
    texts = {choice["index"]: choice["text"] for choice in body["choices"]}
    assert texts == {0: "The capital of Italy is Rome.", 1: "2 + 2 is 4."}
    assert {choice["finish_reason"] for choice in body["choices"]} == {"stop"}
    *chunks, done = events(app.post("/v1/completions", {"prompt": prompts, "stream": True}).text)
    assert done == "[DONE]"
    last = [chunk for chunk in chunks if "usage" in chunk]
    assert {chunk["choices"][0]["finish_reason"] for chunk in last} == {"eos_token"}
    rest = [chunk for chunk in chunks if "usage" not in chunk]
    assert {chunk["choices"][0]["finish_reason"] for chunk in rest} == {""}


def test_what_completions_refuse(app: App) -> None:
    many = app.post("/v1/completions", {"prompt": ["x"] * 5})
    assert (many.status_code, many.json()["error_type"]) == (422, "batch size exceeded")
    suffix = app.post("/v1/completions", {"prompt": "x", "suffix": "y"})
    assert suffix.json()["error_type"] == "suffix not supported"
    assert app.post("/v1/completions", {"prompt": []}).status_code == 422
