"""Test what is expected of unmodified clients, and the table of docs/clients.md."""

from __future__ import annotations

import json
import re

import pytest

from benchmarks.clients import PAGE, TARGET
from benchmarks.page_marks import END, begin
from tests.support.clients.expectations import RIGHT, ROWS, SIDES, surprises, table
from tests.support.clients.programs import FOLDER
from tests.support.roots import ROOT

_PYTHON = re.compile(r'(?m)^@row\("([^"]+)", (\w+)\)')
_NODE = re.compile(r"(?m)^row\('([^']+)', (\w+),")


def asked() -> set[str]:
    """Return the rows that the programs have."""
    found = set()
    for path in sorted(FOLDER.glob("ask_*")):
        pattern = _PYTHON if path.suffix == ".py" else _NODE
        found |= {name for name, _ in pattern.findall(path.read_text())}
    return found


def test_each_row_is_asked_and_each_that_is_asked_has_an_expectation() -> None:
    assert asked() == ROWS.keys()


@pytest.mark.parametrize("row", ROWS)
def test_an_expectation_says_both_sides(row: str) -> None:
    wanted = ROWS[row]
    assert wanted["asks"]
    for one in (wanted, *wanted.get("unlike", {}).values()):
        for side in SIDES:
            assert one[side] == RIGHT or re.compile(str(one[side]))


def test_a_row_that_is_wrong_at_the_engine_is_right_or_refused_at_the_gateway() -> None:
    for name, wanted in ROWS.items():
        assert re.match(r"right$|40[04]: ", wanted["edge"]), name


def test_surprises_name_row_client_and_both_outcomes() -> None:
    outcomes = {("n=2", "X"): "1 answer, no word", ("schema", "X"): RIGHT}
    assert surprises(outcomes, "engine") == ["schema, X: right; expected: missing field `value`"]
    assert surprises(outcomes, "edge") == [
        "n=2, X: 1 answer, no word; expected: 400: The engine gives one answer to a request"
    ]
    assert surprises({("60 streamed calls", "X"): "18 of 60 torn"}, "engine") == []
    assert surprises({("60 streamed calls", "X"): "3 of 60 torn"}, "engine") != []


def test_clients_that_fare_alike_share_a_line() -> None:
    engine = {
        ("schema", "A"): "422: Failed to deserialize the JSON body into the target type: "
        "response_format: missing field `value` at line 1 column 798",
        ("schema", "B"): "422: the same in other words",
        ("schema", "C"): RIGHT,
        ("end of a text stream", "A"): "'<|im_end|>'",
    }
    edge = dict.fromkeys(engine, RIGHT)
    about = {name: ROWS[name]["asks"] for name in ("schema", "end of a text stream")}
    assert table(engine, edge).splitlines()[2:] == [
        f"| {about['schema']} | A, B | 422: response_format: missing field `value` | right |",
        f"| {about['schema']} | C | right | right |",
        f"| {about['end of a text stream']} | A | '&lt;\\|im_end\\|>' | right |",
    ]


def test_the_page_has_what_is_expected_of_every_row() -> None:
    written = PAGE.read_text().partition(begin(TARGET))[2].partition(END)[0]
    lines = [line for line in written.splitlines() if line.startswith("| ")][1:]
    assert {line.split(" | ")[0].removeprefix("| ") for line in lines} == {
        one["asks"] for one in ROWS.values()
    }
    for name, wanted in ROWS.items():
        ends = [
            line.rpartition(" | ")[2] for line in lines if line.startswith(f"| {wanted['asks']} |")
        ]
        assert all((end == "right |") is (wanted["edge"] == RIGHT) for end in ends), name


def test_node_s_packages_are_pinned_and_no_registry_is_in_their_lock() -> None:
    pins = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    lock = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    assert pins == {name: lock[f"node_modules/{name}"]["version"] for name in pins}
    for name, one in lock.items():
        assert not name or one["integrity"].startswith("sha512-"), name
        assert "resolved" not in one


def test_python_s_are_pinned() -> None:
    pins = (ROOT / "requirements" / "clients.in").read_text().splitlines()
    assert all("==" in line or line.startswith("#") for line in pins)
