"""Show what checks_accepted accepts as such: the diagnosis names it, and does not fail for it."""

from __future__ import annotations

from collections.abc import Iterable

from ..checks.accepted import Accepted, find_problems, read_accepted
from .finding import BROKEN, WARNING, Found, Picture, ok, warning
from .look.asked_checks import BY_LINK

#: The check that stands for a link whose findings do not name one
_CHECKS = {
    "served": "model.info",
    "chat": "chat.basic",
    "direct.chat": "chat.basic",
    "stream": "chat.stream",
    "speed": "stream.unbuffered",
    "generation": "generate.basic",
    "tools": "tools.forced",
    "direct.tools": "tools.forced",
}


def read_known(entries: Iterable[object]) -> tuple[Accepted, ...]:
    """Return the entries of checks_accepted without those that the preflight refuses."""
    needed = ("check", "reason", "until")
    whole = [one for one in entries if isinstance(one, dict) and all(map(one.get, needed))]
    return read_accepted([one for one in whole if not any(find_problems([one], ""))])


def soften(found: Found, link: str, model: str, picture: Picture) -> Found:
    """Return what a link shows when its failure is accepted, or was until a day that is over."""
    if found.state not in (BROKEN, WARNING):
        return found
    check = found.code if found.code in BY_LINK.get(link, ()) else _CHECKS.get(link, "")
    one = picture.known(check, model)
    if one is None:
        return found
    if picture.today <= one.until:
        return ok(f"accepted until {one.until} ({one.reason}): {check}: {found.seen}")
    over = f"{check} was accepted until {one.until} ({one.reason}), that day is over"
    return warning(found.code, f"{over}: {found.seen}", found.remedy)
