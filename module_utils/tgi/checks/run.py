"""Run the checks: from options to a report, stage by stage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from ..client.http_client import Client, Target
from ..client.rate_limiter import Pacer
from ..common.text import trim
from . import accepted, grounds, replica_remedies
from .catalogue_direct import DIRECT
from .catalogue_edge import EDGE
from .endpoint.endpoint_session import Declared, EndpointSession, Tier
from .judges.wrong_form import form_remedy
from .model.edge_vs_direct import figures_of
from .results import (
    ERROR,
    FAIL,
    MOST_EVIDENCE,
    MOST_OBSERVED,
    NOT_JUDGED,
    PASS,
    WARN,
    Check,
    Outcome,
    Report,
)
from .selection import LACKS, CheckSpec, Item, Model, leave_out, make_plan
from .session import Session
from .undeclared import undeclared

_LATE_REMEDY = "Look for what was slow in the checks before this one, or raise checks_deadline"
_BROKE_REMEDY = "The check itself is broken: report the defect"


@dataclass(frozen=True)
class Options:
    """Options of a run. ``timeout`` limits one request, ``deadline`` the whole run, in seconds.

    ``http_port`` 0: there is no plain port. ``without``: ids of checks to leave out, with the
    reason. ``slo``: the longest TTFT and TPOT in ms, 0 for no limit. ``accepted``: known failures.
    ``transport`` replaces the network in tests.
    """

    view: str
    target: str
    models: Sequence[Model]
    url: str = ""
    ca_file: str = ""
    client_certificate: str = ""
    api_key: str = ""
    tier: Tier = field(default_factory=Tier)
    http_port: int = 80
    public_health: bool = True
    select: Collection[str] = ()
    timeout: float = 30.0
    deadline: float = 300.0
    canary_passes: int = 2
    slo: tuple[float, float] = (0.0, 0.0)
    warn_days: int = 21
    without: Mapping[str, str] = field(default_factory=dict)
    declared: Declared = field(default_factory=Declared)
    accepted: Sequence[accepted.Accepted] = ()
    today: date = field(default_factory=date.today)
    transport: Any = None


def absent_here(options: Options) -> dict[str, str]:
    """Return the reason for each check id that has nothing declared to compare with."""
    if options.view == "direct":
        return {}
    absent = undeclared(options.declared)
    if not options.public_health:
        closed = "/health is not public (gateway_health_public)"
        absent.update({"health.status": closed, "rate.scope": closed})
    elif not any("health" in model.profile.abilities for model in options.models):
        absent.update(dict.fromkeys(("health.status", "rate.scope"), LACKS["health"]))
    if not options.http_port:
        absent["http.redirect"] = "no plain port is declared (gateway_http_port)"
    if not options.tier.rate:
        limit = "no limit is declared for the checks' key (gateway_tiers)"
        absent.update(dict.fromkeys(("rate.enforced", "rate.recovers", "rate.scope"), limit))
    return absent


def catalogue(options: Options) -> list[CheckSpec]:
    """Return the checks that apply to the declared options."""
    here = DIRECT if options.view == "direct" else EDGE
    absent = {**absent_here(options), **options.without}
    return [spec for spec in here if spec.id not in absent]


async def check(options: Options, on_stage: Callable[[Report], None] | None = None) -> Report:
    """Run the checks. Raises PlanError before the first request when there is nothing to plan.

    It calls ``on_stage`` after each stage, with the report so far.
    """
    here, elsewhere = (DIRECT, EDGE) if options.view == "direct" else (EDGE, DIRECT)
    # To select an unwanted check is no error, as for a check of the other view
    unwanted = [spec for spec in here if spec.id in options.without]
    elsewhere = (*elsewhere, *unwanted)
    plan = make_plan(catalogue(options), options.models, options.select, elsewhere, here)
    report = Report(options.view, options.target, [item.key for item in plan])
    absent = {**absent_here(options), **options.without}
    report.left_out = leave_out(here, options.models, options.select, absent)
    started = time.monotonic()
    found: dict[tuple[str, str], Check] = {}
    async with AsyncExitStack() as stack:
        sessions = await _open(options, stack)
        for stage in sorted({item.spec.stage for item in plan}):
            items = [item for item in plan if item.spec.stage == stage]
            left = options.deadline - (time.monotonic() - started)
            # A check whose ground is lost would only wait for its time-out
            lost = {item.key: root for item in items if (root := grounds.find_lost(item, found))}
            rest = [item for item in items if item.key not in lost]
            checks = await asyncio.gather(
                *(_run(item, options.view, sessions[item.key[1]], left) for item in rest)
            )
            found.update({item.key: _skip(item, options.view) for item in items})
            found.update({item.key: result for item, result in zip(rest, checks)})
            known = {key for key, one in found.items() if accepted.find(one, options.accepted)}
            settled = replica_remedies.explain(grounds.settle(plan, found, known), options.models)
            report.checks = accepted.apply(settled, options.accepted, options.today)
            report.seconds = time.monotonic() - started
            report.figures = _figures(options, sessions)
            if on_stage:
                on_stage(report)
    return report


def _figures(options: Options, sessions: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return edge_vs_direct.figures_of by model, from streams that the checks made."""
    streams = {one.name: sessions[one.name].memo.found("chat_stream") for one in options.models}
    measured = {name: figures_of(stream) for name, stream in streams.items() if stream}
    return {name: figures for name, figures in measured.items() if figures}


async def _open(options: Options, stack: AsyncExitStack) -> Mapping[str, Any]:
    """Open a session per model name; the host's has the empty name."""
    base = Target(
        options.url, options.ca_file, options.api_key, options.timeout, options.client_certificate
    )
    tier = options.tier

    async def client(target: Target, pacer: Pacer | None = None) -> Client:
        made = Client(target, pacer=pacer, transport=options.transport)
        return await stack.enter_async_context(made)

    sessions: dict[str, Any] = {"": None}
    if options.view == "direct":
        for model in options.models:
            target = replace(base, url=model.url)
            sessions[model.name] = Session(
                model,
                await client(target),
                served=model.profile.served or model.model_id,
                canary_passes=options.canary_passes,
                witness="counters" in model.profile.abilities,
                project=model.project,
                slo=options.slo,
            )
        return sessions
    pacer = Pacer(tier.rate, tier.burst, tier.concurrent)
    edge = await client(base, pacer)
    plain = None
    if options.http_port:
        url = f"http://{base.url_host}:{options.http_port}"
        plain = await client(replace(base, url=url, api_key=""))
    sessions[""] = EndpointSession(
        edge, options.models, tier, plain, options.warn_days, options.declared, options.transport
    )
    for model in options.models:
        sessions[model.name] = Session(
            model, edge, f"/models/{model.name}", model.name,
            canary_passes=options.canary_passes, max_body=options.declared.max_body_size,
        )  # fmt: skip
    return sessions


def _skip(item: Item, view: str) -> Check:
    """Return a check that need not run, because its ground is lost."""
    return _make_row(item, view, NOT_JUDGED, Outcome(observed="not run", attempts=0))


async def _run(item: Item, view: str, session: Any, left: float) -> Check:
    """Run one check; an exception in it is an error of this check only."""
    spec = item.spec
    try:
        outcome = await asyncio.wait_for(spec.run(session), max(0.01, left))
        status = PASS
        if outcome.problem:
            status = FAIL if spec.required and not outcome.soft else WARN
    except asyncio.TimeoutError:
        late = "not finished before the deadline of the run"
        outcome, status = Outcome(observed=late, remedy=_LATE_REMEDY), ERROR
    except Exception as error:
        said = trim(f"the check itself broke: {type(error).__name__}: {error}")
        outcome, status = Outcome(observed=said, remedy=_BROKE_REMEDY), ERROR
    return _make_row(item, view, status, outcome)


def _make_row(item: Item, view: str, status: str, outcome: Outcome) -> Check:
    spec = item.spec
    remedy = outcome.remedy or form_remedy(outcome.problem) or spec.remedy
    return Check(
        id=spec.id, group=spec.group, view=view, model=item.key[1], status=status,
        expected=spec.expected, observed=trim(outcome.observed, MOST_OBSERVED),
        evidence=trim(outcome.evidence, MOST_EVIDENCE),
        remedy="" if status in (PASS, NOT_JUDGED) else remedy,
        ms=outcome.ms, attempts=outcome.attempts, severity=spec.severity,
    )  # fmt: skip
