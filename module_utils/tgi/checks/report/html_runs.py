"""The page's tables: models by group, figures, and every check of every run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..results import ERROR, FAIL, PASS
from .document import Document
from .html_parts import (
    LOOKS,
    Row,
    anchor,
    bar,
    duration,
    mark,
    moment,
    of_model,
    place,
    text,
    worst,
)

GROUPS = (
    "selftest", "health", "identity", "generate", "chat", "tools", "json", "limits", "stream",
    "metrics", "smoke", "tls", "auth", "rate",
)  # fmt: skip
_FIGURES = {
    "ttft_ms": "TTFT", "tpot_ms": "TPOT", "itl_ms": "ITL", "e2e_ms": "E2E",
    "completion_tokens": "Output tokens",
}  # fmt: skip


def make_matrices(documents: Sequence[Document]) -> str:
    """Models by group of checks in each view; and apart from them what is a gateway's own."""
    # The checks' own test is of interest when it fails
    rows = [
        row
        for one in documents
        for row in one["checks"]
        if row["group"] != "selftest" or row["status"] != PASS
    ]
    models = [name for name in dict.fromkeys(row["model"] for row in rows) if name]
    parts = [("Models", models)] if models else []
    parts += [("Hosts", [""])] if any(not row["model"] for row in rows) else []
    return "".join(f"<h2>{title}</h2>{_matrix(documents, title, own)}" for title, own in parts)


def _matrix(documents: Sequence[Document], title: str, names: Sequence[str]) -> str:
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
        f'<tr role="row"><th scope="row" role="rowheader">{of_model(mine[0], one)}</th>'
        f'<td role="cell" class="place">{place(one)}</td>'
        f"{''.join(_cell(one, mine, group) for group in groups)}</tr>"
        for one, mine in found
        if any(row["group"] in seen for row in mine)
    ]
    head = "".join(
        f'<th scope="col" role="columnheader">{text(name)}</th>'
        for name in (title[:-1], "View and host", *groups)
    )
    return (
        f'<div class="card scroll" tabindex="0" role="region" aria-label="Results: {title}">'
        f'<table class="matrix fold" role="table"><caption class="hidden">{title}: results by view '
        f'and group of checks</caption><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(lines)}</tbody></table></div>'
    )


def _cell(found: Document, rows: Sequence[Row], group: str) -> str:
    mine = [row for row in rows if row["group"] == group]
    if not mine:
        names = (rows[0]["model"], "")
        out = any(one["model"] in names and one["id"].startswith(f"{group}.")
                  for one in found["left_out"])  # fmt: skip
        shown = (
            '<span class="small">left out</span>' if out else '<span aria-hidden="true">·</span>'
        )
        return f'<td role="cell" class="none">{shown}</td>'
    status = worst(mine)
    bad = [row for row in mine if row["status"] == status]
    count = f"{len(mine)}" if status == PASS else f"{len(bad)} of {len(mine)}"
    word = f'{count} <span class="hidden">{LOOKS[status][2]}</span>'
    if status != PASS:
        word = f'<a href="#{anchor(found, bad[0])}">{word}</a>'
    return f'<td role="cell" data-group="{text(group)}">{mark(status, word)}</td>'


def make_figures(documents: Sequence[Document]) -> str:
    """What was measured, where something was: TTFT, TPOT, E2E."""
    found = [
        (one, model, figures)
        for one in documents
        for model, figures in one.get("figures", {}).items()
        if any(_number(figures, name) is not None for name in _FIGURES)
    ]
    if not found:
        return ""
    names = [n for n in _FIGURES if any(_number(one, n) is not None for _, _, one in found)]
    longest = {n: max(_number(one, n) or 0.0 for _, _, one in found) for n in names}
    lines = [
        f'<tr role="row"><th scope="row" role="rowheader">{text(model)}</th>'
        f'<td role="cell" data-name="View">{place(one)}</td>'
        + "".join(_figure(name, _number(figures, name), longest[name]) for name in names)
        + "</tr>"
        for one, model, figures in found
    ]
    head = "".join(
        f'<th scope="col" role="columnheader"{" class=num" if at > 1 else ""}>{name}</th>'
        for at, name in enumerate(("Model", "View and host", *(_FIGURES[n] for n in names)))
    )
    return (
        '<h2>Figures</h2><div class="card scroll" tabindex="0" role="region" aria-label="Figures">'
        '<table class="figures fold" role="table"><caption class="hidden">What was measured'
        f'</caption><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(lines)}</tbody></table></div>'
        '<p class="dim small">TTFT: from the request to the first token. E2E: to the last one. '
        "TPOT: (E2E - TTFT) / (output tokens - 1), which AIPerf and guidellm call ITL. A first "
        "look at one request at a time, no benchmark.</p>"
    )


def _number(figures: Mapping[str, Any], name: str) -> float | None:
    value = figures.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def _figure(name: str, value: float | None, longest: float) -> str:
    shown = "not known"
    if value is not None:
        number = f"{value:.1f}" if value < 100 and not name.endswith("tokens") else f"{value:.0f}"
        shown = (f"{number} ms" if name.endswith("_ms") else number) + bar(value, longest)
    return f'<td role="cell" class="num" data-name="{_FIGURES[name]}">{shown}</td>'


def make_run(found: Document) -> str:
    """One view of one host: what did not pass, then, folded away, what did."""
    bad = [row for row in found["checks"] if row["status"] != PASS]
    good = [row for row in found["checks"] if row["status"] == PASS]
    longest = max([row["ms"] for row in found["checks"]], default=0)
    parts = [_table(found, bad, longest, "What did not pass")] if bad else []
    if good:
        what = "One check" if len(good) == 1 else f"{len(good)} checks"
        parts.append(
            f"<details><summary>{what} passed</summary>"
            f"{_table(found, good, longest, 'What passed')}</details>"
        )
    summary = found["summary"]
    kind = {"passed": "pass", "skipped": "idle"}.get(summary["verdict"], "fail")
    # Where no row accounts for the verdict, its own words do
    told = any(row["status"] in (FAIL, ERROR) for row in bad) or kind == "pass"
    said = "" if told else f'<p class="small">{text(found["message"])}</p>'
    return (
        f'<section class="run card"><header><h3>{place(found)}</h3>'
        f'<span class="mark {kind}">{text(summary["verdict"])}</span>'
        f'<span class="dim small">{summary["executed"]} of {summary["planned"]} checks run, '
        f"{summary['seconds']} s, begun {moment(found['started'])}</span>"
        f"{said}</header>{''.join(parts)}</section>"
    )


def _table(found: Document, rows: Sequence[Row], longest: float, title: str) -> str:
    heads = ("Result", "Check", "Model", "What was seen", "Time")
    head = "".join(f'<th scope="col" role="columnheader">{name}</th>' for name in heads)
    columns = "".join(f'<col class="c{at}">' for at in range(1, 6))
    lines = "".join(_check(found, row, longest) for row in rows)
    return (
        f'<table class="checks fold" role="table"><caption class="hidden">{title}: {place(found)}'
        f'</caption><colgroup>{columns}</colgroup><thead role="rowgroup"><tr role="row">{head}</tr>'
        f'</thead><tbody role="rowgroup">{lines}</tbody></table>'
    )


def _check(found: Document, row: Row, longest: float) -> str:
    told = [(key, row[key]) for key in ("expected", "observed", "evidence", "remedy")]
    told += [("severity", row["severity"])]
    told += [("attempts", row["attempts"])] if row["attempts"] > 1 else []
    more = "".join(f"<dt>{key}</dt><dd>{text(value)}</dd>" for key, value in told if value)
    return (
        f'<tr role="row" id="{anchor(found, row)}"><td role="cell">{mark(row["status"])}</td>'
        f'<th scope="row" role="rowheader"><code>{text(row["id"])}</code></th>'
        f'<td role="cell">{of_model(row, found)}</td>'
        f'<td role="cell" class="seen"><details><summary>{text(row["observed"] or "nothing")}'
        f"</summary><dl>{more}</dl></details></td>"
        f'<td role="cell" class="time">{duration(row["ms"])}{bar(row["ms"], longest)}</td></tr>'
    )
