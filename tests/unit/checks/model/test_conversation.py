"""Chat beyond the first answer, by tables of good and bad answers, and by a process that talks."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from ansible.module_utils.tgi.checks.judges import utf8
from ansible.module_utils.tgi.checks.model import conversation, degenerate
from ansible.module_utils.tgi.checks.results import Report
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import Model
from ansible.module_utils.tgi.client.answer import Answer

from tests.support.emulator import MODEL as SERVED
from tests.support.emulator import running
from tests.support.fakes.talk import STORY, usage
from tests.support.fakes.tgi import MODEL, WORDS, FakeTgi

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


def reply(value: Any, status: int = 200) -> Answer:
    return Answer(status, {}, [(0.0, json.dumps(value).encode())])


def said(text: str, logprobs: list[Any] | None = None, finish: str = "length") -> Answer:
    choice: dict[str, Any] = {"message": {"role": "assistant", "content": text}}
    choice["finish_reason"] = finish
    if logprobs is not None:
        choice["logprobs"] = {"content": logprobs}
    return reply({"choices": [choice], "usage": usage(9, 1)})


def tokens(words: list[str], logprob: Any = -0.7) -> list[dict[str, Any]]:
    return [{"token": word, "logprob": logprob} for word in words]


TEMPLATE = reply({"error": "Template error: template not found"}, 422)
DOWN = Answer(0, {}, [], "connection refused")


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
        ("word \x00\x01\x02\x03 " * 12, "cannot be printed"),
        (STORY[:100] + "\ufffd\ufffd" + STORY[100:180], "U+FFFD"),
        (" ".join(HEALTHY[0].split()[:20]) + " sea" * 16, "16 times in a row"),
    ],
)
def test_what_is_no_text(text: str, problem: str) -> None:
    assert problem in degenerate.judge_degenerate(said(text)).problem


def continued(words: list[str]) -> Answer:
    """As /generate answers a base model."""
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
    """A random model's token may be half a word: the words look different, the tokens do not."""
    stuck = said(STORY, tokens([" gab"] * 20 + [f" w{n}" for n in range(28)]))
    assert "' gab' 20 times" in degenerate.judge_degenerate(stuck).problem


def test_a_character_cut_by_the_limit_is_no_loss() -> None:
    assert not degenerate.character_problems(STORY + "\ufffd")


def test_a_short_answer_is_no_proof() -> None:
    found = degenerate.judge_degenerate(said("A short tale.", finish="stop"))
    assert found.soft and "are needed to judge" in found.problem


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
        ([], "no logprobs came"),
        (None, "no logprobs came"),
    ],
)
def test_logprobs(entries: list[Any] | None, problem: str) -> None:
    found = degenerate.judge_logprobs(said(STORY, entries)).problem
    assert problem in found and bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("count", "finish", "problem"),
    [(1, "length", ""), (1, "stop", "finish_reason is stop"), (7, "length", "7 tokens came"),
     (None, "length", "tokens came")],
)  # fmt: skip
def test_length(count: Any, finish: str, problem: str) -> None:
    answer = reply({"choices": [{"finish_reason": finish}], "usage": {"completion_tokens": count}})
    found = conversation.judge_length(answer).problem
    assert problem in found and bool(found) == bool(problem)


def prompted(count: Any) -> Answer:
    return reply({"choices": [], "usage": {"prompt_tokens": count}})


@pytest.mark.parametrize(
    ("without", "told", "problem"),
    [
        (prompted(48), prompted(69), ""),
        # The template's own system message was longer than ours
        (prompted(48), prompted(42), ""),
        (prompted(48), prompted(48), "with a system message and without"),
        (prompted(48), prompted(None), "tells no prompt_tokens"),
        (prompted(48), TEMPLATE, "HTTP 422"),
        (DOWN, prompted(48), "nothing to compare with"),
    ],
)
def test_system(without: Answer, told: Answer, problem: str) -> None:
    found = conversation.judge_system(without, told).problem
    assert problem in found and bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("answer", "word", "problem", "remedy"),
    [
        (reply({"templated_text": "<user>Request xyz.<assistant>"}), "xyz", "", ""),
        (reply({"templated_text": "<assistant>"}), "xyz", "drops what the user says", ""),
        (reply({"tokens": []}), "xyz", "no templated_text", ""),
        (TEMPLATE, "xyz", "no usable chat template", "checks_without_chat"),
        # vLLM's words
        (reply({"error": {"message": "As of transformers v4.44, default chat template is no "
                                     "longer allowed"}}, 400), "", "no usable", "checks_without"),
        (reply({"error": "failed"}, 424), "", "HTTP 424", "mend what the other checks"),
        (said("Paris."), "", "", ""),
    ],
)  # fmt: skip
def test_template(answer: Answer, word: str, problem: str, remedy: str) -> None:
    found = conversation.judge_template(answer, word)
    assert problem in found.problem and bool(found.problem) == bool(problem)
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("first", "again", "problem"),
    [
        (said("Paris."), said("Paris."), ""),
        (said("Paris."), said("Rome."), "two different texts"),
        (said("Paris."), DOWN, "nothing to compare"),
        (said(""), said(""), "empty"),
    ],
)
def test_repeat(first: Answer, again: Answer, problem: str) -> None:
    found = conversation.judge_repeat(first, again).problem
    assert problem in found and bool(found) == bool(problem)


def stream(*texts: str, finish: str | None = "stop", ascii_only: bool = True) -> Answer:
    events = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
    if finish:
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    lines = [f"data: {json.dumps(one, ensure_ascii=ascii_only)}\n\n" for one in events]
    body = "".join(lines).encode("utf-8", "surrogatepass")
    return Answer(200, {"content-type": "text/event-stream"}, [(0.0, body)])


SHIP = "\U0001f6a2"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (stream("\u00e9 ", "\u65e5", f"\u672c {SHIP}"), ""),
        (stream("\u00e9 ", f"\u672c {SHIP}", ascii_only=False), ""),
        (stream("\u00e9 ", "\ufffd\ufffd", SHIP), "characters were lost"),
        (stream("\u00e9 \ufffd"), "characters were lost"),
        (stream("\u00e9 \ufffd", finish="length"), ""),
        (stream("\u00e9 ", "\ud83d", "\udea2"), "characters were lost"),
        (stream("\u00e9 ", "\ud83d", ascii_only=False), "characters were lost"),
        (stream("\u00e9", finish=None), "cut short"),
        (stream(""), "is empty"),
        (DOWN, "refused"),
        (reply({"error": "failed"}, 424), "HTTP 424"),
        (reply({"error": "failed"}), "content-type"),
    ],
)
def test_letters(answer: Answer, problem: str) -> None:
    found = utf8.judge_letters(answer)
    assert problem in found.problem and bool(found.problem) == bool(problem)
    assert not found.soft


def test_a_stream_of_plain_letters_shows_nothing() -> None:
    found = utf8.judge_letters(stream("I cannot say that."))
    assert found.soft and "nothing to judge" in found.problem


def run(fake: FakeTgi, *select: str, model: Model = MODEL) -> Report:
    options = Options("direct", "gpu1", [model], select=select, transport=fake.transport())
    return asyncio.run(check(options))


@pytest.mark.parametrize(
    ("fault", "red", "warned"),
    [
        ("", set(), set()),
        ("degenerate", {"chat.degenerate", "chat.canary"}, {"chat.utf8"}),
        ("chance", {"chat.logprobs"}, set()),
        ("lost-bytes", {"chat.utf8"}, set()),
        ("deaf-template", {"chat.template"}, set()),
        ("no-limit-of-tokens", {"chat.stream"}, {"chat.length"}),
        ("no-system", set(), {"chat.system"}),
        ("restless", set(), {"chat.repeat"}),
    ],
)
def test_each_fault_turns_its_own_checks(fault: str, red: set[str], warned: set[str]) -> None:
    report = run(FakeTgi(fault))
    assert {one.id for one in report.of("fail", "error")} == red
    assert {one.id for one in report.of("warn")} == warned


IDS = [spec.id for spec in conversation.SPECS]


@pytest.mark.parametrize("id", IDS)
def test_each_check_stands_alone(id: str) -> None:
    """What it shares with others it asks for itself."""
    assert run(FakeTgi(), id).passed
    assert not run(FakeTgi("no-template"), id).of("pass")[1:]


def test_another_engine_has_no_native_template_route() -> None:
    other = Model("small", "acme/small", url="http://127.0.0.1:8081", engine="openai")
    report = run(FakeTgi("deaf-template"), "chat.template", "chat.degenerate", model=other)
    assert report.passed and len(report.checks) == 3


def test_a_process_that_talks_passes_everything() -> None:
    """The emulator with scripted text: every check of the view, over a real socket."""
    with running() as server:
        model = Model("small", SERVED, url=server.url)
        report = asyncio.run(check(Options("direct", "gpu1", [model])))
    assert {one.status for one in report.checks} == {"pass"}, report.message()
    assert report.passed and {"chat.utf8", "tools.forced"} <= {one.id for one in report.checks}


class Thinker(FakeTgi):
    """Thinks aloud before each answer, as R1 does; ``wise``: it comes to the right one."""

    def __init__(self, wise: bool) -> None:
        super().__init__()
        self.wise, self.asked = wise, list[int]()

    def chat(self, body: dict[str, Any]) -> httpx.Response:
        prompt = body["messages"][-1]["content"]
        said = next((text for word, text in WORDS.items() if word in prompt), "")
        if not said or body["stream"] or "tools" in body:
            return super().chat(body)
        thought = ["<think>", *["So", "I", "need", "to", "think", "of", "it."] * 9, "</think>"]
        words = [*thought, *(said if self.wise else "I do not know.").split()]
        self.asked.append(body["max_tokens"])
        finish = "length" if len(words) > body["max_tokens"] else "stop"
        message = {"role": "assistant", "content": " ".join(words[: body["max_tokens"]])}
        choice = {"index": 0, "finish_reason": finish, "message": message}
        reply = {"object": "chat.completion", "choices": [choice], "usage": usage(9, 20)}
        return httpx.Response(200, json=reply)


@pytest.mark.parametrize(
    ("wise", "status", "asked"),
    [(True, "pass", [24, 320, 320]), (False, "fail", [24, 320, 24, 24])],
)
def test_a_model_that_thinks_aloud_has_room_to(wise: bool, status: str, asked: list[int]) -> None:
    fake = Thinker(wise)
    options = Options("direct", "x", [MODEL], select=["chat.canary"], transport=fake.transport())
    (found,) = [one for one in asyncio.run(check(options)).checks if one.id == "chat.canary"]
    assert (found.status, found.attempts, fake.asked) == (status, 2, asked)
