"""Diagnose every fault of the emulator: what the checks call red has a name and a remedy here."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from ansible.module_utils.tgi.diagnose.chain import CHAIN
from ansible.module_utils.tgi.diagnose.look.asked_checks import NOT_ASKED
from tgi_emulator.faults.faults import SERVE_FAULTS

from tests.support.checks.emulated_checks import MATRIX
from tests.support.diagnose.emulated import diagnosed, found
from tests.support.fakes.spoilt_tgi import SpoiltTgi
from tests.support.fast_time import fast_time
from tests.support.in_memory_tgi import InMemoryTgi
from tests.support.roots import ROOT

#: fault -> the link that is named, a word of what is seen, a word of its remedy
BROKEN = {
    "no-generate": ("generation", "424", "docker restart"),
    "wrong-model": ("identity", "bloom-560m, not acme/small", "tgi role"),
    "wrong-revision": ("identity", "serves revision ffff", "tgi role"),
    "empty-text": ("generation", "text is empty", "compare model_id and revision"),
    "stream-cut": ("direct.chat", "cut short", "the engine itself"),
    "error-event": ("direct.chat", "an error event", "the engine itself"),
    "overload": ("generation", "429", "fewer requests"),
    "hang": ("generation", "no answer within", "docker restart"),
    "hang-after=0": ("generation", "no answer within", "docker restart"),
    "slower=2": ("generation", "no answer within", "docker restart"),
    "server-error": ("generation", "500", "docker restart"),
    "via-gateway=hang": ("chat", "no answer within", "the engine's log of this moment"),
    "via-gateway=no-generate": ("chat", "HTTP 424", "docker logs"),
    "hang=all": ("health", "no answer within", "docker logs"),
    "unhealthy": ("health", "503", "docker logs"),
    "slow-token=0.3": ("pace", "every token takes long", "slowed down"),
    "slow-first=9": ("pace", "the first token is slow", "long prompts"),
    "no-chat-template": ("direct.chat", "template not found", "tokenizer_config_path"),
    "frozen-counters": ("counters", "moved by 0", "two containers"),
    "wrong-status": ("api", "422 expected", "another server"),
    "degenerate": ("text", "times in a row", "makes no sense"),
    "nonsense": ("text", "0 of 3 answers", "makes no sense"),
    "chance": ("text", "mean logprob -6.2", "compare model_id and revision"),
    "mojibake": ("text", "characters were lost", "tokenizer's revision"),
    "nan-logprobs": ("generation", "logprob is None", "NaN"),
    "merged-events": ("speed", "the engine itself sends bursts", "without a free core"),
    "no-finish-reason": ("generation", "finish_reason is None", "tgi_image"),
    "no-usage": ("direct.chat", "usage is missing", "tgi_image"),
    "template-echo": ("text", "repeats the prompt", "tgi_image"),
    "deaf-template": ("template", "drops the user's message", "tokenizer_config_path"),
    "tools-dropped": ("direct.tools", "tokens with tools", "leaves out the tools"),
    "tools-ignored": ("direct.tools", "text instead", "ignores tool_choice"),
    "tool-args=not-json": ("direct.tools", "not JSON", "enforce the schema"),
    "tool-args=string": ("direct.tools", "a JSON string", "enforce the schema"),
    "tool-args=schema": ("direct.tools", "lack what the schema", "enforce the schema"),
    "schema-ignored": ("json", "is not JSON", "disable_grammar_support"),
    "bad-schema-ok": ("api", "was not refused", "its log"),
    "json-cut": ("json", "cut after 6 of 512 tokens", "with tokens left"),
    "json-whitespace": ("json", "white space", "white space"),
}
WARNINGS = {
    "slow-health": ("health", "only after 12000 ms", "health probes"),
    "stop-ignored": ("api", "after the stop sequence", "stop sequences"),
    "system-dropped": ("template", "with a system message and without", "system messages"),
}
#: Left to playbooks/check.yml, and the words of NOT_ASKED for it
LEFT = {
    "no-cancel": "cancelled streams",
    "leak-key": "keys in answers",
    "open-path": "access without a key",
    "no-context-limit": "limits of context",
    "wrong-tokenizer": "pinned digests",
}
#: The checks call these red only for a moment, or not at all
HARMLESS = {"json-spaces", "old-health", "restart", "slow-first", "slow-token"}
#: The process itself ends: test_on_gpu_host shows it
ENDING = {"die-after", "shard-crash"}


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    with fast_time():
        yield


def engine(fault: str) -> InMemoryTgi:
    # Its events are not read one by one
    return InMemoryTgi(fault) if fault == "merged-events" else SpoiltTgi(fault)


@pytest.mark.parametrize("fault", BROKEN)
def test_a_fault_has_one_cause_and_one_remedy(fault: str) -> None:
    link, seen, remedy = BROKEN[fault]
    verdict = diagnosed(engine(fault))
    assert verdict.cause is not None
    assert verdict.cause.link == link, verdict.line
    assert seen in verdict.cause.found.seen
    assert remedy.lower() in verdict.cause.found.remedy.lower() != ""
    assert verdict.others == []
    rows = found(verdict, "broken").values()
    assert [row["link"] for row in rows if row["remedy"]] == [link]


@pytest.mark.parametrize("fault", WARNINGS)
def test_what_the_checks_only_warn_of_is_a_warning(fault: str) -> None:
    link, seen, remedy = WARNINGS[fault]
    verdict = diagnosed(engine(fault))
    rows = found(verdict, "warning")
    assert verdict.passed and set(rows) == {link}
    assert seen in rows[link]["seen"] and remedy in rows[link]["remedy"]
    assert f"WARNING: {rows[link]['title']} of small on gpu1: " in verdict.line


@pytest.mark.parametrize("fault", LEFT)
def test_what_is_not_asked_is_said(fault: str) -> None:
    verdict = diagnosed(engine(fault))
    assert verdict.passed and LEFT[fault] in NOT_ASKED
    assert f"Not asked here, but by playbooks/check.yml: {NOT_ASKED}." in verdict.line


def test_no_fault_is_forgotten() -> None:
    named = {fault.partition("=")[0] for fault in (*BROKEN, *WARNINGS, *LEFT, *HARMLESS, *ENDING)}
    assert named >= set(SERVE_FAULTS)
    red = {fault.partition("=")[0] for fault, row in MATRIX.items() if row["red"] or row["edge"]}
    assert red <= named - HARMLESS | {"restart", "slow-token"}


@pytest.mark.parametrize("fault", ["", *sorted(HARMLESS)])
def test_a_healthy_engine_is_well(fault: str) -> None:
    verdict = diagnosed(engine(fault))
    assert verdict.passed and not found(verdict, "warning")
    assert set(found(verdict, "ok")) == {link.id for link in CHAIN}


def test_what_stands_on_a_broken_link_names_it() -> None:
    """Without a template one link has the remedy, and all that stands on it says so."""
    verdict = diagnosed(engine("no-chat-template"))
    rows = found(verdict, "not reached")
    assert {"stream", "speed", "tools", "text", "json", "api", "counters"} <= set(rows)
    assert {row["seen"] for row in rows.values()} == {
        "not judged: a consequence of chat, direct of small on gpu1"
    }


def test_a_base_model_is_asked_for_text() -> None:
    verdict = diagnosed(engine("degenerate"), without_chat=["small"])
    assert verdict.cause and verdict.cause.found.code == "generate.degenerate"


def test_a_model_without_tools_is_not_asked_for_calls() -> None:
    verdict = diagnosed(engine("tools-ignored"), without_tools=["small"])
    rows = {row["link"]: row for row in verdict.rows()}
    assert rows["direct.tools"]["state"] == "not reached"


def test_a_call_for_which_no_room_suffices_is_one_warning() -> None:
    verdict = diagnosed(engine("json-spaces=90"))
    rows = found(verdict, "warning")
    assert verdict.passed and set(rows) == {"direct.tools"}
    assert "512 tokens did not suffice" in rows["direct.tools"]["seen"]


def test_white_space_without_an_end_is_a_fault() -> None:
    verdict = diagnosed(engine("json-spaces=120"))
    assert verdict.cause and verdict.cause.link == "direct.tools"
    assert "endless white space" in verdict.cause.found.seen


def test_how_many_answers_must_be_right_is_an_option() -> None:
    fakes = [SpoiltTgi(), SpoiltTgi()]
    diagnosed(fakes[0], canary_passes=1)
    diagnosed(fakes[1], canary_passes=4)
    assert fakes[1].generations == fakes[0].generations + 3


def test_an_engine_without_a_place() -> None:
    verdict = diagnosed(SpoiltTgi(argv=("--max-concurrent-requests", "0")))
    assert verdict.cause and (verdict.cause.link, verdict.cause.found.code) == (
        "settings", "refuses_all",
    )  # fmt: skip
    assert verdict.others == [] and "set it to 1 or more" in verdict.line


class LonelyTgi(SpoiltTgi):
    """An engine that fails as soon as two requests meet in a batch, as TGI's padded path does."""

    running = 0

    async def handle(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST" or "tokenize" in request.url.path:
            return await super().handle(request)
        self.running += 1
        met = self.running > 1
        try:
            answer = await super().handle(request)
        finally:
            self.running -= 1
        said = {"error": "Request failed during generation", "error_type": "generation"}
        return httpx.Response(424, json=said) if met and answer.status_code == 200 else answer


def test_requests_that_may_not_meet() -> None:
    verdict = diagnosed(LonelyTgi())
    assert verdict.cause and (verdict.cause.link, verdict.cause.found.code) == ("text", "batch")
    assert "while one request alone is answered" in verdict.line
    assert "flash attention" in verdict.cause.found.remedy and verdict.others == []


class CountedTgi(SpoiltTgi):
    """The engine, with the paths that were asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        return await super().handle(request)


def test_the_price_of_a_diagnosis() -> None:
    """The page says what one model costs."""
    fake = CountedTgi()
    diagnosed(fake)
    assert (len(fake.asked), fake.generations) == (24, 15)
    assert "20 requests to each model" in (ROOT / "docs/diagnose.md").read_text()
