"""Test the colours of the page."""

from __future__ import annotations

import re

import pytest
from ansible.module_utils.tgi.checks.report.html_style import DARK, LIGHT, make_style


def light(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast_is_enough_for_aa(theme: dict[str, str]) -> None:
    backs = ["page", "card", "sunk"]
    pairs = [(ink, back) for ink in ("text", "dim", "link") for back in backs]
    kinds = ("pass", "fail", "warn", "idle")
    pairs += [(ink, f"{ink}-back") for ink in kinds] + [(ink, "card") for ink in kinds]
    pairs += [(ink, f"{kind}-back") for ink in ("text", "dim") for kind in kinds]
    pairs += [(ink, f"{kind}-back") for ink in kinds for kind in kinds]
    poor = {pair: contrast(theme[pair[0]], theme[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}
    assert contrast(theme["bar"], theme["card"]) >= 1.5


def test_both_themes_have_the_same_colours_and_all_are_used() -> None:
    assert set(LIGHT) == set(DARK)
    style = make_style()
    assert set(re.findall(r"var\(--([\w-]+)", style)) - {"ink", "back"} == set(LIGHT)
    assert "prefers-color-scheme:dark" in style and "@media print" in style
