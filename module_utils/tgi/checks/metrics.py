"""The engine's own counters, read as a witness of what the checks asked it to do."""

from __future__ import annotations

import re

_SAMPLE = re.compile(r"^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{.*\})?\s+(\S+)(?:\s+\S+)?$")
REQUESTS = "tgi_request_count"
SUCCESSES = "tgi_request_success"
TOKENS = "tgi_request_generated_tokens_sum"


def parse_metrics(text: str) -> dict[str, float] | None:
    """Sum of each metric over its labels; None when the text is not Prometheus exposition.

    An empty text is a fresh engine: series appear only after their first use.
    """
    totals: dict[str, float] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = _SAMPLE.match(line.strip())
        if match is None:
            return None
        try:
            totals[match.group(1)] = totals.get(match.group(1), 0.0) + float(match.group(2))
        except ValueError:
            return None
    return totals


def shortfall(
    before: dict[str, float], after: dict[str, float], requests: int, tokens: int
) -> list[str]:
    """Which counters did not move by at least what we know we caused."""
    wanted = {REQUESTS: requests, SUCCESSES: requests, TOKENS: tokens}
    moved = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in wanted}
    return [
        f"{name} moved by {moved[name]:g}, at least {least} expected"
        for name, least in wanted.items()
        if moved[name] < least
    ]
