"""Test the njs code that identifies and routes; node runs it, if installed."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.gateway.render.template_data import nginx_models
from ansible.module_utils.tgi.gateway.render.upstreams import nginx_upstreams

from tests.support.gateway.njs import needs_node, run_njs

pytestmark = needs_node

MODELS = nginx_models(
    [
        {"name": "llama", "model_id": "a/b", "aliases": ["Big"], "replicas": [{}]},
        {"name": "code", "model_id": "c/d", "replicas": [{}]},
        {"name": "wide", "model_id": "e/f", "replicas": [{}, {}]},
    ]
)
_HARNESS = """
import fs from 'fs';
const [models, keyring, cases] = JSON.parse(fs.readFileSync(0, 'utf8'));
// What njs has loaded itself has no methods
const bare = (x) => {
    if (x !== null && typeof x === 'object') {
        Object.values(x).forEach(bare);
        Object.setPrototypeOf(x, null);
    }
    return x;
};
Object.assign(globalThis, {models: bare(models), keyring: bare(keyring)});
const gateway = (await import('./gateway.js')).default;
const answers = cases.map(([handler, request]) => {
    const out = {sent: null};
    const bytes = Buffer.from(request.body || '');
    const r = {
        headersIn: request.headers || {}, headersOut: {}, variables: request.variables || {},
        requestText: request.body, requestBuffer: bytes,
        return: (status, body) => { out.sent = [status, body ? JSON.parse(body) : body]; },
        subrequest: (path) => { out.sent = [path, r.variables.gateway_model];
            return {then: () => null}; },
        internalRedirect: (to) => { out.sent = [to, r.variables.gateway_model]; },
    };
    // njs gives up where node would not
    const parse = JSON.parse;
    if (request.shallow) { JSON.parse = (t) => {
        if (t === request.body) { throw new SyntaxError('nested'); } return parse(t); }; }
    try { out.value = gateway[handler](r); } finally { JSON.parse = parse; }
    out.variables = r.variables;
    return out;
});
console.log(JSON.stringify(answers));
"""


def run(
    *cases: tuple[str, dict[str, Any]], models: dict[str, Any] = MODELS
) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = run_njs(_HARNESS, [models, KEYRING, cases])
    return answers


def sent(handler: str, **request: Any) -> Any:
    return run((handler, request))[0]["sent"]


# The digests of "abc", "old" and "off"
DIGESTS = [hashlib.sha256(key).hexdigest() for key in (b"abc", b"old", b"off")]
KEYRING = {
    "keys": {DIGESTS[0]: ["duck", 0], DIGESTS[1]: ["duck", 1700000000], DIGESTS[2]: ["gone", 0]},
    "subjects": {"CN=duck": "duck", "CN=gone": "gone"},
    "disabled": {"gone": True},
}


def identify(header: str | None, **variables: str) -> tuple[str, str, str]:
    headers = {} if header is None else {"Authorization": header}
    answer = run(("consumer", {"headers": headers, "variables": variables}))[0]
    noted = answer["variables"]
    denied = noted.get("gateway_denied", ""), noted.get("gateway_denied_consumer", "")
    return answer["value"], *denied


@pytest.mark.parametrize(
    ("header", "who"),
    [
        ("Bearer abc", ("duck", "", "")), ("bearer  abc ", ("duck", "", "")),
        ("Bearer old", ("", "expired", "duck")), ("Bearer off", ("", "disabled", "gone")),
        ("Bearer ABC", ("", "", "")), ("Bearer", ("", "", "")), ("Bearer a b", ("", "", "")),
        ("Basic abc", ("", "", "")), ("", ("", "", "")), (None, ("", "", "")),
    ],
)  # fmt: skip
def test_a_key_is_known_by_its_digest(header: str | None, who: tuple[str, str, str]) -> None:
    assert identify(header) == who


@pytest.mark.parametrize(
    ("verified", "subject", "header", "who"),
    [
        ("SUCCESS", "CN=duck", None, ("duck", "", "")),
        ("SUCCESS", "CN=gone", None, ("", "disabled", "gone")),
        ("SUCCESS", "CN=duck", "Bearer wrong", ("", "", "")),
        ("SUCCESS", "constructor", None, ("", "", "")),
        ("FAILED:expired", "CN=duck", None, ("", "", "")),
        ("NONE", "CN=duck", None, ("", "", "")),
    ],
)
def test_a_certificate_stands_for_a_key_that_was_not_sent(
    verified: str, subject: str, header: str | None, who: tuple[str, str, str]
) -> None:
    variables = {"ssl_client_verify": verified, "ssl_client_s_dn": subject}
    assert identify(header, **variables) == who


def drawn(tmp_path: Path, drained: set[int], count: int, draws: int = 200) -> Counter[str]:
    """Return how often each group of a model with ``count`` replicas is drawn for a request."""
    replicas = [{"name": f"g{place}"} for place in range(count)]
    models = nginx_models([{"name": "many", "model_id": "g/h", "replicas": replicas}])
    models["flags"] = str(tmp_path / "flags")
    for place in drained:
        (tmp_path / "flags").mkdir(exist_ok=True)
        (tmp_path / "flags" / f"many@g{place}").touch()
    asked = [
        {"gateway_model": "many", "request_id": f"{number * 7919:08x}ff"} for number in range(draws)
    ]
    answers = run(*[("pool", {"variables": one}) for one in asked], models=models)
    return Counter(answer["value"] for answer in answers)


def test_a_model_with_many_replicas_is_one_group_while_none_is_drained(tmp_path: Path) -> None:
    assert drawn(tmp_path, set(), 13) == {"": 200}
    # Flags of others, and of a replica that is not published, are not its own
    (tmp_path / "flags").mkdir()
    for name in ("other@g1", "many@g99", "many"):
        (tmp_path / "flags" / name).touch()
    assert drawn(tmp_path, set(), 13) == {"": 200}


@pytest.mark.parametrize(
    "drained", [{0}, {0, 3, 6, 9, 12}, {0, 1, 2, 3}, {1, 4, 7, 10, 2, 5, 8, 11, 0}]
)
def test_each_replica_that_serves_gets_the_same_share(tmp_path: Path, drained: set[int]) -> None:
    found = drawn(tmp_path, drained, 13, draws=1300)
    replicas = [{"name": f"g{n}", "address": f"10.0.0.{n}:80"} for n in range(13)]
    backend = {"name": "many", "replicas": replicas}
    groups = {one["name"]: len(one["servers"]) for one in nginx_upstreams(backend)}
    # Each is a group that nginx has, and together they have all that serve and no other
    sizes = {end: groups[f"model_many{end}"] for end in found}
    assert sum(sizes.values()) == 13 - len(drained)
    shares = [count / sizes[end] for end, count in found.items()]
    assert max(shares) < 1.25 * min(shares), (found, sizes)


def test_a_model_whose_replicas_are_all_drained_has_no_group(tmp_path: Path) -> None:
    assert drawn(tmp_path, set(range(13)), 13) == {"!": 200}


NESTED = "[" * 40 + "]" * 40
ROUTES = [
    ("{}", "llama"),
    ('{"model": null}', "llama"),
    ('{"model": "tgi"}', "llama"),
    ('{"model": "Big"}', "llama"),
    ('{"model": "code"}', "code"),
    ('{"model": "code", "model": "llama"}', "llama"),
    ('{"m\\u006fdel": "c\\u006fde"}', "code"),
    (f'{{"x": {NESTED}, "model": "code"}}', "code"),
    (f'{{"model": "code", "x": {{"model": "llama", "y": {NESTED}}}}}', "code"),
    ('{"x": "\\\\", "y": "\\"model\\":\\"llama\\"", "model": "code"}', "code"),
    ('{"x": "model", "model": "code", "y": ["model", "llama"]}', "code"),
    ('["model", "code"]', "llama"),
    ('\ufeff{"model": "code"}', "code"),
    ('{ "model"  :\n "code" \t, "x": 1 }', "code"),
    ('{"x": "%s", "model": "code"}' % ('\\"model\\": ' * 9), "code"),
    ('{"model": "code", "x": [%s]}' % ("123456789012, " * 99 + '"model"'), "code"),
    ('{"x": 12345678901234567890, "model": "code"}', "code"),
    ('{"model": "code", "model": null}', "llama"),
]


@pytest.mark.parametrize("shallow", [False, True])
@pytest.mark.parametrize(("body", "upstream"), ROUTES)
def test_bodies_are_routed_by_their_model(body: str, upstream: str, shallow: bool) -> None:
    assert sent("byBody", body=body, shallow=shallow) == ["@backend", upstream]


@pytest.mark.parametrize("shallow", [False, True])
@pytest.mark.parametrize(
    "name", ["nope", "toString", "__proto__", "hasOwnProperty", "LLAMA", "", "llama "]
)
def test_an_unknown_model_gets_the_list_of_models(name: str, shallow: bool) -> None:
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


MANY = ",".join(['""'] * 90000)


def test_a_body_of_too_many_parts_is_read_as_far_as_it_matters() -> None:
    """A worker serves no other client meanwhile; 2 MB could take it a second."""
    assert sent("byBody", body=f'{{"x": [{MANY}], "model": "code"}}')[0] == 400
    assert sent("byBody", body=f'{{"model": "code", "x": [{MANY}]}}') == ["@backend", "code"]
    for hidden in ("model", "m\\u006fdel"):
        body = f'{{"model": "code", "x": [{MANY}], "{hidden}": "llama"}}'
        assert sent("byBody", body=body)[0] == 400, hidden
    for costly in ('\\"', "\\\\"):
        assert sent("byBody", body=f'{{"x": "{costly * 300000}", "model": "code"}}')[0] == 400


def test_a_value_longer_than_any_name_is_not_read() -> None:
    assert sent("byBody", body=json.dumps({"model": "x" * 10**6}))[0] == 404
    assert sent("byBody", body=json.dumps({"model": ["x"] * 10**4}))[0] == 400


def test_a_request_with_something_to_hide_goes_where_nothing_is_logged() -> None:
    path = {"gateway_named": "wide", "gateway_quiet": "quiet_"}
    assert sent("byPath", variables=path) == ["@quiet_model_wide", "wide"]
    assert sent("toDefault", variables={"gateway_quiet": "quiet_"}) == ["@quiet_backend", "llama"]


def by_path(handler: str, name: str, consumer: str = "duck") -> Any:
    return sent(handler, variables={"gateway_named": name, "gateway_consumer": consumer})


def test_the_path_names_a_model_too() -> None:
    assert by_path("byPath", "code") == ["@backend", "code"]
    assert by_path("byPath", "constructor")[0] == 404


def test_a_model_with_replicas_has_a_location_of_its_own() -> None:
    assert by_path("byPath", "wide") == ["@model_wide", "wide"]
    assert by_path("healthByPath", "wide") == ["/_gateway/health/wide", "wide"]
    assert by_path("healthByPath", "Big") == ["/_gateway/health", "llama"]
    assert sent("health") == ["/_gateway/health", "llama"]


def test_one_model_can_be_listed_alone() -> None:
    status, body = by_path("listByPath", "Big")
    assert (status, [entry["id"] for entry in body["data"]]) == (200, ["llama", "Big"])


@pytest.mark.parametrize(
    ("asked", "root"), [("llama", "llama"), ("Big", "llama"), ("code", "code")]
)
def test_a_model_is_retrieved_by_its_name_or_alias(asked: str, root: str) -> None:
    status, body = by_path("retrieve", asked)
    assert (status, body["id"], body["root"], body["object"]) == (200, asked, root, "model")


@pytest.mark.parametrize(("among", "status"), [("llama", 200), ("wide", 404), ("toString", 404)])
def test_below_a_model_only_its_own_names_are_retrieved(among: str, status: int) -> None:
    named = {"gateway_named": "llama", "gateway_among": among, "gateway_consumer": "duck"}
    assert sent("retrieve", variables=named)[0] == status


def test_the_default_alias_is_retrieved_and_an_unknown_name_is_not_found() -> None:
    assert by_path("retrieve", "tgi")[1]["id"] == "llama"
    for name in ("nope", "constructor", "llama/"):
        status, body = by_path("retrieve", name)
        assert (status, body["error"]["code"]) == (404, "model_not_found")


def test_a_client_without_a_key_gets_no_list_of_models() -> None:
    assert by_path("byPath", "nope", consumer="") == [404, None]
