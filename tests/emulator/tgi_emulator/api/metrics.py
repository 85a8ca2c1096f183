"""TGI's Prometheus metrics: a series appears with its first use, so a fresh server has few."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from ..start.limits import Limits
from .rust_words import number

#: TGI describes these only: the others have no HELP line.
_HELP = {
    "tgi_request_success": "Number of successful requests",
    "tgi_request_duration": "Request duration",
    "tgi_request_validation_duration": "Request validation duration",
    "tgi_request_queue_duration": "Request queue duration",
    "tgi_request_inference_duration": "Request inference duration",
    "tgi_request_mean_time_per_token_duration": "Mean time per token per request",
    "tgi_request_generated_tokens": "Generated tokens per request",
    "tgi_request_count": "Total number of requests",
    "tgi_request_input_length": "Input token length per request",
    "tgi_request_max_new_tokens": "Maximum new tokens per request",
    "tgi_request_skipped_tokens": "Speculated tokens per request",
    "tgi_queue_size": "Current queue size",
    "tgi_batch_current_size": "Current batch size",
    "tgi_batch_current_max_tokens": "Maximum tokens for the current batch",
    "tgi_batch_next_size": "Batch size of the next batch",
    "tgi_batch_inference_count": "Inference calls per method (prefill or decode)",
    "tgi_batch_inference_success": (
        "Number of successful inference calls per method (prefill or decode)"
    ),
    "tgi_batch_inference_duration": "Batch inference duration",
    "tgi_batch_forward_duration": "Batch forward duration per method (prefill or decode)",
    "tgi_batch_decode_duration": "Time spent decoding a batch per method (prefill or decode)",
    "tgi_batch_filter_duration": (
        "Time spent filtering batches and sending generated tokens per method (prefill or decode)"
    ),
}  # fmt: skip
_QUANTILES = (0.0, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0)


class _Distribution:
    """Observed values: a histogram where the metric has bounds, a summary where it has none."""

    def __init__(self, bounds: list[float]) -> None:
        self.bounds, self.total = bounds, 0.0
        self.counts = [0] * (len(bounds) + 1)

    def observe(self, value: float) -> None:
        self.total += value
        self.counts[bisect_left(self.bounds, value)] += 1

    def lines(self, name: str, labels: str) -> Iterator[str]:
        comma, so_far = ("," if labels else ""), 0
        for bound, count in zip([*map(number, self.bounds), "+Inf"], self.counts, strict=True):
            so_far += count
            if self.bounds:
                yield f'{name}_bucket{{{labels}{comma}le="{bound}"}} {so_far}'
        for quantile in () if self.bounds else _QUANTILES:
            # TGI's only summary counts tokens that speculation skipped: all are 0 without it
            yield f'{name}{{{labels}{comma}quantile="{number(quantile)}"}} 0'
        tail = f"{{{labels}}}" if labels else ""
        yield f"{name}_sum{tail} {number(self.total)}"
        yield f"{name}_count{tail} {so_far}"


def _key(name: str, labels: dict[str, str]) -> tuple[str, str]:
    return name, ",".join(f'{key}="{value}"' for key, value in labels.items())


class Metrics:
    """Counters, gauges, histograms and a summary by name and labels."""

    def __init__(self, limits: Limits) -> None:
        self._counters: dict[tuple[str, str], int] = {}
        self._gauges: dict[tuple[str, str], float] = {}
        self._distributions: dict[tuple[str, str], _Distribution] = {}
        self._frozen: str | None = None
        durations, step = [], 0.0001
        for _ in range(35):
            step *= 1.5
            durations.append(step)
        self._durations = durations
        self._bounds = {
            "tgi_request_input_length": _hundredths(limits.max_input),
            "tgi_request_generated_tokens": _hundredths(limits.max_total),
            "tgi_request_max_new_tokens": _hundredths(limits.max_total),
            "tgi_batch_next_size": [float(size + 1) for size in range(1024)],
        }

    def count(self, name: str, **labels: str) -> None:
        key = _key(name, labels)
        self._counters[key] = self._counters.get(key, 0) + 1

    def value(self, name: str, **labels: str) -> int:
        """Return a counter's value."""
        return self._counters.get(_key(name, labels), 0)

    def gauge(self, name: str, value: float) -> None:
        self._gauges[_key(name, {})] = value

    def observe(self, name: str, value: float, **labels: str) -> None:
        key = _key(name, labels)
        if key not in self._distributions:
            bounds = self._durations if name.endswith("duration") else self._bounds.get(name, [])
            self._distributions[key] = _Distribution(bounds)
        self._distributions[key].observe(value)

    def render(self, frozen: bool = False) -> str:
        """Return the text exposition format; frozen, what it was when it froze."""
        if not frozen:
            self._frozen = None
            return self._render()
        if self._frozen is None:
            self._frozen = self._render()
        return self._frozen

    def _render(self) -> str:
        """A blank line after each family."""
        families: dict[str, list[str]] = {}
        for kind, table in (("counter", self._counters), ("gauge", self._gauges)):
            for (name, labels), value in table.items():
                shown = f"{name}{{{labels}}}" if labels else name
                families.setdefault(name, _title(name, kind)).append(f"{shown} {number(value)}")
        for (name, labels), one in self._distributions.items():
            title = _title(name, "histogram" if one.bounds else "summary")
            families.setdefault(name, title).extend(one.lines(name, labels))
        return "".join("\n".join(lines) + "\n\n" for lines in families.values())


def _hundredths(most: int) -> list[float]:
    return [most / 100 * (step + 1) for step in range(100)]


def _title(name: str, kind: str) -> list[str]:
    described = [f"# HELP {name} {_HELP[name]}"] if name in _HELP else []
    return [*described, f"# TYPE {name} {kind}"]
