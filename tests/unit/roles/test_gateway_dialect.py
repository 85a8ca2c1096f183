"""Test how requests and answers pass through a dialect; node runs the njs code, if installed.

The dialect is a stand-in: what an engine's own one does has tests of its own.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.tgi.gateway.render.template_data import nginx_models

from tests.support.gateway.njs import needs_node, run_njs
from tests.support.render_gateway import parse, render, words

pytestmark = needs_node

CHAT = "/v1/chat/completions"
_BACKENDS = [
    {"name": "llama", "model_id": "a/b", "replicas": [{}]},
    {"name": "wide", "model_id": "e/f", "replicas": [{}, {}]},
    {"name": "plain", "model_id": "c/d", "engine": "vllm", "replicas": [{}]},
]
_STAND_IN = {
    "dialect/keys.js": """
export default {tgi: {
    '/v1/chat/completions': {keys: {stop: /^\\s*null/, tools: /^\\s*null/}, words: true},
    '/v1/completions': {keys: {stop: /^\\s*null/}, words: false},
}};
""",
    "dialect/asking.js": """
const request = (route, bytes, options) => {
    const text = bytes.toString();
    if (text.indexOf('refuse') >= 0) {
        return {refused: {message: 'No.', param: 'stop', code: 'unsupported_value'}};
    }
    if (text.indexOf('fail') >= 0) {
        throw new Error('of ours');
    }
    const plan = {route: route, live: options.live};
    return {text: text.indexOf('same') >= 0 ? null : 'new ' + text, plan: plan};
};
export default {tgi: request};
""",
    "dialect/failing.js": """
export default {tgi: {
    error: (status, text) => 'error ' + status + ' ' + text,
    first: (bytes) => Buffer.from('first ' + bytes.toString()),
}};
""",
    "dialect/answering.js": """
export default {tgi: {
    answer: (text, plan, fresh) => {
        if (text === 'fail') {
            throw new Error('of ours');
        }
        return 'answer ' + fresh + ' ' + text;
    },
    events: (text, plan, state, fresh, last) => {
        const seen = (state.seen || 0) + 1;
        return {text: '<' + text + '>' + (last ? seen : ''), state: {seen: seen}};
    },
    literal: (text) => text.startsWith('literal'),
    replay: (text) => {
        if (text === 'fail') {
            throw new Error('no JSON');
        }
        return 'data: ' + text + '\\n\\n';
    },
    error: (status, text) => 'error ' + status + ' ' + text,
}};
""",
}
_ASKED = """
import fs from 'fs';
const [models, handler, variables, body] = JSON.parse(fs.readFileSync(0, 'utf8'));
Object.assign(globalThis, {models: models, keyring: {live: {hasty: true, calm: false}}});
const dialect = (await import('./gateway_dialect.js')).default;
const rewrite = (await import('./gateway_rewrite.js')).default;
const out = {};
const r = {
    headersOut: {}, variables: variables, requestBuffer: Buffer.from(body),
    return: (status, text) => { out.refused = [status, JSON.parse(text).error]; },
    internalRedirect: (to) => to === '@rewrite' ? rewrite.send(r) : (out.to = to),
};
dialect[handler](r);
console.log(JSON.stringify({...out, body: variables.gateway_body, plan: variables.gateway_plan,
    model: variables.gateway_model}));
"""
_ANSWERED = """
import fs from 'fs';
const given = JSON.parse(fs.readFileSync(0, 'utf8'));
const [script, models, status, headers, plan, chunks, variables] = given;
Object.assign(globalThis, {models: models, ngx: {shared: {gateway_tokens: {incr: () => 0}}}});
const answers = (await import('./' + script + '.js')).default;
const sent = [], failed = [];
const r = {
    status: status, headersOut: headers, error: (text) => failed.push(text),
    variables: {
        gateway_model: 'llama', gateway_plan: JSON.stringify(plan), request_id: 'f00', ...variables
    },
    sendBuffer: (data, flags) => sent.push([data.toString(), Boolean(flags.last)]),
    done: () => { done = true; },
};
let done = false, seen = 0;
answers.header(r);
chunks.forEach((chunk, place) => {
    if (!done) {
        seen += 1;
        answers.body(r, Buffer.from(chunk, 'latin1'), {last: place === chunks.length - 1});
    }
});
const tokens = r.variables.gateway_tokens;
console.log(JSON.stringify({
    sent: sent, failed: failed, headers: headers, tokens: tokens, seen: seen
}));
"""


def asked(
    body: str,
    handler: str = "byBody",
    streams: str = "whole",
    others: dict[str, str] = _STAND_IN,
    **variables: str,
) -> dict[str, Any]:
    """Return where a request goes, with what body and plan, or how it is refused."""
    given = [nginx_models(_BACKENDS, streams), handler, {"gateway_path": CHAT, **variables}, body]
    found: dict[str, Any] = run_njs(_ASKED, given, others)
    return found


#: Values of TGI's own table
SAME = ['"n":1', '"top_p" : 0.9', '"top_p":.5\n', '"tools":null', '"presence_penalty":-0.5']
SAME += ['"stream":true,"stream_options":{"include_usage":true}', '"stream":false', '"stop": null']
OTHER = ['"n":10', '"top_p":1', '"top_p":1.0', '"top_p":1e0', '"stop":["a"]', '"stream":null']
OTHER += ['"presence_penalty":0', '"presence_penalty":-0.0', '"stream_options":null']


def test_a_key_whose_value_is_the_same_to_the_engine_asks_for_nothing() -> None:
    for text in SAME:
        found = asked(f'{{"model":"llama",{text}}}', others={})
        assert found == {"to": "/_gateway/words/backend", "model": "llama"}, text
    for text in OTHER:
        found = asked(f'{{{text},"model":"llama"}}', others={})
        assert "plan" in found or "refused" in found, text


def answered(
    *chunks: bytes,
    status: int = 200,
    kind: str = "application/json",
    script: str = "gateway_answers",
    **plan: Any,
) -> dict[str, Any]:
    """Return what a client gets of an engine's answer, or nginx's own filters do."""
    headers = {"Content-Type": kind, "Content-Length": "1"}
    variables = plan.pop("variables", {})
    pieces = [chunk.decode("latin-1") for chunk in chunks]
    plan = {"route": CHAT, **plan}
    given = [script, nginx_models(_BACKENDS), status, headers, plan, pieces, variables]
    found: dict[str, Any] = run_njs(_ANSWERED, given, _STAND_IN)
    return found


def text_of(found: dict[str, Any]) -> str:
    assert [last for _, last in found["sent"]][:-1].count(True) == 0
    assert found["sent"][-1][1] is True
    return "".join(text for text, _ in found["sent"])


@pytest.mark.parametrize(
    "body",
    [
        '{"model": "llama"}',
        '{"messages": [{"stop": 1}], "x": "stop", "user": "\\"stop\\": 1"}',
        "{}",
    ],
)
def test_a_body_without_a_key_of_the_dialect_goes_on_as_it_is(body: str) -> None:
    assert asked(body) == {"to": "/_gateway/words/backend", "model": "llama"}


def test_nginx_exchanges_the_words_of_answers_only_where_words_are_all() -> None:
    assert asked("{}", gateway_path="/v1/completions")["to"] == "/_gateway/dialect/backend"
    wide = '{"model": "wide"}'
    assert asked(wide)["to"] == "/_gateway/words/model_wide"
    assert asked(wide, gateway_quiet="quiet_")["to"] == "/_gateway/dialect/quiet_model_wide"


@pytest.mark.parametrize("key", ["stop", "tools", "st\\u006fp", "\\u0073\\u0074\\u006f\\u0070"])
def test_a_body_with_one_is_rewritten(key: str) -> None:
    body = f'{{"model": "wide", "{key}": 1}}'
    found = asked(body, gateway_quiet="quiet_")
    assert (found["to"], found["body"]) == ("/_gateway/dialect/quiet_model_wide", f"new {body}")
    assert json.loads(found["plan"]) == {"route": CHAT, "live": False}
    assert json.loads(asked(body, streams="live")["plan"])["live"] is True


@pytest.mark.parametrize("who", ["hasty", "calm"])
def test_a_consumer_may_have_streams_with_tools_of_its_own(who: str) -> None:
    streams = "whole" if who == "hasty" else "live"
    found = asked('{"tools": 1}', streams=streams, gateway_consumer=who)
    assert json.loads(found["plan"])["live"] is (who == "hasty")


def test_a_route_has_keys_of_its_own() -> None:
    assert "body" not in asked('{"tools": 1}', gateway_path="/v1/completions")
    assert "body" in asked('{"stop": 1}', gateway_path="/v1/completions")


def test_a_dialect_may_leave_a_body_as_it_is() -> None:
    found = asked('{"stop": "same"}')
    assert "body" not in found and json.loads(found["plan"])["live"] is False


def test_what_cannot_be_done_is_refused_before_the_engine() -> None:
    found = asked('{"stop": "refuse"}')
    assert "to" not in found
    assert found["refused"] == [
        400,
        {
            "message": "No.",
            "type": "invalid_request_error",
            "param": "stop",
            "code": "unsupported_value",
        },
    ]
    status, error = asked('{"stop": "fail"}')["refused"]
    assert (status, error["code"]) == (400, "invalid_json")


def test_an_engine_that_speaks_the_dialect_gets_everything_as_it_is() -> None:
    assert asked('{"model": "plain", "stop": "refuse"}') == {"to": "@backend", "model": "plain"}


MANY = ",".join(['""'] * 90000)


def test_keys_behind_too_many_parts_are_looked_for() -> None:
    for late, rewritten in (("", False), (', "stop": 1', True)):
        found = asked(f'{{"model": "llama", "x": [{MANY}]{late}}}')
        assert ("body" in found) is rewritten, late
    hidden = f'{{"x": [{MANY}], "st\\u006fp": 1}}'
    assert "body" in asked(hidden, "byPath", gateway_named="wide")
    # It could be the model's name that hides
    assert asked(hidden)["refused"][0] == 400


def test_the_path_names_the_model_of_a_body_of_any_kind() -> None:
    named: dict[str, Any] = {"handler": "byPath", "gateway_named": "wide"}
    assert asked('{"model": "no-such", "stop": 1}', **named)["to"] == "/_gateway/dialect/model_wide"
    assert asked("{no json", **named)["to"] == "/_gateway/words/model_wide"
    completions = {**named, "gateway_path": "/v1/completions"}
    assert asked("{no json", **completions)["to"] == "/_gateway/dialect/model_wide"
    assert asked(f'{{"x": [{MANY}]}}', **named)["to"] == "/_gateway/words/model_wide"
    native = {**named, "gateway_path": "/generate"}
    assert asked('{"stop": 1}', **native) == {"to": "@model_wide", "model": "wide"}
    unknown = asked("{}", "byPath", gateway_named="no-such", gateway_consumer="duck")
    assert unknown["refused"][0] == 404


def test_a_whole_answer_is_rewritten_at_once() -> None:
    found = answered(b'{"a": "\xc3', b"\xa9", b'"}', b"")
    assert text_of(found) == 'answer f00 {"a": "é"}'
    assert found["headers"] == {"Content-Type": "application/json"}


def test_a_stream_is_rewritten_line_by_line() -> None:
    """Chunks end within lines and characters."""
    found = answered(b"a\n\n\xc3", b"\xa9", b"\n\nb\n", b"c", kind="text/event-stream")
    assert text_of(found) == "<a\n\n><é\n\nb\n><c>3"
    assert [text for text, _ in found["sent"]] == ["<a\n\n>", "<é\n\nb\n>", "<c>3"]
    assert found["headers"] == {"Content-Type": "text/event-stream"}


def test_a_stream_of_words_that_nginx_exchanges_leaves_njs_at_once() -> None:
    plain = {"gateway_plan": "", "gateway_path": CHAT}
    found = answered(b"literal", b" b", b"", kind="text/event-stream", variables=plain)
    assert (found["sent"], found["seen"]) == ([["literal", False]], 1)
    budget = {"gateway_budget": "9", "gateway_consumer": "duck"}
    counted = answered(b"literal", b" b", b"", kind="text/event-stream", variables=budget)
    assert (text_of(counted), counted["seen"]) == ("literal b", 3)


def in_words(*chunks: bytes, **more: Any) -> dict[str, Any]:
    return answered(*chunks, script="gateway_words", **more)


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
def test_an_answer_that_differs_in_words_leaves_njs_at_once(kind: str) -> None:
    found = in_words(b"", b"a", b"b", b"", kind=kind)
    assert (found["sent"], found["seen"]) == ([["", False], ["first a", False]], 2)
    assert found["headers"] == {"Content-Type": kind, "Content-Length": "1"}


def test_its_tokens_are_counted_and_its_errors_have_their_form() -> None:
    said = b'{"usage": {"completion_tokens": 7}}'
    budget = {"gateway_budget": "9", "gateway_consumer": "duck"}
    counted = in_words(said, b"", variables=budget)
    assert (text_of(counted), counted["tokens"]) == (f"first {said.decode()}", "7")
    failed = in_words(b"too ", b"long", status=422, kind="text/plain")
    assert text_of(failed) == "error 422 too long"
    assert failed["headers"] == {"Content-Type": "application/json"}
    assert text_of(in_words(b"", status=503)) == "error 503 "


def test_an_error_that_is_too_large_to_look_at_passes_as_it_is() -> None:
    half = b"x" * 3 * 2**20
    found = in_words(half, half, b"y", status=500)
    assert text_of(found) == (half + half).decode() + "y"


def test_a_whole_answer_becomes_the_stream_that_was_asked_for() -> None:
    found = answered(b'{"a"', b": 1}", b"", replay=True)
    assert text_of(found) == 'data: {"a": 1}\n\n'
    assert found["headers"] == {"Content-Type": "text/event-stream"}


def test_an_error_gets_its_form_and_keeps_its_status() -> None:
    found = answered(b"too ", b"long", status=422, kind="text/plain", replay=True)
    assert text_of(found) == "error 422 too long"
    assert found["headers"] == {"Content-Type": "application/json"}


def test_a_fault_of_the_dialect_costs_nobody_an_answer() -> None:
    found = answered(b"fail", b"")
    assert (text_of(found), len(found["failed"])) == ("fail", 1)


def error_of(found: dict[str, Any]) -> Any:
    """Return the code of the error that a stream consists of."""
    event, end, rest = text_of(found).split("\n\n")
    assert (end, rest) == ("data: [DONE]", "")
    return json.loads(event.removeprefix("data: "))["error"]["code"]


def test_an_answer_that_is_too_large_to_look_at_passes_as_it_is() -> None:
    half = b"x" * 3 * 2**20
    assert text_of(answered(half, half, b"y")) == (half + half).decode() + "y"
    assert error_of(answered(half, half, b"y", replay=True)) == "answer_too_large"


def test_an_answer_that_breaks_off_ends_its_stream_with_an_error() -> None:
    assert error_of(answered(b"fail", b"", replay=True)) == "answer_broken"


def test_tokens_are_counted_as_the_engine_says_them() -> None:
    said = b'{"usage": {"completion_tokens": 7}}'
    budget = {"gateway_budget": "9", "gateway_consumer": "duck"}
    assert answered(said, b"", variables=budget)["tokens"] == "7"
    assert "tokens" not in answered(said, b"")


def test_without_the_dialect_nothing_of_it_is_there() -> None:
    files = render(gateway_openai_dialect=False)
    assert not [name for name in files if "dialect" in name or "answers" in name]
    assert "dialect" not in files["nginx.conf"]
    conf = parse(render()["nginx.conf"])
    assert words(conf, "proxy_set_body") == [["$gateway_body"]] * 2
    scripts = {"gateway_dialect.js", "gateway_answers.js", "gateway_words.js"}
    assert {*scripts, "dialect/answering.js"} <= set(render())
