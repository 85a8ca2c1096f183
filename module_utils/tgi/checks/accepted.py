"""Accept known failures until a day: they are shown with their reason, and do not fail the run."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from ..common.problem import closest, problem, shown
from .catalogue_direct import DIRECT
from .catalogue_edge import EDGE
from .results import ACCEPTED, FAIL, PASS, WARN, Check
from .selection import SELFTEST

#: Ids that protect the site or the checks themselves begin with these.
_NEVER = ("auth.", "tls.", SELFTEST)
#: Where one of these fails, nearly all others are not judged, and a green run would prove nothing.
_BASIS = ("health.status", "health.after", "generate.basic", "chat.basic")
_STALE_REMEDY = (
    "Remove the entry from checks_accepted; if it still fails in the other view or for another "
    "model, name that model in the entry"
)
_IDS = {spec.id for spec in (*DIRECT, *EDGE)}


@dataclass(frozen=True)
class Accepted:
    """A known failure. ``model`` is empty for all models; ``until`` is the last day."""

    check: str
    reason: str
    until: date
    model: str = ""

    def matches(self, check: Check) -> bool:
        return check.id == self.check and self.model in ("", check.model)


def find_problems(
    entries: Sequence[Mapping[str, Any]], where: str, models: Collection[str] | None = None
) -> Iterator[str]:
    """Yield a line for each wrong entry; ``models`` are the known names, None to allow any.

    A value that is missing or of another type is left to the argument specification.
    """
    for place, entry in enumerate(entries):
        here = f"{where}[{place}]"
        check, model, until = entry.get("check"), entry.get("model"), entry.get("until")
        name = str(model) if isinstance(model, (str, int)) else ""
        if isinstance(check, str) and check.startswith(_NEVER):
            yield problem(
                f"{here}.check", f"is {check}, which cannot be accepted (auth.*, tls.*, selftest)",
                "delete the entry, and mend what the check finds",
            )  # fmt: skip
        elif check in _BASIS:
            remedy = "take the model out of tgi_models until it works"
            if check == "chat.basic":
                remedy = "for a model without a chat template write checks_without_chat"
            what = f"is {check}, without which nothing is proven"
            yield problem(f"{here}.check", what, f"delete the entry; {remedy}")
        elif isinstance(check, str) and check not in _IDS:
            near = closest(check, _IDS)
            remedy = f"write {near}" if near else "write an id from docs/checks.md"
            yield problem(f"{here}.check", f"is {shown(check)}, not a check's id", remedy)
        if name and models is not None and name not in models:
            near = closest(name, models)
            remedy = f"write {near}" if near else f"write one of: {', '.join(sorted(models))}"
            yield problem(f"{here}.model", f"is {shown(model)}, not a model's name", remedy)
        if until is not None and _day(until) is None:
            what = f"is {shown(until)}, not a day"
            yield problem(f"{here}.until", what, 'write YYYY-MM-DD, such as "2026-12-31"')
        if isinstance(entry.get("reason"), str) and not entry["reason"].strip():
            yield problem(f"{here}.reason", "is empty", "write why the check fails")


def read_accepted(entries: Sequence[Mapping[str, Any]]) -> tuple[Accepted, ...]:
    """Return entries without problems as data."""
    return tuple(
        Accepted(one["check"], one["reason"].strip(), day, one.get("model") or "")
        for one in entries
        if (day := _day(one["until"]))
    )


def _day(value: Any) -> date | None:
    # YAML makes a date of an unquoted day
    text = str(value)
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        return None


def find(check: Check, accepted: Sequence[Accepted]) -> Accepted | None:
    """Return the first entry for this check; None if no failure of it is known."""
    return next((one for one in accepted if one.matches(check)), None)


def apply(checks: Sequence[Check], accepted: Sequence[Accepted], today: date) -> list[Check]:
    """Return the checks with known failures accepted.

    An entry whose check passes, or whose last day is over, is a warning.
    """
    return [_applied(check, checks, accepted, today) for check in checks]


def _applied(
    check: Check, checks: Sequence[Check], accepted: Sequence[Accepted], today: date
) -> Check:
    entry = find(check, accepted)
    if entry is None:
        return check
    if check.status == PASS:
        # An entry for all models is needed until none fails
        if any(entry.matches(one) and one.status != PASS for one in checks):
            return check
        seen = f"no longer fails: remove it from checks_accepted ({check.observed})"
        return replace(check, status=WARN, observed=seen, remedy=_STALE_REMEDY)
    if check.status not in (FAIL, WARN):
        return check
    if today > entry.until:
        seen = f"accepted until {entry.until}, that day is over ({entry.reason}): {check.observed}"
        return replace(check, status=WARN, observed=seen)
    why = f"{entry.reason} (until {entry.until})"
    return replace(check, status=ACCEPTED, accepted=why, remedy="")
