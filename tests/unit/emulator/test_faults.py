"""Each fault of a serving engine changes exactly what it is there to change, and heals."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import jsonschema
import pytest
from tgi_emulator.faults.faults import SERVE_FAULTS, UnknownFault, parse_fault

from tests.support.emulator import App
from tests.support.emulator_probes import (
    FRANCE,
    KEY,
    LIMITS,
    POSTS,
    SCHEMA,
    VIEWS,
    chat,
    look,
    native,
    streamed,
)
from tests.support.emulator_readings import (
    Seen,
    arguments,
    bodies,
    calls_are,
    choice,
    finishes,
    guided,
    is_json,
    joined,
    keeps_schema,
    logprobs,
    prompt_tokens,
    prose,
    reply,
    usages,
)
from tests.support.roots import ROOT

TOKEN = "hf_emulator_token"
STREAMS = ("generate.stream", "chat.stream", "chat.story_stream", "chat.utf8_stream",
           "completions.stream")  # fmt: skip
WHOLE = ("generate", "generate.story", "generate.utf8", "generate.stop", "chat", "chat.logprobs",
         "chat.system", "completions")  # fmt: skip
GUIDED = ("generate.json", "generate.regex", "json", "json.stream")
TOOLS = ("tools", "tools.stream")
REFUSED = ("generate.bad_schema", "generate.over_input", "generate.over_total", "generate.empty",
           "chat.over", "tools.clash", "json.bad_schema", "unknown", "no_field",
           "wrong_method")  # fmt: skip
NATIVE_TOKENS = (*WHOLE[:4], "generate.stream", *GUIDED[:2])
OPENAI = ("chat", "chat.logprobs", "chat.system", "completions", *STREAMS[1:], *TOOLS, "json",
          "json.stream")  # fmt: skip


TABLE: list[tuple[str, tuple[str, ...], Callable[[Seen], bool]]] = [
    ("frozen-counters", ("counters",), lambda s: s["counters"] is False),
    ("wrong-status", REFUSED, lambda s: {s[name][0] for name in REFUSED} == {500}),
    ("wrong-status=200", REFUSED,
     lambda s: reply(s, "generate.empty")["error_type"] == "validation"),
    ("leak-key", ("info", "generate.bad_schema", "generate.over_input", "generate.over_total",
                  "generate.empty", "generate.empty_stream", "chat.over", "json.bad_schema"),
     lambda s: all(one in json.dumps(s[name]) for one in (KEY, TOKEN)
                   for name in ("info", "generate.empty", "generate.empty_stream"))),
    ("open-path", ("open:/generate",), lambda s: s["open:/generate"] == 200),
    ("open-path=/tokenize", ("open:/tokenize",), lambda s: s["open:/tokenize"] == 200),
    ("no-context-limit", ("generate.over_input", "generate.over_total", "chat.over"),
     lambda s: prompt_tokens(s, "chat.over") > 300 and s["generate.over_total"][0] == 200),
    ("degenerate", (*WHOLE, *STREAMS),
     lambda s: len(set(joined(s, "chat.story_stream").split())) == 1
     and set(finishes(s)) == {"length"}
     and reply(s, "generate.story")["details"]["generated_tokens"] == 64),
    ("mojibake", ("generate.utf8", "chat.utf8_stream"),
     lambda s: reply(s, "generate.utf8")["generated_text"] == joined(s, "chat.utf8_stream")
     == "na\ufffdve \ufffd\ufffd\ufffd \ufffd"),
    ("nan-logprobs", (*NATIVE_TOKENS, "chat.logprobs"), lambda s: logprobs(s) == {None}),
    ("wrong-tokenizer", (*WHOLE, *STREAMS, *GUIDED, *TOOLS, "generate.over_input",
                         "generate.over_total", "chat.over", "tokenize"),
     lambda s: [t["text"] for t in reply(s, "tokenize")][:4] == ["", "Nam", "e", " the"]
     and reply(s, "generate")["details"]["tokens"][0]["id"] == 23456
     and reply(s, "generate")["generated_text"] == "The capital of France is Paris."),
    ("stop-ignored", ("generate.stop",),
     lambda s: reply(s, "generate.stop")["generated_text"] == "one two three"),
    ("merged-events", ("writes",), lambda s: s["writes"] == [8] * 5 + [2]),
    ("merged-events=100", ("writes",), lambda s: s["writes"] == [42]),
    ("no-finish-reason", (*WHOLE, *STREAMS, *GUIDED, "tools"),
     lambda s: set(finishes(s)) == {None} and reply(s, "chat.stream")[-1] == "[DONE]"),
    ("no-usage", (*OPENAI, "writes"), lambda s: not usages(s)),
    ("template-echo", ("completions", "completions.stream"),
     lambda s: choice(s, "completions")["text"] == f"{FRANCE}The capital of France is Paris."
     and reply(s, "completions.stream")[0]["choices"][0]["text"] == FRANCE),
    ("system-dropped", ("chat.system",),
     lambda s: prompt_tokens(s, "chat.system") == prompt_tokens(s, "chat")),
    ("tools-dropped", TOOLS, lambda s: prompt_tokens(s, "tools") < 40
     and calls_are(keeps_schema)(s)),
    ("tools-ignored", (*TOOLS, "tools.clash"), lambda s: prose(s, "tools")
     and "tool_calls" not in json.dumps(s["tools.stream"])),
    ("tool-args", TOOLS, calls_are(lambda text: not is_json(text))),
    ("tool-args=string", TOOLS, calls_are(lambda text: isinstance(json.loads(text), str))),
    ("tool-args=schema", TOOLS, calls_are(
        lambda text: isinstance(json.loads(text), dict) and not keeps_schema(text))),
    ("schema-ignored", GUIDED, lambda s: prose(s, "json") and not is_json(joined(s, "json.stream"))
     and not is_json(reply(s, "generate.json")["generated_text"])),
    ("bad-schema-ok", ("generate.bad_schema", "json.bad_schema"),
     lambda s: prose(s, "json.bad_schema")),
    ("json-cut", GUIDED, lambda s: all(
        text.startswith('{"k"') and not is_json(text) and why == "length"
        for text, why in guided(s))),
    ("json-spaces=2", (*set(GUIDED) - {"generate.regex"}, *TOOLS), lambda s: all(
        is_json(text) and text.startswith("{\n\n") for text, _ in guided(s))),
    ("json-whitespace", GUIDED, lambda s: all(
        text and not text.strip() and why == "length" for text, why in guided(s))),
    ("server-error=503", (*(set(POSTS) - {"unknown", "no_field"}), "counters", "writes"),
     lambda s: {s[name][0] for name in POSTS} == {404, 422, 503}),
    # only for requests that a gateway has marked
    ("via-gateway", (), lambda s: len(s) == len(VIEWS)),
    # what these do shows in time, or when a client leaves: see test_emulator_restart.py
    ("slow-first=0.001", (), lambda s: len(s) == len(VIEWS)),
    ("slower=0.000001", (), lambda s: len(s) == len(VIEWS)),
    ("hang-after", (), lambda s: len(s) == len(VIEWS)),
    ("die-after", (), lambda s: len(s) == len(VIEWS)),
]  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[App, Seen]:
    """An engine, and what it looks like in health: whatever the table says of a fault is false."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", TOKEN)
        app = App(tmp_path_factory.mktemp("emulator"), *LIMITS)
        return app, look(app)


def _true(shows: Callable[[Seen], bool], seen: Seen) -> bool:
    """Tell whether the row's condition holds; an engine may lack such an answer."""
    with suppress(AssertionError, KeyError, TypeError, ValueError):
        return shows(seen)
    return False


@pytest.mark.parametrize(("fault", "changes", "shows"), TABLE, ids=[row[0] for row in TABLE])
def test_a_fault_shows_exactly_there_and_heals(
    served: tuple[App, Seen],
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    changes: tuple[str, ...],
    shows: Callable[[Seen], bool],
) -> None:
    app, healthy = served
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    app.faults.write(dict([parse_fault(fault)]))
    sick = look(app)
    app.faults.write({})
    assert {name for name in VIEWS if sick[name] != healthy[name]} == set(changes)
    assert shows(sick)
    assert not changes or not _true(shows, healthy)
    assert look(app) == healthy


MARKS = ("X-Forwarded-For", "X-Forwarded-Proto")


def test_the_gateway_marks_its_requests() -> None:
    sent = (ROOT / "roles/gateway/templates/proxy.conf.j2").read_text()
    assert all(f"proxy_set_header {mark} " in sent for mark in MARKS)


@pytest.mark.parametrize("mark", MARKS)
def test_a_fault_may_show_through_the_gateway_only(served: tuple[App, Seen], mark: str) -> None:
    app, _ = served
    own = {"authorization": f"Bearer {KEY}"}
    marked = {**own, mark: "192.0.2.1"}
    said = {
        "degenerate": "the the the",
        "server-error=502": "Incomplete generation",
        "empty-text": '"generated_text":""',
        "leak-key": KEY,
    }
    for fault, words in said.items():
        app.faults.write(dict([parse_fault(f"via-gateway={fault}")]))
        asked = [native(), native("")][fault == "leak-key"]
        for headers, there in ((own, False), (marked, True), (own, False)):
            text = app.post("/generate", asked, headers=headers).text
            assert (words in text) is there, (fault, headers, text)
    app.faults.write(dict([parse_fault("via-gateway=mojibake")]))
    for headers, there in ((own, False), (marked, True)):
        body = streamed(**chat("Repeat exactly: naïve"))
        text = app.post("/v1/chat/completions", body, headers=headers).text
        assert ("\ufffd" in text) is there, "a stream has its own task"
    app.faults.write({})


def test_health_is_what_the_catalogue_expects(served: tuple[App, Seen]) -> None:
    _, seen = served
    assert None not in finishes(seen)
    assert all(value < 0 for value in logprobs(seen))
    assert all(keeps_schema(one) for one in arguments(seen))
    assert usages(seen) and seen["counters"]
    for text in (reply(seen, "generate.json")["generated_text"], joined(seen, "json.stream")):
        jsonschema.validate(json.loads(text), SCHEMA)
    assert prompt_tokens(seen, "tools") > prompt_tokens(seen, "chat") + 40
    assert prompt_tokens(seen, "chat.system") > prompt_tokens(seen, "chat") + 20
    assert {seen[f"open:{path}"] for path in ("/generate", "/tokenize")} == {401}
    assert TOKEN not in bodies(seen) and KEY not in bodies(seen)
    assert {seen[name][0] for name in REFUSED} == {404, 405, 422}


def test_every_fault_of_a_serving_engine_is_described_and_tested() -> None:
    readme = (ROOT / "tests/emulator/README.md").read_text()
    assert [name for name in SERVE_FAULTS if f"`{name}" not in readme] == []
    tests = "".join(path.read_text() for path in Path(__file__).parent.rglob("test_*.py"))
    assert [name for name in SERVE_FAULTS if f'"{name}' not in tests] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tool-args=none", "takes one of: not-json, string, schema"),
        ("wrong-status=99", "takes an HTTP status"),
        ("merged-events=0", "takes a whole number of events"),
        ("open-path=generate", "takes a path"),
        ("server-error=404", "takes an HTTP status from 500 to 599"),
        ("via-gateway=nonsense", "unknown fault 'nonsense'"),
        ("via-gateway=slow-token=x", "takes a number"),
        ("via-gateway=oom-load", "takes a fault that a request meets while it serves"),
        ("via-gateway=via-gateway", "takes a fault that a request meets while it serves"),
        ("die-after=soon", "takes a number"),
        ("slow-first=soon", "takes a number"),
        ("degenerated", "unknown fault"),
    ],
)
def test_values_that_make_no_sense_are_refused(text: str, said: str) -> None:
    with pytest.raises(UnknownFault, match=said):
        parse_fault(text)
