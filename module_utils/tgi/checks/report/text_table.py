"""Write the report as plain text: the verdict first, then a row per model and check."""

from __future__ import annotations

from ...common.text import trim
from ..results import ACCEPTED, ERROR, FAIL, NOT_JUDGED, WARN, Check, Report

_MARKS = {
    "pass": "ok", FAIL: "FAIL", WARN: "warn", ERROR: "ERROR", NOT_JUDGED: "not judged",
    ACCEPTED: "accepted",
}  # fmt: skip


def make_table(report: Report) -> str:
    """Return aligned columns, grouped by model, with remedies at the end."""
    summary = report.summary()
    head = (
        f"{summary['verdict'].upper()}: {report.target} ({report.view}), "
        f"{summary['executed']} of {summary['planned']} checks run, "
        f"{summary['passed']} passed, {summary['failed']} failed, {summary['warned']} warned, "
        f"{summary['errors']} errors, "
    )
    head += f"{summary['not_judged']} not judged, " if summary["not_judged"] else ""
    head += f"{summary['accepted']} accepted, " if summary["accepted"] else ""
    head += f"{summary['seconds']} s"
    models = list(dict.fromkeys(check.model for check in report.checks))
    checks = [check for model in models for check in report.checks if check.model == model]
    rows = [("MODEL", "CHECK", "STATUS", "MS", "OBSERVED"), *(_row(check) for check in checks)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [head]
    for row in rows:
        left = "  ".join(cell.ljust(width) for cell, width in zip(row[:3], widths))
        lines.append(f"{left}  {row[3].rjust(widths[3])}  {row[4]}".rstrip())
    for remedy, names in _remedies(report.failures()).items():
        lines.append(f"remedy for {', '.join(names)}: {remedy}")
    lines += [f"accepted, {one.accepted}: {one.name}" for one in report.of(ACCEPTED)]
    for reason, names in _left_out(report).items():
        lines.append(f"left out, {reason}: {', '.join(names)}")
    return "".join(map(_shown, "\n".join(lines)))


def _shown(character: str) -> str:
    """Escape characters that YAML escapes: Ansible would print the block as one quoted line."""
    return character if ord(character) < 0x10000 else f"U+{ord(character):X}"


def _left_out(report: Report) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for one in report.left_out:
        who = f"{one.model}: " if one.model else ""
        reasons.setdefault(who + one.reason, []).append(one.id)
    return reasons


def _remedies(checks: list[Check]) -> dict[str, list[str]]:
    """Return each remedy once, with the names of its checks."""
    remedies: dict[str, list[str]] = {}
    for check in checks:
        if check.remedy:
            remedies.setdefault(check.remedy, []).append(check.name)
    return remedies


def _row(check: Check) -> tuple[str, str, str, str, str]:
    again = f" (attempt {check.attempts})" if check.attempts > 1 else ""
    observed = trim(check.observed + again, 90)
    return (check.model or "-", check.id, _MARKS[check.status], str(check.ms), observed)
