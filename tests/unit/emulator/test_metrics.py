"""The metrics page: names, kinds, descriptions and numbers as TGI's exporter writes them."""

from __future__ import annotations

import re
from pathlib import Path

from tgi_emulator.api.metrics import Metrics
from tgi_emulator.start.limits import Limits

from tests.support.emulator import App

#: Recorded from TGI 3.3.7 under load, with requests that failed.
SEEN = {
    "counter": {
        "tgi_batch_concat", "tgi_batch_inference_count", "tgi_batch_inference_failure",
        "tgi_batch_inference_success", "tgi_request_count", "tgi_request_failure",
        "tgi_request_success",
    },
    "gauge": {"tgi_batch_current_max_tokens", "tgi_batch_current_size", "tgi_queue_size"},
    "histogram": {
        "tgi_batch_concat_duration", "tgi_batch_decode_duration", "tgi_batch_filter_duration",
        "tgi_batch_forward_duration", "tgi_batch_inference_duration", "tgi_batch_next_size",
        "tgi_request_duration", "tgi_request_generated_tokens", "tgi_request_inference_duration",
        "tgi_request_input_length", "tgi_request_max_new_tokens",
        "tgi_request_mean_time_per_token_duration", "tgi_request_queue_duration",
        "tgi_request_validation_duration",
    },
    "summary": {"tgi_request_skipped_tokens"},
}  # fmt: skip
UNDESCRIBED = {
    "tgi_batch_concat", "tgi_batch_concat_duration", "tgi_batch_inference_failure",
    "tgi_request_failure",
}  # fmt: skip


def busy(folder: Path) -> str:
    """Return the page after two prompts at once, and a generation that failed."""
    app = App(folder)
    app.post("/v1/completions", {"prompt": ["a", "b"], "max_tokens": 3})
    app.faults.write({"no-generate": ""})
    app.post("/generate", {"inputs": "a"})
    return app.get("/metrics").text


def test_all_that_the_real_engine_has_is_there_in_its_kind(tmp_path: Path) -> None:
    page = busy(tmp_path)
    kinds: dict[str, set[str]] = {}
    for name, kind in re.findall(r"(?m)^# TYPE (\S+) (\S+)$", page):
        kinds.setdefault(kind, set()).add(name)
    assert kinds == SEEN
    described = set(re.findall(r"(?m)^# HELP (\S+) \S", page))
    assert described == set().union(*SEEN.values()) - UNDESCRIBED


def test_labels_and_counts(tmp_path: Path) -> None:
    lines = busy(tmp_path).splitlines()
    for line in (
        'tgi_batch_concat{reason="chunking"} 1',
        'tgi_batch_concat_duration_count{method="decode"} 1',
        'tgi_batch_inference_count{method="prefill"} 3',
        'tgi_batch_inference_success{method="prefill"} 2',
        'tgi_batch_inference_failure{method="prefill"} 1',
        'tgi_batch_filter_duration_count{method="decode"} 4',
        'tgi_request_failure{err="generation"} 1',
        'tgi_request_skipped_tokens{quantile="0"} 0',
        'tgi_request_skipped_tokens{quantile="0.999"} 0',
        'tgi_request_skipped_tokens{quantile="1"} 0',
        "tgi_request_skipped_tokens_sum 0",
    ):
        assert line in lines, line


def test_numbers_have_no_point_where_nothing_follows() -> None:
    metrics = Metrics(Limits(1024, 2048, 2048, 131072))
    metrics.observe("tgi_batch_next_size", 512)
    metrics.observe("tgi_request_duration", 5e-05)
    metrics.gauge("tgi_batch_current_max_tokens", 12_345_678)
    lines = metrics.render().splitlines()
    for line in (
        'tgi_batch_next_size_bucket{le="512"} 1',
        'tgi_request_duration_bucket{le="0.00015000000000000001"} 1',
        "tgi_request_duration_sum 0.00005",
        "tgi_batch_current_max_tokens 12345678",
    ):
        assert line in lines, line


def test_every_request_and_each_generation_of_one_is_counted(tmp_path: Path) -> None:
    """The OpenAI routes count a request when it comes, and again when it generates."""
    app = App(tmp_path)
    messages = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    for path, body, counted in (
        ("/generate", {"inputs": "a"}, 1),
        ("/generate_stream", {"inputs": "a"}, 1),
        ("/v1/chat/completions", messages, 2),
        ("/v1/chat/completions", {**messages, "stream": True}, 2),
        ("/v1/completions", {"prompt": ["a", "b"], "max_tokens": 1}, 3),
        ("/vertex", {"instances": [{"inputs": "a"}]}, 2),
        ("/chat_tokenize", messages, 1),
        ("/tokenize", {"inputs": "a"}, 0),
    ):
        before = app.backend.metrics.value("tgi_request_count")
        assert app.post(path, body).status_code == 200
        assert app.backend.metrics.value("tgi_request_count") - before == counted, path
