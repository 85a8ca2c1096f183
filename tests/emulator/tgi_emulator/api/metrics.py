"""TGI's Prometheus metrics: a series appears with its first use, so a fresh server has few."""

from __future__ import annotations

from bisect import bisect_left

from ..start.limits import Limits

_HELP = {
    "tgi_request_success": "Number of successful requests",
    "tgi_request_duration": "Total time spent processing the request",
    "tgi_request_validation_duration": "Time spent validating the request",
    "tgi_request_queue_duration": "Time spent in the queue per request",
    "tgi_request_inference_duration": "Request inference duration",
    "tgi_request_mean_time_per_token_duration": "Mean time per token per request",
    "tgi_request_generated_tokens": "Generated tokens per request",
    "tgi_request_count": "Total number of requests",
    "tgi_request_failure": "Number of failed requests",
    "tgi_request_input_length": "Input token length per request",
    "tgi_queue_size": "Current number of requests in queue",
    "tgi_batch_current_size": "Current batch size",
    "tgi_batch_current_max_tokens": "Maximum tokens for the current batch",
    "tgi_batch_next_size": "Batch size of the next batch",
}


def _key(name: str, labels: dict[str, str]) -> tuple[str, str]:
    inner = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return name, inner


class Metrics:
    """Counters, gauges and histograms by name and labels."""

    def __init__(self, limits: Limits) -> None:
        self._counters: dict[tuple[str, str], int] = {}
        self._gauges: dict[tuple[str, str], float] = {}
        self._histograms: dict[tuple[str, str], tuple[list[int], list[float]]] = {}
        self._frozen: str | None = None
        durations, step = [], 0.0001
        for _ in range(35):
            step *= 1.5
            durations.append(step)
        self._durations = durations
        self._counts = {
            "tgi_request_input_length": limits.max_input,
            "tgi_request_generated_tokens": limits.max_total,
            "tgi_request_max_new_tokens": limits.max_total,
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
        bounds = self._bounds(name)
        counts, total = self._histograms.setdefault(key, ([0] * (len(bounds) + 1), [0.0]))
        counts[bisect_left(bounds, value)] += 1
        total[0] += value

    def _bounds(self, name: str) -> list[float]:
        if name.endswith("duration"):
            return self._durations
        if name in self._counts:
            return [self._counts[name] / 100 * (step + 1) for step in range(100)]
        return [float(step + 1) for step in range(1024)]

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
        out: list[str] = []
        for kind, table in (("counter", self._counters), ("gauge", self._gauges)):
            for name in dict.fromkeys(name for name, _ in table):
                out += self._title(name, kind)
                for (other, labels), value in table.items():
                    if other == name:
                        out.append(
                            f"{name}{{{labels}}} {value:g}" if labels else f"{name} {value:g}"
                        )
                out.append("")
        for name in dict.fromkeys(name for name, _ in self._histograms):
            out += self._title(name, "histogram")
            for (other, labels), (counts, total) in self._histograms.items():
                if other == name:
                    out += self._histogram(name, labels, counts, total[0])
            out.append("")
        return "\n".join(out) + "\n" if out else ""

    def _histogram(self, name: str, labels: str, counts: list[int], total: float) -> list[str]:
        comma, so_far, lines = ("," if labels else ""), 0, []
        for bound, count in zip([*map(str, self._bounds(name)), "+Inf"], counts, strict=True):
            so_far += count
            lines.append(f'{name}_bucket{{{labels}{comma}le="{bound}"}} {so_far}')
        tail = f"{{{labels}}}" if labels else ""
        return [*lines, f"{name}_sum{tail} {total}", f"{name}_count{tail} {so_far}"]

    @staticmethod
    def _title(name: str, kind: str) -> list[str]:
        described = [f"# HELP {name} {_HELP[name]}"] if name in _HELP else []
        return [*described, f"# TYPE {name} {kind}"]
