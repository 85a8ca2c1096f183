"""Test Prometheus text and the engine's counters."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.checks.judges.metrics import absent, parse_metrics, reset, shortfall
from ansible.module_utils.tgi.engines.profiles import ENGINES


def test_metrics() -> None:
    text = '# HELP x\na_total{le="1"} 2\na_total{le="2"} 3\nb 1.5e3 1700000000\n\n'
    assert parse_metrics(text) == {"a_total": 5.0, "b": 1500.0}
    assert parse_metrics("") == {}
    assert parse_metrics("<html>nothing here</html>") is None
    assert len(shortfall({}, {"tgi_request_count": 2.0}, 2, 5, ENGINES["tgi"].counters)) == 2


TGI, VLLM = ENGINES["tgi"].counters, ENGINES["vllm"].counters
COUNT, DONE, TOKENS = "tgi_request_count", "tgi_request_success", "tgi_request_generated_tokens_sum"


def counted(count: float, tokens: float = 10.0) -> dict[str, float]:
    return {COUNT: count, DONE: count, TOKENS: tokens}


@pytest.mark.parametrize(
    ("before", "highest", "after", "requests", "sign"),
    [
        ({}, counted(5), counted(5), 5, ""),
        ({}, counted(5), counted(6), 5, ""),
        (counted(7), counted(12), counted(12), 5, ""),
        (counted(7), counted(12), {}, 5, "went back from 12 to 0"),
        (counted(7), counted(12), counted(3), 5, "went back from 12 to 3"),
        ({}, counted(2), counted(2), 5, "moved by 2 since the first reading, after 5"),
        (counted(3), counted(3), counted(3), 5, ""),
        ({}, {}, {}, 0, ""),
    ],
)
def test_reset(
    before: dict[str, float], highest: dict[str, float], after: dict[str, float], requests: int,
    sign: str,
) -> None:  # fmt: skip
    found = reset(before, highest, after, requests, TGI)
    assert (sign in found) if sign else not found


def test_a_process_that_began_later_is_another_one() -> None:
    start = "process_start_time_seconds"
    assert reset({start: 1.0}, {}, {start: 2.0}, 0, VLLM)
    assert not reset({start: 1.0}, {}, {start: 1.0}, 0, VLLM)


def test_a_histogram_is_there_by_its_series() -> None:
    names = ["vllm:request_success_total", "vllm:generation_tokens_total",
             "vllm:num_requests_running", "vllm:time_to_first_token_seconds_bucket"]  # fmt: skip
    assert absent(names, VLLM) == []
    assert absent(names[1:], VLLM) == ["vllm:request_success_total"]
