"""Feed damaged and random answers to every judge: a problem, never an exception.

The judges are not listed: a healthy run of each view is watched, and every public function of
``tgi/checks`` that was given an answer in it is called again with the same arguments, the
answers in them damaged.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, replace
from typing import Any

import httpx
import pytest
from ansible.module_utils.tgi.checks.results import Outcome
from ansible.module_utils.tgi.client.answer import Answer
from ansible.module_utils.tgi.common.text import trim
from hypothesis import given
from hypothesis import strategies as st

from tests.support.checks.fuzz import (
    EFFORT,
    Change,
    Raw,
    change,
    changes,
    examples,
    fractions,
    garbage,
)
from tests.support.checks.fuzz_run import VIEWS, no_network, run_quietly, server_of, unprintable

PACKAGE = "ansible.module_utils.tgi.checks."
MOST_CALLS = 4
DONE = {"calls": 0}


class Calls(list["Call"]):
    """Show only the length in a failure."""

    def __repr__(self) -> str:
        return f"{len(self)} calls"


@dataclass(frozen=True)
class Call:
    """One call of a judge in a healthy run."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def again(self, damage: Callable[[Answer], Answer]) -> Any:
        kwargs = {name: _damaged(value, damage) for name, value in self.kwargs.items()}
        return self.function(*_damaged(self.args, damage), **kwargs)


def _damaged(value: Any, damage: Callable[[Answer], Answer]) -> Any:
    """Return the value with every answer in it damaged; a value without any stays itself."""
    if isinstance(value, Answer):
        return damage(value)
    if type(value) in (list, tuple):
        return type(value)(_damaged(one, damage) for one in value)
    if isinstance(value, dict):
        return {name: _damaged(one, damage) for name, one in value.items()}
    return value


def _few(value: Any) -> Any:
    """Return the same with at most five answers: a burst holds dozens of one kind."""
    if type(value) in (list, tuple):
        return type(value)(_few(one) for one in value[:5])
    return {name: _few(one) for name, one in value.items()} if type(value) is dict else value


def _holds_answer(value: Any) -> bool:
    seen: list[Answer] = []
    _damaged(value, lambda answer: seen.append(answer) or answer)  # type: ignore[func-returns-value]
    return bool(seen)


def watch(patch: pytest.MonkeyPatch, calls: list[Call]) -> None:
    """Record calls with an answer, of every plain function of the package."""
    modules = [module for name, module in sys.modules.items() if name.startswith(PACKAGE)]
    for module in modules:
        for name, function in list(vars(module).items()):
            plain = inspect.isfunction(function) and not inspect.iscoroutinefunction(function)
            if plain and function.__module__.startswith(PACKAGE) and name[0] != "_":
                patch.setattr(module, name, _watched(function, calls))


def _watched(function: Callable[..., Any], calls: list[Call]) -> Callable[..., Any]:
    @functools.wraps(function)
    def note(*args: Any, **kwargs: Any) -> Any:
        known = sum(call.function is function for call in calls)
        if known < MOST_CALLS and _holds_answer([args, dict(kwargs)]):
            calls.append(Call(function, tuple(_few(one) for one in args), _few(kwargs)))
        return function(*args, **kwargs)

    return note


@pytest.fixture(scope="module")
def calls() -> Calls:
    found = Calls()
    with pytest.MonkeyPatch.context() as patch:
        no_network(patch)
        watch(patch, found)
        for view in VIEWS:
            assert run_quietly(view, server_of(view).handle).passed
    return found


def test_the_judges_are_found(calls: Calls) -> None:
    names = {call.function.__name__ for call in calls}
    assert {"judge_chat", "judge_chat_stream", "judge_info", "judge_list", "outcome"} <= names


def answer_of(raw: Raw, at: float) -> Answer:
    """Return it as the client would; its pieces come evenly, or (at 0) at once."""
    headers = httpx.Headers([(name.encode(), value.encode()) for name, value in raw.headers])
    size = max(1, len(raw.body) // 20)
    pieces = [raw.body[start : start + size] for start in range(0, len(raw.body), size)]
    return Answer(raw.status, headers, [(n * at, piece) for n, piece in enumerate(pieces, 1)])


def judge_again(calls: Calls, damage: Callable[[Answer], Answer]) -> None:
    for call in calls:
        found = call.again(damage)
        DONE["calls"] += 1
        if isinstance(found, Outcome):
            assert not unprintable("".join(trim(part) for part in astuple(found)))


@examples(1000)
@given(todo=st.lists(changes, min_size=1, max_size=3), at=fractions)
def test_damaged_answers(calls: Calls, todo: list[Change], at: float) -> None:
    done: dict[int, Answer] = {}

    def damage(answer: Answer) -> Answer:
        if id(answer) not in done:
            raw = Raw(answer.status, tuple(answer.headers.items()), answer.body)
            for one in todo:
                raw = change(raw, one)
            done[id(answer)] = answer_of(raw, at)
        return done[id(answer)]

    judge_again(calls, damage)


@examples(1000)
@given(raw=garbage, fault=st.sampled_from(("", "", "no answer within 1 s", "\u202e")), at=fractions)
def test_garbage(calls: Calls, raw: Raw, fault: str, at: float) -> None:
    judge_again(calls, lambda _: replace(answer_of(raw, at), fault=fault))


def test_enough_was_judged() -> None:
    assert DONE["calls"] >= (50_000 if EFFORT >= 1 else 5_000)
