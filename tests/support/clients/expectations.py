"""What must come of each row on each side, from tests/clients/expected.yml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from tests.support.roots import ROOT

RIGHT = "right"
SIDES = ("engine", "edge")
#: By row and client: what came.
Outcomes = Mapping[tuple[str, str], str]
ROWS: dict[str, dict[str, Any]] = yaml.safe_load(
    (ROOT / "tests" / "clients" / "expected.yml").read_text()
)


def expected(row: str, client: str, side: str) -> str:
    """Return `right`, or a pattern."""
    wanted = ROWS[row]
    return str(wanted.get("unlike", {}).get(client, wanted)[side])


def is_as_expected(row: str, client: str, side: str, outcome: str) -> bool:
    wanted = expected(row, client, side)
    return outcome == RIGHT if wanted == RIGHT else bool(re.search(wanted, outcome))


def surprises(outcomes: Outcomes, side: str) -> list[str]:
    """Return a line for each outcome that is not as expected."""
    return [
        f"{row}, {client}: {outcome}; expected: {expected(row, client, side)}"
        for (row, client), outcome in outcomes.items()
        if not is_as_expected(row, client, side, outcome)
    ]


def table(engine: Outcomes, edge: Outcomes) -> str:
    """Return both sides as a table of Markdown; clients that fare alike share a line."""
    lines = ["| what clients ask for | by | TGI's own port | the gateway |", "|---|---|---|---|"]
    for row, about in ROWS.items():
        fared: dict[tuple[str, str], list[str]] = {}
        for (name, client), outcome in engine.items():
            if name == row:
                shown = (_cell(outcome), _cell(edge[name, client]))
                alike = next((one for one in fared if _kind(one) == _kind(shown)), shown)
                fared.setdefault(alike, []).append(client)
        for (left, right), clients in fared.items():
            lines.append(f"| {about['asks']} | {', '.join(clients)} | {left} | {right} |")
    return "\n".join(lines)


def _kind(cells: tuple[str, str]) -> tuple[bool, bool]:
    return cells[0] == RIGHT, cells[1] == RIGHT


def _cell(outcome: str, most: int = 76) -> str:
    """Return an outcome for a table: the server's words, without what names only a place."""
    text = re.sub(r"Failed to deserialize the JSON body into the target type: ", "", outcome)
    text = re.sub(r" at line \d+ column \d+", "", re.sub(r"^(\d+): \1 ", r"\1: ", text))
    text = text.replace("|", "\\|").replace("<", "&lt;")
    return text if len(text) <= most else f"{text[:most].rstrip()} …"
