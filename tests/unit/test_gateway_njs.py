"""The njs code, run by node: the same language, where node is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
from ansible.module_utils.tgi.gateway_rules import gateway_models
from gateway_render import ROLE

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

MODELS = gateway_models(
    [
        {"name": "llama", "model_id": "a/b", "aliases": ["Big"]},
        {"name": "code", "model_id": "c/d"},
    ]
)
_HARNESS = """
import fs from 'fs';
const [source, models, cases] = JSON.parse(fs.readFileSync(0, 'utf8'));
globalThis.models = models;
const url = 'data:text/javascript;base64,' + Buffer.from(source).toString('base64');
const gateway = (await import(url)).default;
const answers = cases.map(([handler, request]) => {
    const out = {sent: null};
    const bytes = Buffer.from(request.body || '');
    const r = {
        headersIn: request.headers || {}, headersOut: {}, variables: request.variables || {},
        requestText: request.body, requestBuffer: bytes,
        return: (status, body) => { out.sent = [status, JSON.parse(body)]; },
        internalRedirect: (to) => { out.sent = [to, r.variables.gateway_upstream]; },
    };
    // njs gives up where node would not
    const parse = JSON.parse;
    if (request.shallow) { JSON.parse = (t) => {
        if (t === request.body) { throw new SyntaxError('nested'); } return parse(t); }; }
    try { out.value = gateway[handler](r); } finally { JSON.parse = parse; }
    return out;
});
console.log(JSON.stringify(answers));
"""


def run(*cases: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    source = (ROLE / "files" / "gateway.js").read_text(encoding="utf-8")
    done = subprocess.run(
        ["node", "--input-type=module", "-e", _HARNESS],
        input=json.dumps([source, MODELS, cases]),
        capture_output=True,
        text=True,
        check=True,
    )
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def sent(handler: str, **request: Any) -> Any:
    return run((handler, request))[0]["sent"]


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ("Bearer abc", True), ("bearer  abc ", True), ("Bearer ABC", False), ("Bearer", False),
        ("Bearer a b", False), ("Basic abc", False), ("", False), (None, False),
    ],
)  # fmt: skip
def test_a_key_is_a_digest(header: str | None, known: bool) -> None:
    headers = {} if header is None else {"Authorization": header}
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of abc
    answer = run(("keyDigest", {"headers": headers}))[0]["value"]
    assert (answer == digest) is known
    if header != "Bearer ABC" and not known:
        assert answer == ""


NESTED = "[" * 40 + "]" * 40
ROUTES = [
    ("{}", "model_llama"),
    ('{"model": null}', "model_llama"),
    ('{"model": "tgi"}', "model_llama"),
    ('{"model": "Big"}', "model_llama"),
    ('{"model": "code"}', "model_code"),
    ('{"model": "code", "model": "llama"}', "model_llama"),
    ('{"m\\u006fdel": "c\\u006fde"}', "model_code"),
    (f'{{"x": {NESTED}, "model": "code"}}', "model_code"),
    (f'{{"model": "code", "x": {{"model": "llama", "y": {NESTED}}}}}', "model_code"),
    ('{"x": "\\\\", "y": "\\"model\\":\\"llama\\"", "model": "code"}', "model_code"),
    ('{"x": "model", "model": "code", "y": ["model", "llama"]}', "model_code"),
    ('["model", "code"]', "model_llama"),
]


@pytest.mark.parametrize("shallow", [False, True])
@pytest.mark.parametrize(("body", "upstream"), ROUTES)
def test_bodies_are_routed_by_their_model(body: str, upstream: str, shallow: bool) -> None:
    assert sent("byBody", body=body, shallow=shallow) == ["@backend", upstream]


@pytest.mark.parametrize("shallow", [False, True])
@pytest.mark.parametrize(
    "name", ["nope", "toString", "__proto__", "hasOwnProperty", "LLAMA", "", "llama "]
)
def test_unknown_models_are_told_what_exists(name: str, shallow: bool) -> None:
    status, body = sent("byBody", body=json.dumps({"model": name}), shallow=shallow)
    assert status == 404
    assert body["error"]["code"] == "model_not_found"
    assert "llama, Big, code" in body["error"]["message"]


@pytest.mark.parametrize("shallow", [False, True])
@pytest.mark.parametrize("body", ['{"model": 5}', '{"model": ["code"]}', '{"model": {"a": 1}}'])
def test_a_model_that_is_no_text_is_refused(body: str, shallow: bool) -> None:
    assert sent("byBody", body=body, shallow=shallow)[0] == 400


@pytest.mark.parametrize(
    "body",
    ["{not json", '{"a": "no end', "]", "[" * 1001 + "]" * 1001, f'{{"x":[{"[1],," * 60000}]}}'],
)
def test_what_cannot_be_read_is_refused(body: str) -> None:
    assert sent("byBody", body=body, shallow=True)[0] == 400


def test_the_path_names_a_model_too() -> None:
    known = {"variables": {"gateway_named": "code"}}
    unknown = {"variables": {"gateway_named": "constructor"}}
    answers = run(("byPath", known), ("byPath", unknown))
    assert answers[0]["sent"] == ["@backend", "model_code"]
    assert answers[1]["sent"][0] == 404
