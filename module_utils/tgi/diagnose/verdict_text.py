"""The verdict: its one line, its table, and its rows as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .chain import CLIENT, LINKS
from .finding import NOT_REACHED, OK, UNKNOWN, WARNING, Finding
from .look.asked_checks import NOT_ASKED

_WIDEST = 110
#: Links that say whether a side could be inspected
FIRST = ("name", "gateway.way_in", "gpu.way_in")
#: Links without which a wrong model would pass
_PROOF = ("identity", "text")


@dataclass(frozen=True)
class Verdict:
    """All findings, and how the broken ones belong together.

    ``cause`` is None when nothing is broken. ``outward`` are the findings that it explains,
    ``others`` the faults with another cause.
    """

    findings: Sequence[Finding]
    cause: Finding | None
    outward: Sequence[Finding]
    others: Sequence[Finding]

    @property
    def passed(self) -> bool:
        """Return whether nothing is broken and the client's side was inspected."""
        seen = [one for one in self.findings if LINKS[one.link].side == CLIENT]
        return self.cause is None and any(one.found.state == OK for one in seen)

    @property
    def line(self) -> str:
        """Return the verdict in one line: BROKEN with the remedy, or that nothing is broken."""
        if self.cause is None:
            return _fine(self.findings) if self.passed else _blank(self.findings)
        line = f"BROKEN: {_with_remedy(self.cause)}"
        if self.outward:
            line += f" It breaks: {', '.join(_places(self.outward))}."
        if self.others:
            line += f" Also broken: {'; '.join(_places(self.others, True))}."
        if warned := _warned(self.findings):
            line += f" Warnings: {'; '.join(_places(warned, True))}."
        blind = [one for one in self.findings if _is_blind(one)]
        if blind:
            line += f" Not inspected: {', '.join(one.host for one in blind)}."
        return line

    def table(self) -> str:
        """Return the verdict, then a line for each link from the client inwards."""
        rows = [("LINK", "HOST", "STATE", "SEEN")]
        rows += [
            (one.name, one.host, one.found.state, short(one.found.seen)) for one in self.findings
        ]
        widths = [max(len(row[place]) for row in rows) for place in range(3)]
        lines = [
            "  ".join([*(text.ljust(width) for text, width in zip(row, widths)), row[3]]).rstrip()
            for row in rows
        ]
        return "\n".join([self.line, *lines])

    def rows(self) -> list[dict[str, Any]]:
        """Return the findings as plain data. A consequence has no remedy of its own."""
        return [
            {
                "link": one.link,
                "title": one.title,
                "host": one.host,
                "model": one.model,
                "state": one.found.state,
                "seen": one.found.seen,
                "code": one.found.code,
                "remedy": "" if one in self.outward else one.found.remedy,
            }
            for one in self.findings
        ]


def _with_remedy(one: Finding) -> str:
    seen, remedy = (
        " ".join(text.split()).rstrip(".") for text in (one.found.seen, one.found.remedy)
    )
    return f"{one.name} on {one.host}: {seen}. Remedy: {remedy}."


def _places(findings: Sequence[Finding], why: bool = False) -> list[str]:
    return [
        f"{one.name} on {one.host}" + (f" ({short(one.found.seen)})" if why else "")
        for one in findings
    ]


def short(text: str) -> str:
    """Return a line that is not too wide for a table."""
    line = " ".join(text.split())
    return line if len(line) <= _WIDEST else line[: _WIDEST - 1] + "…"


def _warned(findings: Sequence[Finding]) -> list[Finding]:
    return [one for one in findings if one.found.state == WARNING]


def _is_blind(one: Finding) -> bool:
    return one.link in FIRST and one.found.state == UNKNOWN


def _fine(findings: Sequence[Finding]) -> str:
    good = sum(one.found.state == OK for one in findings)
    line = f"Nothing is broken: {good} of {len(findings)} links are ok"
    left = [one for one in findings if one.found.state in (NOT_REACHED, UNKNOWN)]
    line += f", {len(left)} could not be judged." if left else "."
    line += "".join(f" WARNING: {_with_remedy(one)}" for one in _warned(findings))
    if unproven := _unproven(findings):
        line += f" Not judged: which model answers, and its text, of {', '.join(unproven)}."
    line += f" Not asked here, but by playbooks/check.yml: {NOT_ASKED}."
    blind = [one.host for one in findings if _is_blind(one)]
    return f"{line} Not inspected: {', '.join(blind)}." if blind else line


def _unproven(findings: Sequence[Finding]) -> list[str]:
    """Return the models whose identity or text no GPU host showed."""
    names = {name for one in findings for name in one.models}
    seen = [(one.link, one.model) for one in findings if one.found.state in (OK, WARNING)]
    return sorted(name for name in names if any((link, name) not in seen for link in _PROOF))


def _blank(findings: Sequence[Finding]) -> str:
    why = next((one.found.seen for one in findings if _is_blind(one) and one.found.seen), "")
    said = f" ({short(why)})" if why else ""
    return (
        f"UNKNOWN: the endpoint could not be inspected as a client{said}. Remedy: check that the "
        "group gateways has hosts, and run playbooks/preflight.yml to check the inventory."
    )
