"""Arrange the figures of all documents for the template of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .document import Document

_FIGURES = {
    "ttft_ms": "TTFT", "tpot_ms": "TPOT", "itl_ms": "ITL", "e2e_ms": "E2E",
    "completion_tokens": "Output tokens",
}  # fmt: skip


def arrange_figures(documents: Sequence[Document]) -> dict[str, Any] | None:
    """Return names and lines of the table; None if there is no figure."""
    found = [
        (one, model, {name: _number(figures.get(name)) for name in _FIGURES})
        for one in documents
        for model, figures in one.get("figures", {}).items()
    ]
    found = [one for one in found if any(value is not None for value in one[2].values())]
    names = [name for name in _FIGURES if any(one[2][name] is not None for one in found)]
    longest = {name: max(one[2][name] or 0.0 for one in found) for name in names}
    lines = [
        (one, model, [_figure(name, values[name], longest[name]) for name in names])
        for one, model, values in found
    ]
    return {"names": [_FIGURES[name] for name in names], "lines": lines} if lines else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def _figure(name: str, value: float | None, longest: float) -> dict[str, Any]:
    text = "unknown"
    if value is not None:
        text = f"{value:.1f}" if value < 100 and not name.endswith("tokens") else f"{value:.0f}"
        text += " ms" if name.endswith("_ms") else ""
    return {"name": _FIGURES[name], "text": text, "value": value, "longest": longest}
