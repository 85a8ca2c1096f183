"""What is going to be checked: decided before the first request, and held against the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .report import Outcome

#: Runs whatever was selected: a verdict rests on the parser.
SELFTEST = "selftest"


@dataclass(frozen=True)
class Model:
    """A model as it was declared. ``url`` is its own port; limits are None when not declared."""

    name: str
    model_id: str
    revision: str = ""
    aliases: tuple[str, ...] = ()
    url: str = ""
    max_input_tokens: int | None = None
    max_total_tokens: int | None = None
    chat: bool = True


@dataclass(frozen=True)
class Spec:
    """A check of the catalogue: what it expects, what to do when it fails, and how it is run.

    ``run`` gets the model's session (a host's session when not ``per_model``). A failed check
    that is not ``required`` is a warning. Stages run one after the other, checks of one stage
    together.
    """

    id: str
    group: str
    expected: str
    remedy: str
    run: Callable[[Any], Awaitable[Outcome]]
    stage: int = 1
    per_model: bool = True
    required: bool = True
    chat: bool = False


@dataclass(frozen=True)
class Item:
    """One planned check of one model (None: of the host)."""

    spec: Spec
    model: Model | None

    @property
    def key(self) -> tuple[str, str]:
        return (self.spec.id, self.model.name if self.model else "")


class PlanError(ValueError):
    """The options ask for something that cannot be planned; the text says what to write."""


class NothingSelectedError(PlanError):
    """What was selected belongs to the other view."""


def make_plan(
    catalogue: Sequence[Spec],
    models: Sequence[Model],
    select: Collection[str] = (),
    elsewhere: Sequence[Spec] = (),
    undeclared: Sequence[Spec] = (),
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
        if select and spec.id != SELFTEST and not {spec.id, spec.group} & set(select):
            continue
        if spec.per_model:
            plan += [Item(spec, model) for model in models if model.chat or not spec.chat]
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


def _words(specs: Iterable[Spec]) -> set[str]:
    return {word for spec in specs for word in (spec.id, spec.group)}
