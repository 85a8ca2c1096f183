"""Documents for tests of the reports: failed, passed, and from a hostile engine."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.tgi.checks.report.document import document, no_verdict
from ansible.module_utils.tgi.checks.results import Check, LeftOut, Report

EVIL = (
    "</td></table><script>alert(1)</script><img src=x onerror=alert(2)>\"' onmouseover='x' "
    "&lt; ]]> <!-- \x1b[31mred\x1b[0m \x00\x08\ufffe\ud800 \u202egnp.exe \u2028 {{ 7 * 7 }}"
)


def row(name: str, status: str = "pass", model: str = "", **more: Any) -> Check:
    given = {
        "group": name.partition(".")[0], "view": "direct", "expected": "text", "ms": 140,
        "observed": "seen", "evidence": "", "remedy": f"mend {name}" if status != "pass" else "",
    }  # fmt: skip
    return Check(id=name, model=model, status=status, **{**given, **more})


def make(view: str, target: str, *checks: Check, **more: Any) -> dict[str, Any]:
    """Return the document of a run that ran all planned checks."""
    planned = [(check.id, check.model) for check in checks]
    report = Report(view, target, planned, list(checks), **{"seconds": 1.5, **more})
    found: dict[str, Any] = document(report)
    return found


PASSED = make(
    "direct",
    "gpu1",
    row("selftest"),
    row("health.status", model="small", ms=3),
    row("chat.basic", model="small", ms=1300),
    figures={"small": {"ttft_ms": 102.4, "tpot_ms": None, "e2e_ms": 900.0, "finish_reason": "x"}},
    left_out=[LeftOut("tools.forced", "small", "no tools (checks_without_tools)")],
)
FAILED = make(
    "edge",
    "gw1",
    row("tls.verify"),
    row("auth.header", "warn", severity="minor", remedy="Add WWW-Authenticate"),
    row("chat.basic", "fail", "small", observed="HTTP 424", remedy="Read the log"),
    row("chat.stream", "fail", "small", observed="cut short", remedy="Read the log"),
    row("chat.canary", "error", "small", observed="it broke", remedy="Report it"),
)
HOSTILE = make(
    "direct",
    f"gpu<{EVIL}",
    row(
        "chat.basic",
        "fail",
        f"m{EVIL}",
        observed=EVIL * 30,
        evidence=EVIL + "x" * 10_000,
        remedy=EVIL,
    ),
    row("chat.stream", "pass", "m", observed=EVIL),
    left_out=[LeftOut("tools.forced", EVIL, EVIL)],
    figures={EVIL: {"ttft_ms": float("nan"), "e2e_ms": 5, EVIL: EVIL, "tpot_ms": EVIL}},
)
NO_VERDICT = no_verdict("direct", "gpu9", "unreachable")
SKIPPED = no_verdict("edge", "gw9", "nothing is published yet", skipped=True)
CAUSED = make(
    "direct",
    "gpu1",
    row(
        "chat.basic",
        "not_judged",
        "small",
        observed="consequence of chat.template",
        remedy="",
        consequence_of="chat.template small",
    ),
    row("generate.stop", "fail", "small", remedy="Compare its version"),
    row("chat.template", "fail", "small", observed="HTTP 422", remedy="Set a template"),
)
ALL = [PASSED, FAILED, CAUSED, HOSTILE, NO_VERDICT, SKIPPED]
