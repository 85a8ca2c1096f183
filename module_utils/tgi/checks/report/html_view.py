"""Arrange documents for the templates of the page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..judges.http_answer import SEE_OTHERS
from ..results import ACCEPTED, ERROR, FAIL, MAJOR, NOT_JUDGED, PASS, WARN
from .document import Document
from .html_figures import arrange_figures

Row = Mapping[str, Any]
#: Class, sign and word of each status, the worst first.
LOOKS = {
    ERROR: ("fail", "✗", "broke"),
    FAIL: ("fail", "✗", "failed"),
    NOT_JUDGED: ("idle", "·", "not judged"),
    WARN: ("warn", "!", "warned"),
    ACCEPTED: ("idle", "~", "accepted"),
    PASS: ("pass", "✓", "passed"),
}
GROUPS = (
    "selftest", "health", "identity", "generate", "chat", "tools", "json", "limits", "stream",
    "metrics", "smoke", "tls", "auth", "rate",
)  # fmt: skip
_COUNTED = (("passed", "passed", "pass"), ("failed", "failed", "fail"), ("errors", "broke", "fail"),
            ("not_judged", "not judged", "idle"), ("accepted", "accepted", "idle"),
            ("warned", "warned", "warn"))  # fmt: skip
_VERDICTS = {
    "passed": ("pass", "✓", "Passed"),
    "failed": ("fail", "✗", "Failed"),
    "skipped": ("idle", "·", "Nothing was checked"),
}


def make_view(documents: Sequence[Document]) -> dict[str, Any]:
    """Return the variables of the templates, apart from the documents themselves."""
    state = _state(documents)
    bare = [one for one in documents if not one["checks"]]
    return {
        "state": state,
        "verdict": _verdict(documents, state),
        "blind": [one for one in reversed(bare) if one["summary"]["verdict"] == "failed"],
        "todo": _todo(documents),
        "matrices": _matrices(documents),
        "figures": arrange_figures(documents) if len(bare) < len(documents) else None,
        "runs": [_run(one) for one in documents],
        "left_out": _left_out(documents),
    }


def _state(documents: Sequence[Document]) -> str:
    verdicts = {one["summary"]["verdict"] for one in documents}
    if "failed" in verdicts:
        return "failed"
    return "passed" if "passed" in verdicts else "skipped"


def _verdict(documents: Sequence[Document], state: str) -> dict[str, Any]:
    kind, sign, word = _VERDICTS[state]
    total = {key: sum(one["summary"][key] for one in documents) for key, _, _ in _COUNTED}
    counts: list[tuple[str, Any, str]] = [
        (look, total[key], name) for key, name, look in _COUNTED if total[key] or key == "passed"
    ]
    left = sum(len(one["left_out"]) for one in documents)
    counts += [("", left, "left out")] if left else []
    counts.append(("", f"{sum(one['summary']['seconds'] for one in documents):.1f} s", "of checks"))
    begun = min((one["started"] for one in documents), default="")
    lead = _lead(documents, state)
    return {"kind": kind, "sign": sign, "word": word, "lead": lead, "begun": begun,
            "counts": counts}  # fmt: skip


def _lead(documents: Sequence[Document], state: str) -> str:
    """Return what the verdict means, and which side of the gateway is the likely cause."""
    if state == "skipped":
        return "No selected check applies here."
    if state == "passed" and any(one["summary"]["accepted"] for one in documents):
        return "No required check failed, except for accepted failures."
    if state == "passed":
        return "Every planned check ran, and no required one failed."
    views: dict[str, set[str]] = {}
    for one in documents:
        views.setdefault(one["view"], set()).add(one["summary"]["verdict"])
    if {"direct", "edge"} <= set(views):
        if "failed" not in views["direct"]:
            return (
                "The models pass on their own hosts: the cause is the gateway, or the network "
                "between here and the gateway."
            )
        if "failed" in views["edge"]:
            return "Models fail on their own hosts: begin there, not at the gateway."
        return "Models fail on their own hosts, but not through the gateway."
    return "Not every planned check passed."


def _todo(documents: Sequence[Document]) -> list[dict[str, Any]]:
    grouped: dict[str, list[tuple[Document, Row]]] = {}
    for one in documents:
        for row in one["checks"]:
            if row["status"] != PASS and row["remedy"]:
                grouped.setdefault(row["remedy"], []).append((one, row))
    todo = [
        {
            "remedy": remedy,
            "found": found,
            "status": worst(row for _, row in found),
            "consequences": sum(len(_consequences(one, row)) for one, row in found),
        }
        for remedy, found in grouped.items()
    ]
    return sorted(todo, key=lambda one: _rank(one["remedy"], one["found"], one["consequences"]))


def _consequences(found: Document, root: Row) -> list[Row]:
    name = f"{root['id']} {root['model']}".strip()
    return [row for row in found["checks"] if row["consequence_of"] == name]


def _rank(remedy: str, found: Sequence[tuple[Document, Row]], consequences: int) -> int:
    """Rank causes of other failures first and vague ones last; ties keep the order of the plan."""
    if consequences:
        return -1
    if remedy == SEE_OTHERS:
        return 4
    ranks = {ERROR: 2, WARN: 3}
    return min(
        (1 if row["severity"] == MAJOR else 0) if row["status"] == FAIL else ranks[row["status"]]
        for _, row in found
    )


def _matrices(documents: Sequence[Document]) -> list[dict[str, Any]]:
    # The checks' own test matters only when it fails
    rows = [
        row
        for one in documents
        for row in one["checks"]
        if row["group"] != "selftest" or row["status"] != PASS
    ]
    models = [name for name in dict.fromkeys(row["model"] for row in rows) if name]
    parts = [("Models", models)] if models else []
    parts += [("Hosts", [""])] if any(not row["model"] for row in rows) else []
    return [_matrix(documents, title, names) for title, names in parts]


def _matrix(documents: Sequence[Document], title: str, names: Sequence[str]) -> dict[str, Any]:
    found = [
        (one, mine)
        for name in names
        for one in documents
        if (mine := [row for row in one["checks"] if row["model"] == name])
    ]
    seen = {r["group"] for _, mine in found for r in mine if r["group"] != "selftest"}
    seen |= {r["group"] for _, mine in found for r in mine if r["status"] != PASS}
    groups = sorted(seen, key=lambda g: (GROUPS.index(g) if g in GROUPS else 99, g))
    lines = [
        (one, mine, [_cell(one, mine, group) for group in groups])
        for one, mine in found
        if any(row["group"] in seen for row in mine)
    ]
    return {"title": title, "groups": groups, "lines": lines}


def _cell(found: Document, rows: Sequence[Row], group: str) -> dict[str, Any]:
    mine = [row for row in rows if row["group"] == group]
    if not mine:
        names = (rows[0]["model"], "")
        out = any(one["model"] in names and one["id"].startswith(f"{group}.")
                  for one in found["left_out"])  # fmt: skip
        return {"first": None, "left_out": out}
    status = worst(mine)
    bad = [row for row in mine if row["status"] == status]
    count = f"{len(mine)}" if status == PASS else f"{len(bad)} of {len(mine)}"
    return {"first": bad[0], "group": group, "status": status, "count": count,
            "linked": status != PASS}  # fmt: skip


def _run(found: Document) -> dict[str, Any]:
    bad = [row for row in found["checks"] if row["status"] != PASS]
    kind = {"passed": "pass", "skipped": "idle"}.get(found["summary"]["verdict"], "fail")
    explained = kind == "pass" or any(row["status"] in (FAIL, ERROR) for row in bad)
    return {
        "found": found,
        "kind": kind,
        "bad": bad,
        "good": [row for row in found["checks"] if row["status"] == PASS],
        "longest": max([row["ms"] for row in found["checks"]], default=0),
        # Without a failed row the message explains the verdict
        "unexplained": not explained,
    }


def _left_out(documents: Sequence[Document]) -> list[list[tuple[Document, Row]]]:
    groups: dict[tuple[str, ...], list[tuple[Document, Row]]] = {}
    for one in documents:
        for out in one["left_out"]:
            key = (out["reason"], out["model"], one["view"], one["target"])
            groups.setdefault(key, []).append((one, out))
    return list(groups.values())


def worst(rows: Iterable[Row]) -> str:
    """Return the worst status among ``rows``."""
    states = {row["status"] for row in rows}
    return next((status for status in LOOKS if status in states), PASS)


def share(part: float, whole: float) -> str:
    """Return the length of a bar in percent."""
    return f"{min(100.0, max(0.0, 100 * part / whole if whole > 0 else 0)):.1f}"


def anchor(found: Document, row: Row) -> str:
    """Return the HTML id of a row."""
    words = "-".join((found["view"], found["target"], row["id"], row["model"]))
    return "c-" + re.sub(r"[^A-Za-z0-9.-]", lambda hit: f"_{ord(hit.group()):x}", words)


def moment(iso: str) -> str:
    """Return a document's time for readers, with spaces that do not break."""
    return iso.replace("T", " ").replace("Z", " UTC").replace(" ", "\u00a0")


def duration(ms: float) -> str:
    """Return milliseconds for readers."""
    return f"{ms / 1000:.1f} s" if ms >= 10_000 else f"{ms:.0f} ms"


HELPERS = {"anchor": anchor, "duration": duration, "looks": LOOKS, "moment": moment, "share": share}
