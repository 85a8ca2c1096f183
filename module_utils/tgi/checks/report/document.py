"""Make the report as plain data, which the module returns and every file is made from.

A *document* is one view of one host:
``schema`` (name and version of this form), ``started`` (UTC, ISO 8601), ``view``, ``target``,
``message`` (one line), ``summary`` (results.Report.summary: verdict and counts), ``checks`` (all,
as results.Check, in the order of the plan), ``left_out`` ({id, model, reason}; model "" for the
host), ``figures`` (of each model's stream, by its name: ttft_ms, tpot_ms, e2e_ms, …).
The verdict is passed, failed, or skipped when there was nothing to check.
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

#: The number rises when a change would mislead old readers, not when a field is added.
SCHEMA = "tgi-check/1"
Document = Mapping[str, Any]


def document(report: Report) -> dict[str, Any]:
    """Return all results of one run."""
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
    """Return the document of a host without a verdict (failed), or with nothing to check."""
    report = Report(view, target, [])
    verdict = "skipped" if skipped else "failed"
    found = {**document(report), "message": trim(message, 1200)}
    found["summary"] = {**report.summary(), "verdict": verdict, "errors": 0 if skipped else 1}
    return found


def answer(report: Report, secrets: Iterable[str] = ()) -> dict[str, Any]:
    """Return the module's result with every secret masked; ``report`` is the document."""
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
    """Replace NaN and infinity, which JSON cannot hold, by None."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in figures.items()
    }


def iso(seconds: float) -> str:
    """Format seconds of the epoch as UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
