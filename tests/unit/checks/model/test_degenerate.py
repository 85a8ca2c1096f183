"""Test degenerate text and logprobs with tables of good and bad answers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.checks.model import degenerate
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.checks.answers import reply, usage

STORY = (
    "The keeper of the lamp climbs the stairs each evening and counts the ships that pass "
    "before dark. One night a storm broke the glass, so he lit a fire on the rock instead, and "
    "every boat came home by its light while gulls slept in the tower until morning."
)

# Captured: SmolLM2-135M, greedy, 48 tokens each; the smallest model that talks
HEALTHY = [
    "The story of a lighthouse keeper and the sea is a tale of resilience, sacrifice, and"
    " the unyielding spirit of the sea. It is a story of a lighthouse keeper named "
    "Captain Jameson, who was a sailor and a lighthouse keeper",
    "As the sun dipped into the horizon, the scent of salt and the sound of the river's "
    "icy lapping against the shore transported the sleepy town of Ravensburg to a world "
    "of wonder. The town's residents, a mix of old",
    "Rain is a natural phenomenon that occurs when water from the atmosphere reaches the "
    "Earth's surface. This process begins with evaporation, where water from the Earth's "
    "oceans, lakes, and rivers heats up and turns into water vapor. This vapor rises into",
]


def said(text: str, logprobs: list[Any] | None = None, finish: str = "length") -> Answer:
    choice: dict[str, Any] = {"message": {"role": "assistant", "content": text}}
    choice["finish_reason"] = finish
    if logprobs is not None:
        choice["logprobs"] = {"content": logprobs}
    return reply({"choices": [choice], "usage": usage(9, 1)})


def tokens(words: list[str], logprob: Any = -0.7) -> list[dict[str, Any]]:
    return [{"token": word, "logprob": logprob} for word in words]


@pytest.mark.parametrize("text", [*HEALTHY, STORY])
def test_text_is_text(text: str) -> None:
    assert not degenerate.judge_degenerate(said(text)).problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no text"),
        ("\n" * 48, "white space"),
        ("a" + " \n" * 40, "white space"),
        (" the" * 48, "48 times in a row"),
        (" the sea" * 24, "makes 24 of 48 tokens"),
        (" the sea and the waves are" * 8, "one phrase"),
        ("Bla bla bla. " * 16, "one phrase"),
        ("word \x00\x01\x02\x03 " * 12, "unprintable characters"),
        (STORY[:100] + "\ufffd\ufffd" + STORY[100:180], "U+FFFD"),
        (" ".join(HEALTHY[0].split()[:20]) + " sea" * 16, "16 times in a row"),
    ],
)
def test_what_is_no_text(text: str, problem: str) -> None:
    assert problem in degenerate.judge_degenerate(said(text)).problem


def continued(words: list[str]) -> Answer:
    """Return an answer of /generate for a base model."""
    details = {"tokens": [{"text": word, "logprob": -0.7} for word in words]}
    return reply({"generated_text": "".join(words), "details": details})


def test_a_base_model_may_fall_into_a_phrase_but_not_into_a_token() -> None:
    phrase = ["the", "sea", "and", "the", "waves", "are"] * 8
    found = degenerate.judge_degenerate(continued([f" {word}" for word in phrase]), base=True)
    assert found.soft and "one phrase" in found.problem
    found = degenerate.judge_degenerate(continued([" the"] * 48), base=True)
    assert not found.soft and "48 times in a row" in found.problem
    words = [f" {word}" for word in f"{HEALTHY[0]} {HEALTHY[1]}".split()][:48]
    assert not degenerate.judge_degenerate(continued(words), base=True).problem


def test_the_engines_tokens_count_where_it_tells_them() -> None:
    """Count tokens, not words: a random model's token may be half a word."""
    stuck = said(STORY, tokens([" gab"] * 20 + [f" w{n}" for n in range(28)]))
    assert "' gab' 20 times" in degenerate.judge_degenerate(stuck).problem


def test_a_character_cut_by_the_limit_is_no_loss() -> None:
    assert not degenerate.character_problems(STORY + "\ufffd")


def test_a_short_answer_is_no_proof() -> None:
    found = degenerate.judge_degenerate(said("A short tale.", finish="stop"))
    assert found.soft and "the check needs" in found.problem


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (tokens(["a"] * 48), ""),
        (tokens(["a"] * 3, -3.9), ""),
        (tokens(["a"] * 48, -6.2), "mean logprob -6.20"),
        (tokens(["a"] * 16, -6.2) + tokens(["a"] * 32, -0.1), "mean logprob -6.20"),
        (tokens(["a"] * 15) + tokens(["a"], -9999), "mean logprob"),
        (tokens(["a"] * 40) + tokens(["a"], None), "not a number"),
        (tokens(["a"], float("nan")), "is nan"),
        (tokens(["a"], 0.5), "above zero"),
        ([], "has no logprobs"),
        (None, "has no logprobs"),
    ],
)
def test_logprobs(entries: list[Any] | None, problem: str) -> None:
    found = degenerate.judge_logprobs(said(STORY, entries)).problem
    assert problem in found and bool(found) == bool(problem)
