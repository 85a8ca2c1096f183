"""Plan the checks before the first request; the verdict compares the results with the plan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..engines.profiles import ENGINES, Engine
from .results import CRITICAL, MINOR, LeftOut, Outcome

#: Always runs, because every verdict depends on the parser.
SELFTEST = "selftest"


@dataclass(frozen=True)
class Model:
    """A model as declared. ``url`` is its own port; limits are None if not declared.

    ``chat``, ``tools``: it has a chat template, and one that supports tools. ``tokenizer`` and
    ``golden`` are pinned SHA-256 digests, "" if not pinned. ``figures``: measurements of the
    direct view, for the edge view. ``project`` is its Compose project in this host's Docker, and
    ``gpus`` are the GPUs of its container. ``replicas``: the hosts that serve it behind a gateway;
    ``absent``: those of them that are not in this run; ``unlike``: how their options differ.
    """

    name: str
    model_id: str
    revision: str = ""
    aliases: tuple[str, ...] = ()
    url: str = ""
    max_input_tokens: int | None = None
    max_total_tokens: int | None = None
    chat: bool = True
    tools: bool = True
    engine: str = "tgi"
    tokenizer: str = ""
    golden: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict, hash=False)
    project: str = ""
    gpus: tuple[str, ...] = ()
    replicas: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    unlike: str = ""

    @property
    def profile(self) -> Engine:
        return ENGINES[self.engine]


@dataclass(frozen=True)
class CheckSpec:
    """A check of the catalogue: its expectation, the remedy of a failure, and how to run it.

    ``run`` gets the model's session, or the host's if not ``per_model``. Stages run one after the
    other, checks of one stage together. A failure of a minor check only warns. ``needs``: what the
    model or its engine must have: chat, tools, BASE, stream (of a chat or a text), direct (figures
    of the direct view), gpus (with a project), or an ability of ``engines.Engine``. ``opt_in``:
    runs only when its id is selected. ``generates`` is false only if the check never causes a
    generation, whichever server answers. ``grounds``: names in grounds.GROUNDS, besides those that
    the other fields imply. ``apart``: it asks something else than the endpoint, so nothing implies
    a ground.
    """

    id: str
    group: str
    expected: str
    remedy: str
    run: Callable[[Any], Awaitable[Outcome]]
    stage: int = 1
    per_model: bool = True
    severity: str = CRITICAL
    needs: tuple[str, ...] = ()
    opt_in: bool = False
    generates: bool = True
    grounds: tuple[str, ...] = ()
    apart: bool = False

    @property
    def required(self) -> bool:
        return self.severity != MINOR


@dataclass(frozen=True)
class Item:
    """One planned check of one model (None: the host)."""

    spec: CheckSpec
    model: Model | None

    @property
    def key(self) -> tuple[str, str]:
        return (self.spec.id, self.model.name if self.model else "")


#: A model without a chat template. Checks that need it replace checks of chats, so a model with a
#: template misses nothing.
BASE = "base"
#: Needs that are not abilities of an engine.
_DECLARED = ("chat", "direct", "stream", "gpus", BASE)
LACKS = {
    "chat": "no chat template (checks_without_chat)",
    "tools": "no tools (checks_without_tools)",
    "stream": "no chat template (checks_without_chat), and no other stream",
    "direct": "no figures of the direct view to compare with",
    BASE: "it has a chat template, so the checks of chats run instead",
    "health": "OpenAI's API has no route for health (engine openai)",
    "gpus": "no GPUs and Compose project of this host are declared (gpus)",
}


def lacking(spec: CheckSpec, model: Model) -> str:
    """Return why a check does not apply to a model; empty when it does."""
    for need in spec.needs:
        declared = {"chat": model.chat, "tools": model.chat and model.tools}
        declared.update({"direct": bool(model.figures), BASE: not model.chat})
        declared["stream"] = model.chat or "completions" in model.profile.abilities
        declared["gpus"] = bool(model.gpus and model.project)
        if not declared.get(need, True):
            return LACKS["chat" if need == "tools" and not model.chat else need]
        if need not in _DECLARED and need not in model.profile.abilities:
            return LACKS.get(need) or f"the engine {model.engine} does not have it ({need})"
    return ""


class PlanError(ValueError):
    """The options cannot be planned; the text holds the remedy."""


class NothingSelectedError(PlanError):
    """All selected checks belong to the other view."""


def make_plan(
    catalogue: Sequence[CheckSpec],
    models: Sequence[Model],
    select: Collection[str] = (),
    elsewhere: Sequence[CheckSpec] = (),
    undeclared: Sequence[CheckSpec] = (),
) -> list[Item]:
    """Return the checks to run, causes before consequences.

    ``select`` holds ids and groups; empty means all. ``elsewhere`` are the other view's checks,
    ``undeclared`` those of this view without a declaration. Raises NothingSelectedError when all
    selected checks are for the other view, and PlanError for an unknown word or one that selects
    no check here: a selected check that does not run must not pass.
    """
    words = _words([*catalogue, *elsewhere, *undeclared])
    unknown = sorted(set(select) - words)
    if unknown:
        known = ", ".join(sorted(words))
        raise PlanError(f"unknown checks or groups: {', '.join(unknown)}; use one of: {known}")
    names = [model.name for model in models]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PlanError(f"model names must be unique, these come twice: {', '.join(twice)}")
    if not models:
        raise PlanError("nothing to check: give at least one model")
    plan: list[Item] = []
    for spec in catalogue:
        if not _chosen(spec, select):
            continue
        if spec.per_model:
            plan += [Item(spec, model) for model in models if not lacking(spec, model)]
        else:
            plan.append(Item(spec, None))
    idle = set(select) - _words(item.spec for item in plan) - {SELFTEST}
    if lost := sorted(idle & _words(catalogue)):
        raise PlanError(f"{', '.join(lost)} applies to no model here: select other checks")
    if lost := sorted(idle - _words(elsewhere)):
        raise PlanError(f"{', '.join(lost)} has nothing declared to check: select other checks")
    if all(item.spec.id == SELFTEST for item in plan):
        if idle:
            raise NothingSelectedError(f"{', '.join(sorted(idle))} selects no check of this view")
        raise PlanError(f"{SELFTEST} alone proves nothing about a model: select another check too")
    return plan


def leave_out(
    catalogue: Sequence[CheckSpec],
    models: Sequence[Model],
    select: Collection[str] = (),
    without: Mapping[str, str] | None = None,
) -> list[LeftOut]:
    """Return the checks that do not apply, with the reason.

    ``without`` holds the reasons for checks that are left out for every model, by id.
    """
    reasons = without or {}
    everywhere = [
        LeftOut(spec.id, "", reasons[spec.id])
        for spec in catalogue
        if spec.id in reasons and _chosen(spec, select)
    ]
    return everywhere + [
        LeftOut(spec.id, model.name, reason)
        for spec in catalogue
        if spec.per_model and spec.id not in reasons and _chosen(spec, select)
        if BASE not in spec.needs
        for model in models
        if (reason := lacking(spec, model))
    ]


def _chosen(spec: CheckSpec, select: Collection[str]) -> bool:
    if spec.id == SELFTEST or spec.id in select:
        return True
    return not spec.opt_in and (not select or spec.group in select)


def _words(specs: Iterable[CheckSpec]) -> set[str]:
    return {word for spec in specs for word in (spec.id, spec.group)}
