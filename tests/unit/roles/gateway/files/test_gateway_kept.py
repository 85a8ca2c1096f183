"""Test streams that comments keep alive; node runs both passes through nginx, if installed."""

from __future__ import annotations

import json
from typing import Any

import httpx
import openai
import pytest
from ansible.module_utils.tgi.gateway.render.template_data import nginx_models

from tests.support.gateway.dialect import CHAT
from tests.support.gateway.njs import needs_node, run_njs
from tests.support.render_gateway import every, parse, render, words

pytestmark = needs_node

_BACKENDS = [
    {"name": "llama", "model_id": "a/b", "replicas": [{}]},
    {"name": "wide", "model_id": "e/f", "replicas": [{}, {}]},
]
_PREPARE = """
import fs from 'fs';
const given = JSON.parse(fs.readFileSync(0, 'utf8'));
Object.assign(globalThis, {models: given.models, keyring: {live: {}}});
"""
#: The second pass: `ticks` timers are due before the engine's answer is there
_ASKED = (
    _PREPARE
    + """
const timers = [], out = {sent: [], waits: [], finished: false};
globalThis.setTimeout = (run, wait) => timers.push({run, wait}) - 1;
globalThis.clearTimeout = place => { timers[place] = null; };
const kept = (await import('./gateway_kept.js')).default;
let answered;
const r = {
    headersIn: {'X-Gateway-Upstream': given.asked}, headersOut: {},
    variables: {gateway_tool_keepalive: given.every},
    sendHeader: () => { out.header = [r.status, {...r.headersOut}]; },
    send: text => out.sent.push(text),
    finish: () => { out.finished = true; },
    subrequest: (path, options) => {
        out.path = path;
        return {then: then => { answered = then; }};
    },
};
kept.ask(r);
for (let tick = 0; tick < given.ticks; tick++) {
    const place = timers.findIndex(one => one !== null), due = timers[place];
    timers[place] = null;
    out.waits.push(due.wait);
    due.run();
}
answered(given.reply);
out.left = timers.filter(one => one !== null).length;
out.variables = r.variables;
console.log(JSON.stringify(out));
"""
)
#: The first pass, of what the second one sends
_ANSWERED = (
    _PREPARE
    + """
globalThis.ngx = {shared: {gateway_tokens: {incr: () => 0}}};
const answers = (await import('./gateway_answers.js')).default;
const sent = [];
const r = {
    status: given.status, headersOut: {'Content-Type': 'application/json'},
    error: text => { throw new Error(text); },
    variables: {
        gateway_model: 'llama', gateway_plan: JSON.stringify(given.plan),
        request_id: 'f'.repeat(32), gateway_budget: '9', gateway_consumer: 'duck',
    },
    sendBuffer: (data, flags) => sent.push([data.toString(), Boolean(flags.last)]),
};
answers.header(r);
given.chunks.forEach((chunk, place) => {
    answers.body(r, Buffer.from(chunk, 'latin1'), {last: place === given.chunks.length - 1});
});
console.log(JSON.stringify({sent: sent, headers: r.headersOut, variables: r.variables}));
"""
)
_REQUEST = (
    _PREPARE
    + """
const rewrite = (await import('./gateway_rewrite.js')).default;
const r = {
    variables: {gateway_model: 'llama', gateway_path: '/v1/chat/completions', ...given.variables},
    requestBuffer: Buffer.from(given.body), internalRedirect: () => null,
};
rewrite.send(r);
console.log(JSON.stringify(r.variables));
"""
)
_CALL = {"id": "0", "type": "function", "function": {"name": "f", "arguments": {"a": "é"}}}
_MESSAGE = {"role": "assistant", "tool_calls": [_CALL]}
_CHOICE = {"index": 0, "message": _MESSAGE, "finish_reason": "stop"}
_USAGE = {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10}
ANSWER = json.dumps({"id": "", "created": 1, "model": "m", "choices": [_CHOICE], "usage": _USAGE})
ERROR = '{"error": "Request failed during generation: x", "error_type": "generation"}'
UPSTREAM = {"addr": "h:1", "status": "200", "connect_time": "0.001"}
REPORT = '[200,"h:1","200","0.001","7.0","7.1"]\n'
COMMENT = ": keep-alive\n\n"


def asked(
    ticks: int, status: int = 200, text: str = ANSWER, model: str = "llama", pace: int = 10
) -> dict[str, Any]:
    """Return what the second pass does while and after an engine works."""
    reply = {
        "status": status,
        "responseText": text,
        "headersOut": {"Content-Type": "text/x", "Content-Length": "9", "Retry-After": "4"},
        "variables": {f"upstream_{name}": value for name, value in UPSTREAM.items()},
    }
    asks = {"asked": f"model_{model}", "every": str(pace), "ticks": ticks, "reply": reply}
    found: dict[str, Any] = run_njs(_ASKED, {"models": nginx_models(_BACKENDS), **asks})
    return found


def answered(*chunks: str, status: int = 200) -> dict[str, Any]:
    """Return what the first pass makes of the second one's body, and its variables."""
    given = {
        "models": nginx_models(_BACKENDS),
        "status": status,
        "plan": {"route": CHAT, "replay": True, "kept": True},
        "chunks": [chunk.encode().decode("latin-1") for chunk in chunks],
    }
    found: dict[str, Any] = run_njs(_ANSWERED, given)
    assert [last for _, last in found["sent"]].count(True) == 1 and found["sent"][-1][1]
    return found


def text_of(found: dict[str, Any]) -> str:
    return "".join(text for text, _ in found["sent"])


def test_a_quick_answer_keeps_its_status_and_header() -> None:
    found = asked(0, 429)
    assert found["header"] == [429, {"Content-Type": "text/x", "Retry-After": "4"}]
    assert found["sent"] == ['[429,"h:1","200","0.001","",""]\n' + ANSWER]
    assert (found["finished"], found["left"]) == (True, 0)


@pytest.mark.parametrize("pace", [1, 10])
def test_comments_come_after_five_seconds_and_then_at_their_pace(pace: int) -> None:
    found = asked(12, 424, ERROR, pace=pace)
    assert found["waits"] == [5000] + [1000] * 11
    assert found["header"] == [200, {"Content-Type": "application/json"}]
    *meanwhile, last = found["sent"]
    assert meanwhile == [COMMENT if place % pace == 0 else "\n" for place in range(12)]
    assert last == '[424,"h:1","200","0.001","",""]\n' + ERROR
    assert (found["finished"], found["left"]) == (True, 0)


@pytest.mark.parametrize(
    ("model", "place", "drained"),
    [("llama", "one", ""), ("wide", "replicas", ""), ("wide!block0!1", "replicas", "!block0!1")],
)
def test_the_engine_is_asked_where_its_replicas_are(model: str, place: str, drained: str) -> None:
    found = asked(0, model=model)
    assert found["path"] == f"/_gateway/kept/{place}"
    assert found["variables"]["gateway_model"] == model.partition("!")[0]
    assert found["variables"]["gateway_drained"] == drained


def test_comments_go_on_at_once_and_the_log_gets_what_was_told() -> None:
    whole = ("\n" + COMMENT) * 2 + REPORT + ANSWER
    for size in (1, 7, len(whole)):
        chunks = [whole[at : at + size] for at in range(0, len(whole), size)]
        found = answered(*chunks, "")
        assert [text for text, _ in found["sent"]][:2] == [COMMENT] * 2
        assert text_of(found).endswith("data: [DONE]\n\n")
        told = {name: found["variables"][f"gateway_engine_{name}"] for name in UPSTREAM}
        assert told == UPSTREAM
    assert found["variables"]["gateway_tokens"] == "7"
    assert found["headers"] == {"Content-Type": "text/event-stream"}


def test_an_early_error_keeps_status_and_form() -> None:
    found = answered(REPORT.replace("200", "424") + ERROR, "", status=424)
    assert json.loads(text_of(found))["error"]["type"] == "server_error"
    assert found["headers"] == {"Content-Type": "application/json"}


def test_an_error_without_a_report_is_told_all_the_same() -> None:
    found = answered("<html>\n500\n</html>\n", "", status=500)
    assert json.loads(text_of(found))["error"]["type"] == "server_error"


def stream(text: str) -> openai.Stream[Any]:
    """Let OpenAI's own client read it."""
    head = {"content-type": "text/event-stream"}
    answer = httpx.MockTransport(lambda _: httpx.Response(200, headers=head, text=text))
    client = openai.OpenAI(
        api_key="x", base_url="http://x/v1", http_client=httpx.Client(transport=answer)
    )
    return client.chat.completions.create(model="m", messages=[], stream=True)


def test_openais_client_does_not_notice_comments() -> None:
    text = text_of(answered("\n" + COMMENT + REPORT + ANSWER, ""))
    assert text.startswith(COMMENT)
    calls = [
        call
        for chunk in stream(text)
        for call in (chunk.choices[0].delta.tool_calls or [] if chunk.choices else [])
    ]
    assert json.loads("".join(call.function.arguments for call in calls)) == {"a": "é"}


def test_openais_client_hears_of_a_late_error() -> None:
    text = text_of(answered(COMMENT + REPORT.replace("[200", "[424") + ERROR, ""))
    assert text.endswith("data: [DONE]\n\n")
    with pytest.raises(openai.APIError, match="Request failed during generation"):
        list(stream(text))


@pytest.mark.parametrize(
    ("pace", "more", "kept"),
    [("10", {"stream": True}, True), ("0", {"stream": True}, False), ("10", {}, False)],
)
def test_only_a_stream_that_is_asked_for_whole_is_kept(
    pace: str, more: dict[str, Any], kept: bool
) -> None:
    function = {"name": "f", "parameters": {"type": "object"}}
    body = {"messages": [], "tools": [{"type": "function", "function": function}], **more}
    given = {"body": json.dumps(body), "variables": {"gateway_tool_keepalive": pace}}
    found = run_njs(_REQUEST, {"models": nginx_models(_BACKENDS), **given})
    assert found.get("gateway_kept", "") == ("1" if kept else "")
    assert json.loads(found["gateway_plan"]).get("kept", False) is kept


def test_only_this_machine_reaches_the_second_pass() -> None:
    servers = [inner or [] for _, inner in every(parse(render()["nginx.conf"]), "server")]
    inner = [one for one in servers if ["kept.ask"] in words(one, "js_content")]
    assert [words(one, "listen") for one in inner] == [[["127.0.0.1:8079"]]]


@pytest.mark.parametrize("more", [{"gateway_tool_keepalive": 0}, {"gateway_openai_dialect": False}])
def test_without_comments_there_is_no_second_pass(more: dict[str, Any]) -> None:
    assert "/_gateway/kept" not in render(**more)["nginx.conf"]
