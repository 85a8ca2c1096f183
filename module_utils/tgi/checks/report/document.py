"""The report as plain data: what the module returns, and what every file is made of.

A *document* is one view of one host:
``schema`` (name and version of this form), ``started`` (UTC, ISO 8601), ``view``, ``target``,
``message`` (one line), ``summary`` (report.Report.summary: verdict and counts), ``checks`` (all, as
report.Check, in the order of the plan), ``left_out`` ({id, model, reason}; model "" for the host),
``figures`` (of each model's stream, by its name: ttft_ms, tpot_ms, e2e_ms, …).
The verdict is passed, failed, or skipped where nothing was to be checked.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from ...common.text import trim
from ..results import ERROR, FAIL, Report, plain, scrub
from .text_table import make_table

#: A new number when a reader of the old form would be misled, not when a field is added.
SCHEMA = "tgi-check/1"
Document = Mapping[str, Any]


def document(report: Report) -> dict[str, Any]:
    """Everything that one run found."""
    return {
        "schema": SCHEMA,
        "started": iso(report.started),
        "view": report.view,
        "target": report.target,
        "message": report.message(),
        "summary": report.summary(),
        "checks": [plain(check) for check in report.checks],
        "left_out": [asdict(one) for one in report.left_out],
        "figures": {name: _known(figures) for name, figures in report.figures.items()},
    }


def no_verdict(view: str, target: str, message: str, skipped: bool = False) -> dict[str, Any]:
    """A host that came to no verdict, which is no pass; or one where nothing was to be checked."""
    report = Report(view, target, [])
    verdict = "skipped" if skipped else "failed"
    found = {**document(report), "message": trim(message, 1200)}
    found["summary"] = {**report.summary(), "verdict": verdict, "errors": 0 if skipped else 1}
    return found


def answer(report: Report, secrets: Iterable[str] = ()) -> dict[str, Any]:
    """What the module returns, with every secret blotted out; ``report`` is the document."""
    found: dict[str, Any] = scrub(
        {
            "msg": report.message(),
            "checks": report.rows(),
            "failed_checks": [check.name for check in report.of(FAIL, ERROR)],
            "summary": report.summary(),
            "table": make_table(report),
            "figures": document(report)["figures"],
            "report": document(report),
        },
        secrets,
    )
    return found


def _known(figures: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no word for what is no number."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in figures.items()
    }


def iso(seconds: float) -> str:
    """Seconds of the epoch as UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
