"""Write the messages about models: one line while they load, the full text on failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..common.text import shorten
from ..engines.tgi.phases import LABELS
from .state import Failure, Status


def _seconds(value: float) -> str:
    return f"{value:.0f} s"


def _restarted(count: int) -> str:
    return f"restarted {count} times" if count > 1 else "restarted once"


def progress_line(host: str, status: Status) -> str:
    """Return a line such as ``gpu1 llama: loading shards, 24 s of 1200 s allowed: Starting``."""
    if status.ready:
        return f"{host} {status.name}: ready, {_seconds(status.elapsed)} after its start"
    if status.phase == "steady" and not status.failure:
        watched = f"watched for {int(status.elapsed)} of {_seconds(status.allowed)}"
        return f"{host} {status.name}: ready, {watched}"
    line = f"{host} {status.name}: {LABELS[status.phase]}"
    if status.failure:
        return f"{line}: failed: {status.failure.text}"
    if status.allowed:
        of = "of" if status.elapsed <= status.allowed else "with only"
        line += f", {_seconds(status.elapsed)} {of} {_seconds(status.allowed)} allowed"
    if status.restarts:
        line += f", {_restarted(status.restarts)}"
    return line + (f": {status.detail}" if status.detail else "")


def _where(phase: str) -> str:
    if phase == "absent":
        return ""
    return f" {LABELS[phase]}" if phase == "steady" else f" while {LABELS[phase]}"


def _because(status: Status, failure: Failure) -> str:
    facts = [] if failure.exit_code is None else [f"exit code {failure.exit_code}"]
    if status.restarts:
        facts.append(_restarted(status.restarts))
    return f"{failure.text} ({', '.join(facts)})" if facts else failure.text


def failure_text(host: str, statuses: Sequence[Status]) -> str:
    """Return a line for each failed model (what, why, remedy), then log lines and the other models.

    The first line alone is complete for the first failed model.
    """
    failed = [(one, one.failure) for one in statuses if one.failure]
    lines: list[str] = []
    for status, failure in failed:
        remedy = failure.remedy.replace("CONTAINER", status.container or status.name)
        what = f"failed{_where(status.phase)}: {_because(status, failure)}"
        lines.append(f"{host}: model {status.name} {what}. Remedy: {remedy}.")
    for status, failure in failed:
        if failure.evidence:
            lines.append(f"From the log of {status.container}:")
            lines.extend(f"  {shorten(line, 500)}" for line in failure.evidence)
    others = [progress_line(host, one) for one in statuses if not one.failure]
    if others:
        lines.extend(["The other models:", *(f"  {line}" for line in others)])
    return "\n".join(lines)


def warning_texts(host: str, statuses: Sequence[Status]) -> list[str]:
    """Return a line for each thing that is not as asked of a model that is ready."""
    return [
        f"{host}: model {one.name} serves, but {warning.text}. Remedy: "
        f"{warning.remedy.replace('CONTAINER', one.container)}."
        for one in statuses
        for warning in one.warnings
    ]


def as_result(host: str, status: Status) -> dict[str, Any]:
    """Return one entry of the module's ``models``."""
    failure = status.failure
    result: dict[str, Any] = {
        "name": status.name,
        "phase": status.phase,
        "ready": status.ready,
        "failed": failure is not None,
        "elapsed": round(status.elapsed, 1),
        "allowed": status.allowed,
        "detail": failure.text if failure else status.detail,
        "container": status.container,
        "restarts": status.restarts,
        "line": progress_line(host, status),
        "warnings": [
            {
                "cause": one.id,
                "text": one.text,
                "remedy": one.remedy.replace("CONTAINER", status.container),
            }
            for one in status.warnings
        ],
    }
    if failure:
        result["cause"] = failure.cause
        result["exit_code"] = failure.exit_code
        result["remedy"] = failure.remedy.replace("CONTAINER", status.container or status.name)
    return result
