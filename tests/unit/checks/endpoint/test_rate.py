"""Test how a burst compares with the declared tier, also with an unreachable limit."""

from __future__ import annotations

import asyncio

import pytest
from ansible.module_utils.tgi.checks.endpoint.endpoint_session import Tier
from ansible.module_utils.tgi.checks.endpoint.rate import Burst, burst_size, judge_burst
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import Model
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.fakes.gateway import KEY, NAME, FakeGateway

TIER = Tier(20, 10, 4)
GENEROUS = Tier(5000, 5000, 4)
REFUSAL = Answer(429, {"retry-after": "1"}, [(0.0, b'{"error": {"message": "limit"}}')])


def burst(
    good: int, limited: int = 0, broken: int = 0, seconds: float = 0.5, status: int = 500
) -> Burst:
    answers = [Answer(200)] * good + [REFUSAL] * limited + [Answer(status)] * broken
    return Burst(answers, seconds, 10.0)


def test_a_limit_that_was_met_passes() -> None:
    found = judge_burst(burst(18, 37), TIER)
    assert not found.problem and not found.soft


@pytest.mark.parametrize(("good", "seconds"), [(60, 4.0), (2000, 1.0)])
def test_a_limit_that_cannot_be_met_is_a_warning_with_what_to_do(good: int, seconds: float) -> None:
    tier = TIER if good == 60 else GENEROUS
    found = judge_burst(burst(good, seconds=seconds), tier)
    assert found.problem.startswith("could not send fast enough") and found.soft
    assert "checks_consumer" in found.remedy and "gateway_tiers" in found.remedy


@pytest.mark.parametrize(
    ("seen", "problem"),
    [
        (burst(60), "no 429 after 60 requests"),
        (burst(50, 10), "more than the tier allows"),
        (burst(2, 50), "stricter than the tier"),
        (burst(10, 0, 40, status=503), "40 refused with 503"),
        # Broken and too slow is a failure, not only unproven
        (burst(10, 0, 3, seconds=5.0), "3 of 13 requests got HTTP 500"),
    ],
)
def test_a_limit_that_is_wrong_is_red(seen: Burst, problem: str) -> None:
    found = judge_burst(seen, TIER)
    assert found.problem.startswith(problem) and not found.soft


def test_a_burst_is_more_than_the_limit_lets_pass() -> None:
    assert burst_size(Tier(5, 10)) == 25
    assert burst_size(Tier(1e6, 10)) == 2000


@pytest.mark.parametrize("faults", [(), ("no-limit",)])
def test_a_generous_tier_neither_fails_nor_passes(faults: tuple[str, ...]) -> None:
    """Stay below this limit with 2000 requests, whether nginx enforces it or not."""
    assert burst_size(GENEROUS) < GENEROUS.burst
    gateway = FakeGateway(*faults, rate=GENEROUS.rate, burst=GENEROUS.burst)
    options = Options(
        "edge", "gw1", [Model("small", "acme/small")], f"https://{NAME}", api_key=KEY,
        tier=GENEROUS, select=["rate"], transport=gateway.transport(),
    )  # fmt: skip
    report = asyncio.run(check(options))
    assert {one.id for one in report.of("warn")} == {
        "rate.enforced", "rate.recovers", "rate.scope",
    }  # fmt: skip
    assert not report.of("fail", "error") and "no limit was reached" in report.checks[-1].observed
