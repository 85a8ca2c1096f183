"""Check the picture of a roll-out: valid SVG, one scale, and what was lost is visible."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from benchmarks.rollout_picture import Panel, draw, merged, scale

SVG = "{http://www.w3.org/2000/svg}"


def panel(**more: object) -> Panel:
    values: dict[str, object] = {
        "title": "site.yml",
        "note": "0 of 300 requests failed",
        "available": [1.0] * 100,
        "median": [150.0] * 100,
        "p95": [220.0] * 100,
        "change": (10.0, 90.0),
        "marks": [(30.0, "gpu1"), (60.0, "gpu2")],
        **more,
    }
    return Panel(**values)  # type: ignore[arg-type]


def parsed(*panels: Panel) -> ElementTree.Element:
    return ElementTree.fromstring(draw(panels, "what <is> drawn"))


def kinds(svg: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [one for one in svg.iter() if one.get("class") == name]


def test_a_change_that_loses_nothing_has_no_red() -> None:
    svg = parsed(panel(), panel())
    assert kinds(svg, "lost") == []
    # Seconds of one value are one bar
    assert len(kinds(svg, "ok")) == 2
    assert [one.text for one in kinds(svg, "t")] == ["site.yml", "site.yml"]
    assert svg.find(f"{SVG}desc").text == "what <is> drawn"  # type: ignore[union-attr]


def test_what_was_not_answered_is_red_above_the_rest() -> None:
    svg = parsed(panel(available=[1.0] * 10 + [0.25] * 10 + [None] * 10 + [0.0] * 10))
    first, second = kinds(svg, "lost")
    high = {one.get("height") for one in kinds(svg, "ok")}
    assert high == {"110", "27.5", "0"}
    assert (first.get("height"), second.get("height")) == ("82.5", "110")
    assert first.get("y") == second.get("y") == "86"
    assert first.get("width") == second.get("width")


def test_a_line_breaks_where_nothing_was_answered() -> None:
    (path,) = kinds(parsed(panel(median=[150.0, 150.0, None, 150.0])), "mid")
    assert re.findall("[ML]", path.get("d", "")) == ["M", "L", "M"]
    assert kinds(parsed(panel(median=[None, None])), "mid") == []


def test_both_panels_have_one_scale() -> None:
    svg = parsed(panel(), panel(p95=[4000.0] * 100))
    labels = [one.text for one in kinds(svg, "s")]
    assert labels.count("100 ms") == labels.count("1 s") == labels.count("10 s") == 2
    assert labels.count("10 ms") == 0
    left, right = (one.get("d", "") for one in kinds(svg, "mid"))
    assert left.split()[1].split("L")[0] == right.split()[1].split("L")[0]


@pytest.mark.parametrize(
    ("times", "powers"),
    [([], (1, 3)), ([150.0], (2, 3)), ([100.0], (2, 3)), ([9.0, 1001.0], (0, 4))],
)
def test_the_scale_holds_every_latency(times: list[float], powers: tuple[int, int]) -> None:
    assert scale(times) == powers


def test_marks_that_would_overlap_are_one() -> None:
    marks = [(60.0, "gpu3"), (10.0, "gpu2"), (11.0, "gpu1"), (12.0, "gpu1"), (30.0, "gpu1")]
    assert merged(marks, 5) == [(10.0, "gpu1, gpu2"), (30.0, "gpu1"), (60.0, "gpu3")]
    svg = parsed(panel(marks=marks))
    assert len(kinds(svg, "mark")) == 3
    assert "gpu1, gpu2" in [one.text for one in kinds(svg, "s")]


def test_labels_of_near_marks_stand_on_two_lines() -> None:
    marks = [(20.0, "gpu1"), (30.0, "gpu2"), (40.0, "gpu3"), (80.0, "gpu1")]
    labels = [one for one in kinds(parsed(panel(marks=marks)), "s") if "gpu" in (one.text or "")]
    assert [one.get("y") for one in labels] == ["74", "61", "74", "74"]


def test_it_fits_light_and_dark_and_nothing_is_outside() -> None:
    text = draw([panel(), panel(title="<&>")], "")
    assert "prefers-color-scheme: dark" in text and "&lt;&amp;&gt;" in text
    svg = ElementTree.fromstring(text)
    wide = float(svg.get("viewBox", "").split()[2])
    for one in svg.iter(f"{SVG}rect"):
        assert float(one.get("x", 0)) + float(one.get("width", 0)) <= wide


def test_an_empty_measurement_is_a_picture_too() -> None:
    assert kinds(parsed(panel(available=[], median=[], p95=[], marks=[])), "ok") == []
