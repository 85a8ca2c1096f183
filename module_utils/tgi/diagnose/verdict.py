"""Name the innermost broken link that explains what the client sees.

What a client meets first (a 502) is seldom what must be fixed (a GPU without memory). So the
verdict begins at the first broken link from the client's side and follows ``breaks`` of the
chain inwards, for the same model, as long as a broken link explains it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .chain import CHAIN, CLIENT, GATEWAY, LINKS, Link
from .finding import (
    NOT_REACHED,
    OK,
    UNKNOWN,
    Finding,
    Limits,
    Picture,
    Scene,
    models_of,
    not_reached,
)
from .judge.machine_links import seen_at_all

_WIDEST = 110
#: Links that say whether a side could be inspected
_FIRST = ("name", "gateway.way_in", "gpu.way_in")


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
        found = self.cause.found
        seen, remedy = (" ".join(text.split()).rstrip(".") for text in (found.seen, found.remedy))
        line = f"BROKEN: {self.cause.name} on {self.cause.host}: {seen}. Remedy: {remedy}."
        if self.outward:
            line += f" It breaks: {', '.join(_places(self.outward))}."
        if self.others:
            line += f" Also broken: {'; '.join(_places(self.others, True))}."
        blind = [one for one in self.findings if _is_blind(one)]
        if blind:
            line += f" Not inspected: {', '.join(one.host for one in blind)}."
        return line

    def table(self) -> str:
        """Return the verdict, then a line for each link from the client inwards."""
        rows = [("LINK", "HOST", "STATE", "SEEN")]
        rows += [
            (one.name, one.host, one.found.state, _short(one.found.seen)) for one in self.findings
        ]
        widths = [max(len(row[place]) for row in rows) for place in range(3)]
        lines = [
            "  ".join([*(text.ljust(width) for text, width in zip(row, widths)), row[3]]).rstrip()
            for row in rows
        ]
        return "\n".join([self.line, *lines])

    def rows(self) -> list[dict[str, str]]:
        """Return the findings as plain data."""
        return [
            {
                "link": one.link,
                "title": one.title,
                "host": one.host,
                "model": one.model,
                "state": one.found.state,
                "seen": one.found.seen,
                "code": one.found.code,
                "remedy": one.found.remedy,
            }
            for one in self.findings
        ]


def judge(picture: Picture) -> Verdict:
    """Judge every link of every host and model, and return the verdict."""
    findings = [finding for link in CHAIN for finding in _judge_link(link, picture)]
    broken = [one for one in findings if one.is_broken]
    if not broken:
        return Verdict(findings, None, (), ())
    cause = _cause_of(broken[0], broken, findings)
    outward = [one for one in broken if one is not cause and _explains(cause, one, findings)]
    # A machine that is both gateway and GPU host has some of its links twice
    rest = [
        one
        for one in broken
        if one not in outward and (one.name, one.host) != (cause.name, cause.host)
    ]
    # Of the other faults, only those that nothing else explains
    others = [
        one
        for one in rest
        if not any(_explains(other, one, findings) for other in rest if other is not one)
    ]
    return Verdict(findings, cause, outward, others)


def _judge_link(link: Link, picture: Picture) -> Iterator[Finding]:
    sides = {CLIENT: picture.clients, GATEWAY: picture.gateways}.get(link.side, picture.gpus)
    for own in sides:
        models = models_of(own)
        names = frozenset(str(one["name"]) for one in models)
        # A host that could not be inspected may matter to every model
        names = names if names and link.side not in (CLIENT, GATEWAY) else picture.names()
        host = str(own.get("host") or "")
        if not link.per_model:
            scene = Scene(own, {}, picture)
            visible = link.id in _FIRST or seen_at_all(scene)
            found = link.judge(scene) if visible else not_reached()
            yield Finding(link.id, link.title, host, "", names, found)
            continue
        if not models:
            yield Finding(link.id, link.title, host, "", names, not_reached())
        for one in models:
            name = str(one["name"])
            found = link.judge(Scene(own, one, picture))
            yield Finding(link.id, link.title, host, name, frozenset([name]), found)


def _cause_of(first: Finding, broken: Sequence[Finding], findings: Sequence[Finding]) -> Finding:
    """Return the innermost finding that explains ``first`` and that no other explains."""
    seen = {id(first)}
    cause = first
    while True:
        deeper = [one for one in broken if id(one) not in seen and _explains(one, cause, findings)]
        if not deeper:
            return cause
        cause = deeper[-1]
        seen.add(id(cause))


def _explains(inner: Finding, outer: Finding, findings: Sequence[Finding]) -> bool:
    """Return whether ``breaks`` leads from one to the other without passing a link that works."""
    ways, passed = [inner.link], {inner.link}
    while ways:
        for effect, codes in LINKS[ways.pop()].breaks.items():
            if effect in passed:
                continue
            if effect == outer.link:
                if _together(inner, outer) and (not codes or outer.found.code in codes):
                    return True
                continue
            if _passable(effect, codes, inner, findings):
                passed.add(effect)
                ways.append(effect)
    return False


def _together(inner: Finding, outer: Finding) -> bool:
    """Return whether both concern the same model and, on the same side, the same host."""
    same_side = LINKS[inner.link].side == LINKS[outer.link].side
    alone = same_side and inner.host != outer.host
    return bool(inner.models & outer.models) and not alone


def _passable(link: str, codes: Sequence[str], inner: Finding, findings: Sequence[Finding]) -> bool:
    """Return whether no such link works or is broken in another way."""
    there = [one for one in findings if one.link == link and _together(inner, one)]
    return all(
        (not codes or one.found.code in codes) if one.is_broken else one.found.state != OK
        for one in there
    )


def _places(findings: Sequence[Finding], why: bool = False) -> list[str]:
    return [
        f"{one.name} on {one.host}" + (f" ({_short(one.found.seen)})" if why else "")
        for one in findings
    ]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDEST else line[: _WIDEST - 1] + "…"


def _is_blind(one: Finding) -> bool:
    return one.link in _FIRST and one.found.state == UNKNOWN


def _fine(findings: Sequence[Finding]) -> str:
    good = sum(one.found.state == OK for one in findings)
    line = f"Nothing is broken: {good} of {len(findings)} links are ok"
    blind = [one.host for one in findings if _is_blind(one)]
    if blind:
        return f"{line}; not inspected: {', '.join(blind)}."
    left = [one for one in findings if one.found.state in (NOT_REACHED, UNKNOWN)]
    return f"{line}, {len(left)} could not be judged." if left else f"{line}."


def _blank(findings: Sequence[Finding]) -> str:
    why = next((one.found.seen for one in findings if _is_blind(one) and one.found.seen), "")
    said = f" ({_short(why)})" if why else ""
    return (
        f"UNKNOWN: the endpoint could not be inspected as a client{said}. Remedy: check that the "
        "group gateways has hosts, and run playbooks/preflight.yml to check the inventory."
    )


def read_picture(results: Mapping[str, Mapping[str, Any]], **limits: Any) -> Picture:
    """Return the picture; ``results`` maps clients, gateways, gpus to {host: registered result}."""
    sides = {
        side: [_observation(host, one) for host, one in by_host.items() if one]
        for side, by_host in results.items()
    }
    return Picture(**sides, limits=Limits(**limits))


def _observation(host: str, result: Any) -> Mapping[str, Any]:
    seen = result.get("seen") if isinstance(result, dict) else None
    if isinstance(seen, dict):
        return seen
    why = result.get("msg") if isinstance(result, dict) else ""
    # Before "failed: " Ansible names its own parts
    reason = " ".join(str(why or "no answer").split()).rpartition("failed: ")[2]
    return {"host": host, "blind": _short(reason)}
