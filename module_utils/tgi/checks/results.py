"""Results of checks, and the verdict over all of them.

The verdict is passed only if every planned check ran and no required one failed. ``error`` means
that the check itself broke or never ran; it is never a pass. Neither is ``not_judged``: the check
is a consequence of another one's failure. ``accepted`` is a known failure, which does not fail the
run, and neither do its consequences.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from ..common.text import trim

PASS, FAIL, WARN, ERROR = "pass", "fail", "warn", "error"
NOT_JUDGED, ACCEPTED = "not_judged", "accepted"
#: Severities. A minor failure only warns, the others fail the run.
CRITICAL, MAJOR, MINOR = "critical", "major", "minor"
_HUB_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{6,}")
_BLOT = "********"
#: Fewer characters of a secret, before a cut, reveal nothing.
_LEAST_CUT = 4
#: Most characters to keep of an engine's text.
MOST_OBSERVED, MOST_EVIDENCE = 400, 1000


@dataclass(frozen=True)
class Outcome:
    """Result of one check. An empty ``problem`` is a pass; ``remedy`` overrides the check's own.

    ``soft``: the problem only warns, even if the check is required.
    """

    problem: str = ""
    observed: str = ""
    evidence: str = ""
    remedy: str = ""
    ms: int = 0
    attempts: int = 1
    soft: bool = False


@dataclass(frozen=True)
class Check:
    """One row of the report. ``ms`` is the time of the requests behind it.

    ``consequence_of``: name of the failed check for which this one is not judged. ``accepted``:
    why a known failure is accepted, and until when.
    """

    id: str
    group: str
    view: str
    model: str
    status: str
    expected: str
    observed: str
    evidence: str
    remedy: str
    ms: int
    attempts: int = 1
    severity: str = CRITICAL
    consequence_of: str = ""
    accepted: str = ""

    @property
    def name(self) -> str:
        return f"{self.id} {self.model}".strip()


@dataclass(frozen=True)
class LeftOut:
    """A check that does not apply to a model, with the reason: neither a pass nor a failure."""

    id: str
    model: str
    reason: str


@dataclass
class Report:
    """All rows of one run, in the order of the plan. ``started`` is in seconds of the epoch.

    ``figures`` are measurements of a stream, by the model's name: ttft_ms, tpot_ms, e2e_ms, …
    """

    view: str
    target: str
    planned: list[tuple[str, str]]
    checks: list[Check] = field(default_factory=list)
    seconds: float = 0.0
    left_out: list[LeftOut] = field(default_factory=list)
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    started: float = field(default_factory=time.time)

    def of(self, *states: str) -> list[Check]:
        return [check for check in self.checks if check.status in states]

    @property
    def passed(self) -> bool:
        ran = sorted((check.id, check.model) for check in self.checks)
        whole = bool(ran) and ran == sorted(self.planned)
        states = {check.name: check.status for check in self.checks}
        roots = {states.get(check.consequence_of) for check in self.of(NOT_JUDGED)}
        # The root of a consequence warns only where it was accepted until a day that is over
        return whole and not self.of(FAIL, ERROR) and roots <= {ACCEPTED, WARN}

    def failures(self) -> list[Check]:
        """Return failures and errors: the causes of other checks' failures first."""
        causes = {check.consequence_of for check in self.of(NOT_JUDGED)}
        # Otherwise the plan lists causes before consequences
        return sorted(self.of(FAIL, ERROR), key=lambda check: check.name not in causes)

    def summary(self) -> dict[str, Any]:
        """Return counts and the verdict, as plain data."""
        return {
            "verdict": "passed" if self.passed else "failed",
            "view": self.view,
            "target": self.target,
            "planned": len(self.planned),
            # One that was not run has no attempt
            "executed": len([check for check in self.checks if check.attempts]),
            "passed": len(self.of(PASS)),
            "failed": len(self.of(FAIL)),
            "warned": len(self.of(WARN)),
            "errors": len(self.of(ERROR)),
            "not_judged": len(self.of(NOT_JUDGED)),
            "accepted": len(self.of(ACCEPTED)),
            "seconds": round(self.seconds, 2),
        }

    def message(self) -> str:
        """Return the verdict in one line; a failure names the likeliest cause and its remedy."""
        where = f"on {self.target} ({self.view})"
        bad, total = self.failures(), len(self.planned)
        if self.passed:
            line = f"{len(self.of(PASS))} of {total} checks passed {where} in {self.seconds:.1f} s"
            warned = [f"{check.name}: {check.observed}" for check in self.of(WARN)]
            line = "; warned: ".join([line, *warned])
            known = [f"{check.name}: {check.accepted}" for check in self.of(ACCEPTED)]
            return trim("; accepted: ".join([line, *known]) + self._consequences(), 600)
        if not bad:
            line = f"{len(self.checks)} of {total} planned checks were executed {where}"
            return line + self._consequences()
        first = bad[0]
        line = f"{len(bad)} of {total} checks failed {where}: {first.name}: {first.observed}"
        line += f"; remedy: {first.remedy}" if first.remedy else ""
        others = ", ".join(check.name for check in bad[1:9])
        line += f"; also failed: {others}" if others else ""
        line += f" and {len(bad) - 9} more" if len(bad) > 9 else ""
        return trim(line + self._consequences(), 1200)

    def _consequences(self) -> str:
        roots = [check.consequence_of for check in self.of(NOT_JUDGED)]
        said = [f"{roots.count(root)} of {root}" for root in dict.fromkeys(roots)]
        return f"; not judged, as consequences: {', '.join(said)}" if said else ""

    def rows(self) -> list[dict[str, Any]]:
        """Return all checks of a passed run, but only those of a failed one that did not pass."""
        shown = [check for check in self.checks if self.passed or check.status != PASS]
        return [plain(check) for check in shown]


def plain(check: Check) -> dict[str, Any]:
    """Return a check as plain data, with an engine's text printable and shortened."""
    row = asdict(check)
    row["observed"] = trim(check.observed, MOST_OBSERVED)
    row["evidence"] = trim(check.evidence, MOST_EVIDENCE)
    return row


def scrub(value: Any, secrets: Iterable[str]) -> Any:
    """Return ``value`` (lists, dicts, strings) with every secret and any Hub token masked.

    It also masks the start of a secret that ``trim`` cut, before the ellipsis.
    """
    words = sorted({word for word in secrets if word}, key=len, reverse=True)
    if isinstance(value, str):
        for word in words:
            value = _without(value, word)
        return _HUB_TOKEN.sub(_BLOT, value)
    if isinstance(value, dict):
        return {key: scrub(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [scrub(item, words) for item in value]
    return value


def _without(text: str, secret: str) -> str:
    text = text.replace(secret, _BLOT)
    at = text.find("…")
    while at >= 0:
        for length in range(min(len(secret) - 1, at), _LEAST_CUT - 1, -1):
            if text.startswith(secret[:length], at - length):
                text = text[: at - length] + _BLOT + text[at:]
                at += len(_BLOT) - length
                break
        at = text.find("…", at + 1)
    return text
