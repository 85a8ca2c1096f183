"""The report as one page: the verdict first, then what to do, then everything else.

Self-contained: no script, no font, no picture from anywhere; it opens from a disk, a mail or a CI
artefact. Its policy (CSP) forbids scripts, so that nothing an engine said could ever run.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..judges.http_answer import SEE_OTHERS
from ..results import ERROR, FAIL, MAJOR, PASS, WARN
from .document import Document
from .html_parts import LOOKS, Row, anchor, mark, moment, of_model, place, text
from .html_runs import make_figures, make_matrices, make_run
from .html_style import make_style

_COUNTED = (("passed", "passed", "pass"), ("failed", "failed", "fail"), ("errors", "broke", "fail"),
            ("warned", "warned", "warn"))  # fmt: skip


def make_page(documents: Sequence[Document], notes: Sequence[str] = ()) -> str:
    """The page over all documents; ``notes`` say what is not in it."""
    body = [_verdict(documents, notes), _todo(documents)]
    if any(one["checks"] for one in documents):
        body += [make_matrices(documents), make_figures(documents)]
    body += ["<h2>Every check</h2>", *(make_run(one) for one in documents), _left_out(documents)]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{text(_title(documents))}</title>'
        f"<style>{make_style()}</style></head>\n<body><main>{''.join(body)}</main>\n"
        '<footer class="dim small"><p>direct: asked on the GPU host, on the model\'s own port. '
        "edge: asked through the gateway, as a client with a key. A check that did not run is no "
        "pass. Keys are in nothing here.</p></footer></body></html>\n"
    )


def _state(documents: Sequence[Document]) -> str:
    verdicts = {one["summary"]["verdict"] for one in documents}
    if "failed" in verdicts:
        return "failed"
    return "passed" if "passed" in verdicts else "skipped"


def _title(documents: Sequence[Document]) -> str:
    where = ", ".join(dict.fromkeys(str(one["target"]) for one in documents))
    return f"{_state(documents)}: checks of {where}"


def _verdict(documents: Sequence[Document], notes: Sequence[str]) -> str:
    state = _state(documents)
    kind, sign, word = {
        "passed": ("pass", "✓", "Passed"),
        "failed": ("fail", "✗", "Failed"),
        "skipped": ("idle", "·", "Nothing was checked"),
    }[state]
    total = {key: sum(one["summary"][key] for one in documents) for key, _, _ in _COUNTED}
    tiles = [
        f'<li class="{look}"><b>{total[key]}</b>{name}</li>'
        for key, name, look in _COUNTED
        if total[key] or key == "passed"
    ]
    left = sum(len(one["left_out"]) for one in documents)
    tiles += [f"<li><b>{left}</b>left out</li>"] if left else []
    seconds = sum(one["summary"]["seconds"] for one in documents)
    tiles.append(f"<li><b>{seconds:.1f} s</b>of checking</li>")
    begun = min((one["started"] for one in documents), default="")
    places = ", ".join(place(one) for one in documents)
    said = "".join(f'<p class="dim">{text(note)}</p>' for note in notes)
    return (
        f'<header class="verdict {kind}"><p class="dim small">Checks of served models · '
        f'{moment(begun)}</p><h1><span aria-hidden="true">{sign}</span> {word}</h1>'
        f'<p class="lead">{_lead(documents)}</p><p class="dim">{places}</p>{said}'
        f'<ul class="counts">{"".join(tiles)}</ul></header>'
    )


def _lead(documents: Sequence[Document]) -> str:
    """What the verdict means, and on which side of the gateway the cause is likely to be."""
    state = _state(documents)
    if state == "skipped":
        return "Nothing that was selected applies here."
    if state == "passed":
        return "Every planned check was run, and no required one failed."
    views: dict[str, set[str]] = {}
    for one in documents:
        views.setdefault(one["view"], set()).add(one["summary"]["verdict"])
    if {"direct", "edge"} <= set(views):
        if "failed" not in views["direct"]:
            return (
                "The models are in order on their own hosts: the cause is the gateway, or what "
                "lies between here and it."
            )
        if "failed" in views["edge"]:
            return "Models fail on their own hosts already: begin there, not at the gateway."
        return "Models fail on their own hosts, though not through the gateway."
    return "Not every planned check passed."


def _todo(documents: Sequence[Document]) -> str:
    """Each remedy once, worst first, with what it is for."""
    grouped: dict[str, list[tuple[Document, Row]]] = {}
    for one in documents:
        for row in one["checks"]:
            if row["status"] != PASS and row["remedy"]:
                grouped.setdefault(row["remedy"], []).append((one, row))
    order = sorted(grouped, key=lambda remedy: _rank(remedy, grouped[remedy]))
    items = [_remedy(remedy, grouped[remedy]) for remedy in order]
    for one in documents:
        if not one["checks"] and one["summary"]["verdict"] == "failed":
            items.insert(0, _blind(one))
    if not items:
        return ""
    return f'<h2>What to do next</h2><ol class="todo card">{"".join(items)}</ol>'


def _rank(remedy: str, found: Sequence[tuple[Document, Row]]) -> int:
    """Consequences of other failures last; the order of the plan, causes first, does the rest."""
    if remedy == SEE_OTHERS:
        return 4
    ranks = {ERROR: 2, WARN: 3}
    return min(
        (1 if row["severity"] == MAJOR else 0) if row["status"] == FAIL else ranks[row["status"]]
        for _, row in found
    )


def _remedy(remedy: str, found: Sequence[tuple[Document, Row]]) -> str:
    status = next(s for s in LOOKS if any(row["status"] == s for _, row in found))
    lines = [_affected(one, row) for one, row in found[:6]]
    if len(found) > 6:
        lines.append(f'<li class="dim">and {len(found) - 6} more</li>')
    return (
        f'<li class="{LOOKS[status][0]}"><div><p class="remedy">{text(remedy)}</p>'
        f'<ul class="small">{"".join(lines)}</ul></div></li>'
    )


def _affected(found: Document, row: Row) -> str:
    link = f'<a href="#{anchor(found, row)}"><code>{text(row["id"])}</code></a>'
    where = f'{of_model(row, found)} <span class="dim">({place(found)})</span>'
    return f"<li>{mark(row['status'])} {link} {where}: {text(row['observed'])}</li>"


def _blind(found: Document) -> str:
    return (
        f'<li class="fail"><div><p class="remedy">{place(found)} came to no verdict</p>'
        f'<p class="small">{text(found["message"])}</p></div></li>'
    )


def _left_out(documents: Sequence[Document]) -> str:
    """What was not planned, by reason."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for one in documents:
        for out in one["left_out"]:
            who = f"{of_model(out, one)} ({place(one)})"
            reasons.setdefault(out["reason"], {}).setdefault(who, []).append(out["id"])
    if not reasons:
        return ""
    lines = []
    for reason, places in reasons.items():
        for who, ids in places.items():
            names = ", ".join(f"<code>{text(one)}</code>" for one in ids)
            lines.append(f"<tr><td>{text(reason)}</td><td>{who}</td><td>{names}</td></tr>")
    return (
        '<h2>Left out</h2><div class="card"><table class="fold"><caption class="hidden">Left out, '
        'with the reason</caption><thead><tr><th scope="col">Reason</th><th scope="col">Model</th>'
        f'<th scope="col">Checks</th></tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
    )
