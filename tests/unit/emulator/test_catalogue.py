"""Ask a healthy engine with scripted text all that the checks' catalogue asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.checks.judges import questions

from tests.support.emulator import App, events
from tests.support.emulator_probes import STORY, TOOL, UTF8, chat, streamed

CHAT = "/v1/chat/completions"


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path)


def said(app: App, body: dict[str, Any]) -> str:
    return str(app.post(CHAT, body).json()["choices"][0]["message"]["content"])


@pytest.mark.parametrize("question", questions.QUESTIONS, ids=lambda question: question.text)
def test_known_answers_behind_a_nonce(app: App, question: questions.Question) -> None:
    assert question.answered_by(said(app, chat(questions.ask(question), max_tokens=24)))


@pytest.mark.parametrize(
    "order",
    ["Repeat exactly: {}", "Please repeat the following text and nothing else: {}",
     "Repeat this text: {}", "Say {}", "Reply with only {}", 'Answer with exactly: "{}"',
     "Repeat after me, without any other word: {}"],
)  # fmt: skip
def test_an_echo_is_exact(app: App, order: str) -> None:
    asked = f"Request {questions.nonce()}. {order.format(UTF8)}"
    assert said(app, chat(asked)) == UTF8
    chunks = events(app.post(CHAT, streamed(**chat(asked))).text)[:-2]
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks) == UTF8


@pytest.mark.parametrize(
    "prompt", [STORY, "Write a long poem about rain.", "Describe a harbour; answer in 100 words."]
)
def test_open_prompts_are_not_taken_for_echoes(app: App, prompt: str) -> None:
    body = app.post(CHAT, chat(f"Request {questions.nonce()}. {prompt}", max_tokens=128)).json()
    words = body["choices"][0]["message"]["content"].lower().replace(".", "").split()
    assert body["usage"]["completion_tokens"] == len(words) == 128
    assert len(set(words)) > 32
    assert max(words.count(word) for word in words) < 16
    assert len({tuple(words[at : at + 4]) for at in range(125)}) > 100


@pytest.mark.parametrize("choice", [None, "auto", "none"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_tools_result_reaches_the_answer(app: App, choice: str | None, stream: bool) -> None:
    asked = {"role": "user", "content": "What is the weather in Paris? Use get_weather."}
    call = {
        "id": "0", "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city":"Paris","unit":"celsius"}'},
    }  # fmt: skip
    result = json.dumps({"report": "code-word qzx17"})
    messages = [
        asked,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "0", "name": "get_weather", "content": result},
    ]
    body = {"messages": messages, "tools": [TOOL], "max_tokens": 64, "stream": stream}
    answer = app.post(CHAT, body if choice is None else {**body, "tool_choice": choice})
    assert answer.status_code == 200
    assert "qzx17" in answer.text
    # the result is quoted, the call is not made again
    assert '"tool_calls"' not in answer.text


def test_a_fresh_engine_shows_its_gauges_after_the_first_generation(app: App) -> None:
    app.post("/generate", {"inputs": "x", "parameters": {"max_new_tokens": 1}})
    lines = app.get("/metrics").text.splitlines()
    names = {line.split("{")[0].split()[0] for line in lines if line and not line.startswith("#")}
    wanted = {"tgi_request_count", "tgi_request_success", "tgi_queue_size",
              "tgi_batch_current_size", "tgi_batch_current_max_tokens",
              "tgi_request_generated_tokens_sum"}  # fmt: skip
    assert wanted <= names


def test_sagemaker_and_vertex_generate_too(app: App) -> None:
    asked = chat("What is 2 + 2?")
    assert "4" in app.post("/invocations", asked).json()["choices"][0]["message"]["content"]
    native = {"inputs": "What is 2 + 2?", "parameters": {"max_new_tokens": 9}}
    assert "4" in app.post("/invocations", native).json()[0]["generated_text"]
    assert "4" in app.post("/vertex", {"instances": [asked]}).json()["predictions"][0]
