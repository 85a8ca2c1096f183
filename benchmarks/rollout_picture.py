"""Draw availability and latency second by second as an SVG picture, one panel beside the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from benchmarks.rollout_figures import Series

_WIDTH, _LEFT, _BETWEEN, _RIGHT = 1200, 62, 62, 16
#: From seconds or milliseconds to a place in the picture
Scale = Callable[[float], float]
#: Top and height of the two charts, and the height of all
_SHARE, _TIME, _HEIGHT = (86, 110), (236, 150), 440
_STYLE = """
 rect{shape-rendering:crispEdges}
 .bg{fill:#fff} .run{fill:#eef2f7} .t{fill:#18222e;font-size:15px;font-weight:600}
 .s{fill:#45525f;font-size:12px} .axis{stroke:#8b98a6} .grid{stroke:#dfe5ec}
 .ok{fill:#8fcfb4} .lost{fill:#c8442f} .mark{stroke:#45525f;stroke-dasharray:3 3}
 .mid{stroke:#1f7a5c;stroke-width:1.6;fill:none} .p95{stroke:#b3562f;fill:none}
 .midt{fill:#1f7a5c} .p95t{fill:#b3562f}
 @media (prefers-color-scheme: dark) {
  .bg{fill:#10161d} .run{fill:#1a2430} .t{fill:#eef3f8}
  .s{fill:#b4c1cf} .axis{stroke:#6d7d8e} .grid{stroke:#27323e}
  .ok{fill:#2b6b54} .lost{fill:#ee6a54} .mark{stroke:#b4c1cf}
  .mid{stroke:#5cc9a3} .p95{stroke:#eb9a76}
  .midt{fill:#5cc9a3} .p95t{fill:#eb9a76} }
"""


@dataclass(frozen=True)
class Panel:
    """One change: all times in seconds from the left edge, latencies in milliseconds.

    ``change`` is when it began and ended, ``marks`` name the hosts whose containers were replaced.
    """

    title: str
    note: str
    available: Series
    median: Series
    p95: Series
    change: tuple[float, float]
    marks: Sequence[tuple[float, str]] = ()

    @property
    def seconds(self) -> int:
        return max(1, len(self.available))


def draw(panels: Sequence[Panel], description: str) -> str:
    """Return the picture, its panels side by side. All have the same scale of latency."""
    times = [ms for panel in panels for ms in (*panel.median, *panel.p95) if ms]
    decades = scale(times)
    wide = (_WIDTH - _LEFT - _RIGHT - _BETWEEN * (len(panels) - 1)) / len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'aria-labelledby="t d" font-family="system-ui, sans-serif">',
        '<title id="t">A change under load, second by second</title>',
        f'<desc id="d">{escape(description)}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="bg" width="{_WIDTH}" height="{_HEIGHT}" rx="10"/>',
    ]
    for place, panel in enumerate(panels):
        parts += _panel(panel, _LEFT + place * (wide + _BETWEEN), wide, decades)
    return "\n".join([*parts, "</svg>", ""])


def scale(times: Sequence[float]) -> tuple[int, int]:
    """Return the powers of ten between which all latencies are; ``(1, 3)`` without any."""
    if not times:
        return 1, 3
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    return low, max(high, low + 1)


def merged(marks: Iterable[tuple[float, str]], near: float) -> list[tuple[float, str]]:
    """Join marks that would overlap into one: its first time, each of their names once."""
    found: list[tuple[float, list[str]]] = []
    for at, name in sorted(marks):
        if found and at - found[-1][0] < near:
            names = found[-1][1]
            names += [name] if name not in names else []
        else:
            found.append((at, [name]))
    return [(at, ", ".join(sorted(names))) for at, names in found]


def _panel(panel: Panel, left: float, wide: float, decades: tuple[int, int]) -> list[str]:
    def x(second: float) -> float:
        return round(left + wide * second / panel.seconds, 1)

    began, ended = panel.change
    (top, tall), (lower, low_tall) = _SHARE, _TIME
    bottom = lower + low_tall
    parts = [
        _text("t", left, 26, panel.title),
        _text("s", left, 45, panel.note),
        _rect("run", x(began), top, x(ended) - x(began), bottom - top),
        f'<text class="s" x="{left:g}" y="{top + tall + 28}">time of an answer: '
        '<tspan class="midt">median</tspan>, <tspan class="p95t">p95</tspan></text>',
        *_axis(left, wide, top, tall, [(0, "0 %"), (0.5, "50 %"), (1, "100 %")]),
        *_axis(left, wide, lower, low_tall, _ticks(decades)),
        *_shares(panel.available, x, top, tall),
    ]
    for name, values in (("p95", panel.p95), ("mid", panel.median)):
        parts += _line(name, values, x, lambda ms: lower + low_tall * (1 - _part(ms, decades)))
    last, above = -math.inf, False
    for second, names in merged(panel.marks, panel.seconds * 0.06):
        parts.append(f'<path class="mark" d="M{x(second)} {top - 8}V{bottom}"/>')
        # A label that would touch the one before stands a line above it
        above = second - last < panel.seconds * 0.16 and not above
        parts.append(_text("s", x(second), top - (25 if above else 12), names, "middle"))
        last = second
    step = _step(panel.seconds, wide)
    for second in range(0, panel.seconds + 1, step):
        parts.append(_text("s", x(second), bottom + 18, f"{second} s", "middle"))
    return parts


def _ticks(decades: tuple[int, int]) -> list[tuple[float, str]]:
    low, high = decades
    return [
        (_part(10**power, decades), f"{10**power:g} ms" if power < 3 else f"{10 ** (power - 3)} s")
        for power in range(low, high + 1)
    ]


def _part(ms: float, decades: tuple[int, int]) -> float:
    low, high = decades
    return (math.log10(ms) - low) / (high - low)


def _step(seconds: int, wide: float) -> int:
    most = wide / 60
    return next((step for step in (10, 20, 30, 60, 120, 300) if seconds / step <= most), 600)


def _axis(
    left: float, wide: float, top: float, tall: float, ticks: list[tuple[float, str]]
) -> list[str]:
    parts = []
    for part, label in ticks:
        y = round(top + tall * (1 - part), 1)
        kind = "axis" if part == 0 else "grid"
        parts.append(f'<path class="{kind}" d="M{left:g} {y}H{left + wide:g}"/>')
        parts.append(_text("s", left - 6, y + 4, label, "end"))
    return parts


def _shares(values: Series, x: Scale, top: float, tall: float) -> list[str]:
    """Return bars from 0: what was answered, and above it what was not."""
    parts, at = [], 0
    for value, run in groupby(values):
        first, at = at, at + len(list(run))
        if value is None:
            continue
        wide, good = x(at) - x(first), round(tall * value, 1)
        parts.append(_rect("ok", x(first), top + tall - good, wide, good))
        if value < 1:
            parts.append(_rect("lost", x(first), top, wide, tall - good))
    return parts


def _line(name: str, values: Series, x: Scale, y: Scale) -> list[str]:
    """Return a line, with a break where there is no value."""
    path, drawn = "", False
    for second, value in enumerate(values):
        if value:
            path += f"{'L' if drawn else 'M'}{x(second + 0.5)} {y(value):.1f}"
        drawn = bool(value)
    return [f'<path class="{name}" d="{path}"/>'] if path else []


def _rect(kind: str, x: float, y: float, wide: float, tall: float) -> str:
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{wide:.1f}" height="{tall:g}"/>'


def _text(kind: str, x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
