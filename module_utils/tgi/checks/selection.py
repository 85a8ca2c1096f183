"""What is going to be checked: decided before the first request, and held against the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..engines.profiles import ENGINES, Engine
from .results import CRITICAL, MINOR, LeftOut, Outcome

#: Runs whatever was selected: a verdict rests on the parser.
SELFTEST = "selftest"


@dataclass(frozen=True)
class Model:
    """A model as it was declared. ``url`` is its own port; limits are None when not declared.

    ``chat``, ``tools``: it has a chat template, and one that knows tools. ``tokenizer`` and
    ``golden`` are SHA-256 digests noted when it was known to be right ("" where none was).
    ``figures``: what the direct view measured of it (``compare.figures_of``), in the edge view.
    ``project`` is its Compose project, where Docker on the same host may be asked for it, and
    ``gpus`` are those its container was given.
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

    @property
    def profile(self) -> Engine:
        return ENGINES[self.engine]


@dataclass(frozen=True)
class CheckSpec:
    """A check of the catalogue: what it expects, what to do when it fails, and how it is run.

    ``run`` gets the model's session (a host's session when not ``per_model``). Stages run one
    after the other, checks of one stage together. A failure of a minor one is a warning.
    ``needs`` holds what the model or its engine must have for the check to apply: chat, tools,
    BASE, stream (a chat's, or else a text's), direct (figures of the direct view), gpus (and a
    project to ask for), or an ability of ``engines.Engine``. ``opt_in``: only when its id is
    selected. ``generates`` is false only where a check surely has no text generated, whatever
    answers.
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

    @property
    def required(self) -> bool:
        return self.severity != MINOR


@dataclass(frozen=True)
class Item:
    """One planned check of one model (None: of the host)."""

    spec: CheckSpec
    model: Model | None

    @property
    def key(self) -> tuple[str, str]:
        return (self.spec.id, self.model.name if self.model else "")


#: A model without a chat template. What needs that stands in for a chat's check, so where there
#: is a template nothing is left out.
BASE = "base"
#: Needs that no engine's profile has to have as well.
_DECLARED = ("chat", "direct", "stream", "gpus", BASE)
_LACKS = {
    "chat": "no chat template (checks_without_chat)",
    "tools": "no tools (checks_without_tools)",
    "stream": "no chat template (checks_without_chat), and nothing else that it streams",
    "direct": "no figures of the direct view to compare with",
    BASE: "it has a chat template, so the chat's checks ask instead",
    "gpus": "no GPU was given to it by a project of this host (gpus)",
}


def lacking(spec: CheckSpec, model: Model) -> str:
    """Why a check does not apply to a model; empty when it does."""
    for need in spec.needs:
        declared = {"chat": model.chat, "tools": model.chat and model.tools}
        declared.update({"direct": bool(model.figures), BASE: not model.chat})
        declared["stream"] = model.chat or "completions" in model.profile.abilities
        declared["gpus"] = bool(model.gpus and model.project)
        if not declared.get(need, True):
            return _LACKS["chat" if need == "tools" and not model.chat else need]
        if need not in _DECLARED and need not in model.profile.abilities:
            return f"the engine {model.engine} has nothing of the kind ({need})"
    return ""


class PlanError(ValueError):
    """The options ask for something that cannot be planned; the text says what to write."""


class NothingSelectedError(PlanError):
    """What was selected belongs to the other view."""


def make_plan(
    catalogue: Sequence[CheckSpec],
    models: Sequence[Model],
    select: Collection[str] = (),
    elsewhere: Sequence[CheckSpec] = (),
    undeclared: Sequence[CheckSpec] = (),
) -> list[Item]:
    """The checks to run, causes before consequences.

    ``select`` holds ids and groups; empty means all. ``elsewhere`` are the other view's checks,
    ``undeclared`` those of this view that nothing was declared for. Raises NothingSelectedError
    when all that is selected is for the other view alone, and PlanError for an unknown word and
    for one that nothing comes of here: a check that was asked for and does not run is no pass.
    """
    words = _words([*catalogue, *elsewhere, *undeclared])
    unknown = sorted(set(select) - words)
    if unknown:
        known = ", ".join(sorted(words))
        raise PlanError(f"no check or group is called {', '.join(unknown)}; there are: {known}")
    names = [model.name for model in models]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PlanError(f"model names must be unique, given twice: {', '.join(twice)}")
    if not models:
        raise PlanError("nothing to check: no model was given")
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
        raise PlanError(f"no model here has anything to check for {', '.join(lost)}")
    if lost := sorted(idle - _words(elsewhere)):
        raise PlanError(f"nothing is declared here that {', '.join(lost)} could check")
    if all(item.spec.id == SELFTEST for item in plan):
        if idle:
            raise NothingSelectedError(f"nothing here is selected by {', '.join(sorted(idle))}")
        raise PlanError(f"{SELFTEST} alone proves nothing of a model; select a check beside it")
    return plan


def leave_out(
    catalogue: Sequence[CheckSpec],
    models: Sequence[Model],
    select: Collection[str] = (),
    without: Mapping[str, str] | None = None,
) -> list[LeftOut]:
    """What would have been checked if the model or its engine had it, with the reason.

    ``without`` holds the reasons for checks that are left out whatever the model has, by id.
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
