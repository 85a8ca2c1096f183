"""Name the innermost broken link that explains what the client sees.

What a client meets first (a 502) is seldom what must be fixed (a GPU without memory). So the
verdict begins at the first broken link from the client's side and follows ``breaks`` of the
chain inwards, for the same model, as long as a broken link explains it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from .chain import CHAIN, CLIENT, GATEWAY, LINKS, Link
from .finding import (
    NOT_REACHED,
    OK,
    WARNING,
    Finding,
    Limits,
    Picture,
    Scene,
    models_of,
    not_reached,
)
from .judge.machine_links import seen_at_all
from .known_failures import read_known, soften
from .verdict_text import FIRST, Verdict, short


def judge(picture: Picture) -> Verdict:
    """Judge every link of every host and model, and return the verdict."""
    findings = _without_history(
        [finding for link in CHAIN for finding in _judge_link(link, picture)]
    )
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
    roots = [cause, *others]
    return Verdict([_say_why(one, roots) for one in findings], cause, outward, others)


def _without_history(findings: list[Finding]) -> list[Finding]:
    """Warn of lines that stand in a log only, and are not the cause of a broken link."""
    broken = [one for one in findings if one.is_broken]
    now = [one for one in broken if not one.found.past]
    old = [
        one
        for one in broken
        if one.found.past and not any(_explains(one, other, findings) for other in now)
    ]
    return [
        replace(one, found=replace(one.found, state=WARNING)) if one in old else one
        for one in findings
    ]


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
            visible = link.id in FIRST or seen_at_all(scene)
            found = link.judge(scene) if visible else not_reached()
            yield Finding(link.id, link.title, host, "", names, found)
            continue
        if not models:
            yield Finding(link.id, link.title, host, "", names, not_reached())
        for one in models:
            name = str(one["name"])
            found = soften(link.judge(Scene(own, one, picture)), link.id, name, picture)
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


def _say_why(one: Finding, roots: Sequence[Finding]) -> Finding:
    """Name the root of a link that was not tried, as far as the chain leads there."""
    if one.found.state != NOT_REACHED or one.found.seen:
        return one
    root = next((root for root in roots if _stands_on(root, one)), None)
    if root is None:
        return one
    seen = f"not judged: a consequence of {root.name} on {root.host}"
    return replace(one, found=replace(one.found, seen=seen))


def _stands_on(root: Finding, one: Finding) -> bool:
    """Return whether ``breaks`` leads from one to the other, whatever the codes."""
    ways, reached = [root.link], {root.link}
    while ways:
        for effect in set(LINKS[ways.pop()].breaks) - reached:
            reached.add(effect)
            ways.append(effect)
    return one.link in reached and _together(root, one)


def read_picture(
    results: Mapping[str, Mapping[str, Any]], accepted: Sequence[Any] = (), **limits: Any
) -> Picture:
    """Return the picture; ``results`` maps clients, gateways, gpus to {host: registered result}.

    ``accepted`` is checks_accepted.
    """
    sides = {
        side: [_observation(host, one) for host, one in by_host.items() if one]
        for side, by_host in results.items()
    }
    known = read_known(accepted)
    return Picture(**sides, limits=Limits(**limits), accepted=known, today=date.today())


def _observation(host: str, result: Any) -> Mapping[str, Any]:
    seen = result.get("seen") if isinstance(result, dict) else None
    if isinstance(seen, dict):
        return seen
    why = result.get("msg") if isinstance(result, dict) else ""
    # Before "failed: " Ansible names its own parts
    reason = " ".join(str(why or "no answer").split()).rpartition("failed: ")[2]
    return {"host": host, "blind": short(reason)}
