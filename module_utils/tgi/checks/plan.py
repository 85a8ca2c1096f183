"""What is going to be checked: decided before the first request, and held against the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
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
) -> list[Item]:
    """The checks to run, causes before consequences.

    ``select`` holds ids and groups; empty means all. ``elsewhere`` are checks that exist but
    do not apply here. Raises PlanError for an unknown word and for a plan without a check.
    """
    specs = [*catalogue, *elsewhere]
    words = {spec.id for spec in specs} | {spec.group for spec in specs}
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
    if all(item.spec.id == SELFTEST for item in plan):
        raise NothingSelectedError(f"nothing here is selected by {', '.join(sorted(select))}")
    return plan
