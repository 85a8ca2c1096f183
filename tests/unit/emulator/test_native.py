"""TGI's own routes: bodies, headers, limits and errors word by word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import App, events
from tests.support.emulator_process import MODEL

FRANCE = "Name the capital of France."


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path)


def ask(inputs: str = FRANCE, **parameters: Any) -> dict[str, Any]:
    return {"inputs": inputs, "parameters": parameters}


def test_generate_answers_and_counts(app: App) -> None:
    plain = app.post("/generate", ask(max_new_tokens=20))
    assert plain.json() == {"generated_text": "The capital of France is Paris."}
    full = app.post("/generate", ask(max_new_tokens=3, details=True))
    details = full.json()["details"]
    assert (details["finish_reason"], details["generated_tokens"]) == ("length", 3)
    assert "".join(token["text"] for token in details["tokens"]) == "The capital of"
    assert full.headers["x-prompt-tokens"] == "6"
    assert full.headers["x-generated-tokens"] == "3"
    assert float(full.headers["x-compute-time"]) > 0
    assert full.headers["x-total-time"].isdecimal()


def test_each_kind_of_end_is_recognised(app: App) -> None:
    ended = app.post("/generate", ask(max_new_tokens=50, details=True)).json()["details"]
    assert ended["finish_reason"] == "eos_token"
    assert ended["tokens"][-1]["special"] is True
    stopped = app.post("/generate", ask(max_new_tokens=50, stop=["France"], details=True)).json()
    assert stopped["generated_text"] == "The capital of France"
    assert stopped["details"]["finish_reason"] == "stop_sequence"


def test_seed_is_null_only_when_greedy(app: App) -> None:
    greedy = app.post("/generate", ask(max_new_tokens=1, details=True)).json()
    assert greedy["details"]["seed"] is None
    seeded = app.post("/generate", ask(max_new_tokens=1, details=True, do_sample=True, seed=7))
    assert seeded.json()["details"]["seed"] == 7


def test_stream_ends_with_the_text_and_without_done(app: App) -> None:
    answer = app.post("/generate_stream", ask(max_new_tokens=20, details=True))
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["x-accel-buffering"] == "no"
    found = events(answer.text)
    assert [event["index"] for event in found] == list(range(1, len(found) + 1))
    assert all(event["generated_text"] is None for event in found[:-1])
    assert found[-1]["generated_text"] == "The capital of France is Paris."
    assert found[-1]["details"] == {
        "finish_reason": "eos_token",
        "generated_tokens": len(found),
        "seed": None,
        "input_length": 6,
    }


def test_compat_route_is_a_list_that_repeats_the_prompt(app: App) -> None:
    body = {**ask(max_new_tokens=2), "stream": False}
    assert app.post("/", body).json() == [{"generated_text": FRANCE + "The capital"}]
    streamed = app.post("/", {**body, "stream": True})
    assert events(streamed.text)[-1]["generated_text"] == FRANCE + "The capital"


def test_invocations_are_recognised_by_shape(app: App) -> None:
    messages = [{"role": "user", "content": FRANCE}]
    assert isinstance(app.post("/invocations", ask(max_new_tokens=2)).json(), list)
    assert "choices" in app.post("/invocations", {"messages": messages}).json()
    assert app.post("/invocations", {"prompt": FRANCE}).json()["object"] == "text_completion"
    vertex = app.post("/vertex", {"instances": [ask(max_new_tokens=2), {"messages": messages}]})
    assert vertex.json() == {"predictions": ["The capital", "The capital of France is Paris."]}
    failed = app.post("/vertex", {"instances": [ask(max_new_tokens=0)]})
    assert (failed.status_code, failed.json()["error"]) == (500, "Incomplete generation")
    refused = app.post("/vertex", {"instances": [{"messages": messages, "tools": [],
                                                  "tool_choice": "f"}]})  # fmt: skip
    assert refused.json()["error"] == "Tool error: Tool with name f not found"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"temperature": 0.0}, "`temperature` must be strictly positive"),
        ({"max_new_tokens": 0}, "`max_new_tokens` must be strictly positive"),
        ({"top_p": 1.0}, "`top_p` must be > 0.0 and < 1.0"),
        ({"top_k": 0}, "`top_k` must be strictly positive"),
        ({"repetition_penalty": 0}, "`repetition_penalty` must be strictly positive"),
        ({"stop": ["a"] * 5}, "`stop` supports up to 4 stop sequences. Given: 5"),
        ({"top_n_tokens": 9}, "`top_n_tokens` must be >= 0 and <= 5. Given: 9"),
        ({"best_of": 2}, "you must use sampling when `best_of` is > 1"),
        ({"best_of": 3, "do_sample": True}, "`best_of` must be > 0 and <= 2. Given: 3"),
        ({"truncate": 0}, "`truncate` must be strictly positive and less than 8191. Given: 0"),
        ({"grammar": {"type": "json", "value": {"type": "hiccup"}}}, "grammar is not valid: "),
        ({"grammar": {"type": "json", "value": {}}}, "Grammar must have a 'properties' field"),
    ],
)
def test_validation_speaks_as_tgi(app: App, parameters: dict[str, Any], said: str) -> None:
    answer = app.post("/generate", ask(**{"max_new_tokens": 5, **parameters}))
    assert answer.status_code == 422
    assert answer.json()["error_type"] == "validation"
    assert answer.json()["error"].startswith("Input validation error: ")
    assert said in answer.json()["error"]
    streamed = app.post("/generate_stream", ask(**{"max_new_tokens": 5, **parameters}))
    assert streamed.status_code == 200
    assert events(streamed.text)[0]["error_type"] == "validation"


def test_context_limits(tmp_path: Path) -> None:
    app = App(tmp_path, "--max-input-tokens", "7", "--max-total-tokens", "13")
    said = app.post("/generate", ask(max_new_tokens=8)).json()["error"]
    assert said == (
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 13."
        " Given: 6 `inputs` tokens and 8 `max_new_tokens`"
    )
    said = app.post("/generate", ask("a b c d e f g", max_new_tokens=1)).json()["error"]
    assert said == "Input validation error: `inputs` must have less than 7 tokens. Given: 8"
    assert app.post("/generate", ask("", max_new_tokens=1)).json()["error"] == (
        "Input validation error: `inputs` cannot be empty"
    )
    open_end = app.post("/generate", {"inputs": "Tell me a story", "parameters": {}})
    assert open_end.json()["generated_text"].count(" ") == 7


def test_best_of_returns_the_others(app: App) -> None:
    body = ask(max_new_tokens=2, best_of=2, do_sample=True, details=True, top_n_tokens=1)
    details = app.post("/generate", body).json()["details"]
    (other,) = details["best_of_sequences"]
    common = ["finish_reason", "generated_tokens", "seed", "prefill", "tokens"]
    assert list(details) == [*common, "best_of_sequences", "top_tokens"]
    assert list(other) == ["generated_text", *common, "top_tokens"]


def test_tokenize_covers_the_text(app: App) -> None:
    begin, *tokens = app.post("/tokenize", ask("Hallo Welt, ja")).json()
    assert begin == {"id": 1, "text": "", "start": 0, "stop": 0}
    assert "".join(token["text"] for token in tokens) == "Hallo Welt, ja"
    assert tokens[1]["start"] == tokens[0]["stop"]
    assert app.post("/tokenize", ask("")).json() == [begin]
    letters = app.post("/tokenize", ask("日本 é")).json()
    assert [(one["text"], one["start"], one["stop"]) for one in letters[1:]] == [
        ("日本", 0, 6), (" é", 6, 9),
    ]  # fmt: skip


def test_info_and_models(app: App) -> None:
    info = app.get("/info").json()
    assert info["model_id"] == MODEL
    assert (info["version"], info["docker_label"]) == ("3.3.6-dev0", "sha-emulator")
    assert (info["max_input_tokens"], info["max_total_tokens"]) == (8191, 8192)
    assert app.get("/v1/models").json() == {
        "object": "list",
        "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": MODEL}],
    }


def test_metrics_appear_with_their_first_use(app: App) -> None:
    assert app.get("/metrics").text == ""
    app.post("/generate", ask(max_new_tokens=3))
    app.post("/generate", ask(max_new_tokens=0))
    text = app.get("/metrics").text
    assert "\ntgi_request_count 2\n" in text
    assert "\ntgi_request_success 1\n" in text
    assert '\ntgi_request_failure{err="validation"} 1\n' in text
    assert "\ntgi_queue_size 0\n" in text
    assert "\ntgi_request_generated_tokens_sum 3\n" in text
    assert '\ntgi_batch_inference_count{method="decode"} 2\n' in text
    assert 'tgi_request_duration_bucket{le="+Inf"} 1\n' in text
    assert text.count("tgi_request_duration_bucket{") == 36
    assert text.count("tgi_request_input_length_bucket{") == 101
    assert 'tgi_request_input_length_bucket{le="81.91"} 1\n' in text
