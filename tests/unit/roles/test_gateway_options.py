"""Test what the gateway's options add to nginx's configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.render_gateway import (
    DEBIAN_12,
    DEBIAN_13,
    INPUT,
    NGINX_ORG,
    Block,
    api,
    every,
    locations,
    parse,
    render,
    words,
)
from tests.support.tls_pairs import make

REPLICAS = [{"name": f"gpu{n}", "address": f"10.0.0.{n}:8081"} for n in (1, 2)]
WIDE = [
    {"name": "llama", "model_id": "a/b", "replicas": REPLICAS},
    {"name": "code", "model_id": "c/d", "replicas": REPLICAS[:1]},
]
ACME = {"source": "acme", "directory": "https://ca.example.org/", "agree_tos": True}
BUDGET = {"team": {**INPUT["gateway_tiers"]["team"], "tokens_per_minute": 900}}


def conf(nginx: Mapping[str, Any] = DEBIAN_13, **more: Any) -> Block:
    return parse(render(nginx, **more)["nginx.conf"])


def test_replicas_share_the_load_and_can_be_drained() -> None:
    found = conf(gateway_backends=WIDE)
    groups = {w[1]: inner for w, inner in every(found, "upstream") if inner}
    assert set(groups) == {"model_llama", "model_llama!0", "model_llama!1", "model_code"}
    for name, inner in groups.items():
        asked = [w[0] for w, _ in inner]
        assert ("least_conn" in asked) is ("llama" in name)
        assert asked.index("keepalive") > asked.index("server")
    there = dict(locations(found))
    flags = [w[2] for w, _ in every(there["@model_llama"], "if") if w[1] == "(-f"]
    assert flags == [f'"/var/lib/tgi-gateway/drain/llama@gpu{n}"' for n in (1, 2)]
    assert words(there["@model_llama"], "return") == [["503"]]
    assert words(there["@model_llama"], "set")[-1] == ["$gateway_replaced", "1"]
    moved = words(there["@model_llama"], "proxy_next_upstream")
    assert moved == [["error", "timeout", "http_502", "http_503", "non_idempotent"]]
    assert words(there["@model_llama"], "proxy_next_upstream_tries") == [["2"]]


def test_an_address_at_which_a_moving_replica_is_not_is_no_try() -> None:
    replicas = [
        {"name": f"gpu{n}", "address": f"10.0.0.{n}:{port}"}
        for n in (1, 2)
        for port in (9000, 8081)
    ]
    found = conf(gateway_backends=[{**WIDE[0], "replicas": replicas}])
    every_limit = [w[1] for w, _ in every(found, "proxy_next_upstream_tries")]
    assert every_limit and set(every_limit) == {"4"}


def test_of_many_replicas_njs_names_the_group() -> None:
    replicas = [{"name": f"gpu{n}", "address": f"10.0.0.{n}:8081"} for n in range(1, 9)]
    model = {"name": "llama", "model_id": "a/b", "replicas": replicas}
    found = conf(gateway_backends=[model])
    named = dict(locations(found))
    for place in ("@model_llama", "@quiet_model_llama", "= /_gateway/health/llama"):
        assert ["$gateway_drained", "$gateway_pool"] in words(named[place], "set")
        looks = [one for one, _ in every(named[place], "if")]
        assert [one[1:] for one in looks] == [["($gateway_drained", "=", '"!"', ")"]], looks
    groups = {words_[1]: inner for words_, inner in every(found, "upstream")}
    assert len(groups) == 1 + 15 + 15
    servers = words(groups["model_llama!block1!3"], "server")
    assert [one[0] for one in servers if "backup" not in one] == [
        "10.0.0.2:8081", "10.0.0.6:8081", "10.0.0.8:8081",
    ]  # fmt: skip
    assert [one[0] for one in servers if "backup" in one] == [
        f"10.0.0.{n}:8081" for n in (1, 3, 5, 7)
    ]


def test_one_replica_is_asked_once_and_costs_one_look_for_its_flag() -> None:
    found = conf(gateway_backends=WIDE)
    (flags,) = [dict(w for w, _ in b) for w, b in every(found, "map") if w[-1] == "$gateway_flag"]
    assert flags == {"default": '""', '"model_code"': '"code@gpu1"'}
    there = dict(locations(found))
    for place in ("@backend", "@quiet_backend", "= /_gateway/health"):
        ((asked, then),) = every(there[place], "if")
        assert asked == ["if", "(-f", '"/var/lib/tgi-gateway/drain/$gateway_flag"', ")"]
        assert then == [(["set", "$gateway_replaced", "1"], None), (["return", "503"], None)]
    assert words(there["@backend"], "proxy_next_upstream") == [["error"]]


def test_a_model_that_is_drained_everywhere_has_a_503_of_its_own() -> None:
    found = conf(gateway_backends=WIDE, gateway_drained_retry_after=7)
    said = dict(locations(found))["= /_gateway/said/503"]
    (special,) = every(said, "if")
    assert special[0] == ["if", "($gateway_replaced)"]
    (status, body), other = *words(special[1], "return"), words(said, "return")[-1]
    assert status == other[0] == "503"
    assert json.loads(body[1:-1])["error"] == {
        "message": "$gateway_replaced_model is being replaced; try again in a moment.",
        "type": "server_error",
        "param": None,
        "code": "model_replaced",
    }
    assert "service_unavailable" in other[1]
    maps = {w[-1]: dict(rule for rule, _ in b) for w, b in every(found, "map") if b}
    assert maps["$gateway_replaced_model"] == {"default": "$gateway_model", '""': '"The model"'}
    assert maps["$gateway_retry_own"]["503"] == "$gateway_unavailable"
    assert maps["$gateway_unavailable"] == {"default": "5", "1": "7"}


def test_the_default_model_is_drained_on_the_engines_own_routes_too() -> None:
    there = dict(locations(conf(gateway_backends=WIDE)))
    (engine,) = [
        b for n, b in there.items() if "generate_stream|/tokenize" in n and "named" not in n
    ]
    # njs sends them to the default model's location, which looks for flags
    assert words(engine, "js_content") == [["gateway.toDefault"]]
    for place in ("@model_llama", "@quiet_model_llama"):
        assert len([w for w, _ in every(there[place], "if") if w[1] == "(-f"]) == 2


def test_nothing_ever_moves_because_of_a_refusal_or_a_slow_answer() -> None:
    """Only a time-out while connecting moves a request: both limits end at the same time."""
    for name, inner in locations(conf(gateway_backends=WIDE, gateway_read_timeout=77)):
        for moved in words(inner, "proxy_next_upstream"):
            assert "http_429" not in moved
            if "timeout" in moved and "health" not in name:
                limits = words(inner, "proxy_next_upstream_timeout")
                assert limits == words(inner, "proxy_read_timeout") == [["77s"]]


def test_a_budget_is_counted_only_where_there_is_one() -> None:
    without, with_budget = conf(), conf(gateway_tiers=BUDGET)
    scripts = [script for script, _ in words(without, "js_body_filter")]
    assert scripts == ["answers.body", "answers.body", "words.body"]
    proxied = [b for _, b in locations(with_budget) if words(b, "proxy_buffering")]
    assert all(every(inner, "js_body_filter") for inner in proxied)
    spent = [n for n, b in locations(with_budget) if ["429"] in words(b, "return")]
    assert len(spent) == 3
    assert "gateway_budget.js" in render(gateway_tiers=BUDGET)
    assert "gateway_budget.js" not in render(gateway_openai_dialect=False)


def test_a_dry_run_refuses_nothing() -> None:
    found = conf(gateway_tiers=BUDGET, gateway_limits_dry_run=True)
    assert words(api(found), "limit_req_dry_run") == words(api(found), "limit_conn_dry_run")
    assert words(api(found), "limit_req_dry_run") == [["on"]]
    assert not [n for n, b in locations(found) if ["429"] in words(b, "return")]
    assert not every(conf(), "limit_req_dry_run")


@pytest.mark.parametrize(("required", "verify"), [(False, "optional"), (True, "on")])
def test_clients_certificates(tmp_path: Path, required: bool, verify: str) -> None:
    authority = tmp_path / "ca.crt"
    authority.write_text(make().certificate)
    more: dict[str, Any] = {
        "gateway_client_ca": str(authority),
        "gateway_client_certificate_required": required,
    }
    files = render(**more)
    found = api(parse(files["nginx.conf"]))
    assert words(found, "ssl_verify_client") == [[verify]]
    assert words(found, "ssl_client_certificate") == [["@GATEWAY_DIR@/client_ca.crt"]]
    assert files["client_ca.crt"] == authority.read_text()
    told = [w for w, _ in every(found, "if") if w[1] == "($ssl_client_verify"]
    assert len(told) == (2 if required else 1)
    assert "$ssl_client_verify" not in render()["nginx.conf"]


def test_balancers_are_trusted_by_address() -> None:
    nets = ["10.0.0.0/8", "fd00::/8"]
    found = api(conf(gateway_trusted_proxies=nets))
    assert words(found, "set_real_ip_from") == [[net] for net in nets]
    assert words(found, "real_ip_header") == [["X-Forwarded-For"]]
    assert words(found, "real_ip_recursive") == [["on"]]
    assert not every(conf(), "real_ip_header")


@pytest.mark.parametrize(
    ("headers", "ended"),
    [
        ("https  ", True),
        ("https,http  ", True),
        (" on ", True),
        ("  for=192.0.2.1;proto=https", True),
        ('  for=192.0.2.1;PROTO="https"', True),
        ("http  ", False),
        (" off for=192.0.2.1;proto=http", False),
        ("  ", False),
    ],
)
def test_a_balancer_that_ends_tls_is_refused_and_not_sent_to_itself(
    headers: str, ended: bool
) -> None:
    found = conf()
    (rules,) = [b for w, b in every(found, "map") if w[-1] == "$gateway_tls_ended" and b]
    pattern = rules[1][0][0].strip('"').replace('\\"', '"')
    assert bool(re.search(pattern[2:], headers, re.I)) is ended
    (plain,) = [b for w, b in every(found, "server") if b and every(b, "root")]
    there = {" ".join(w[1:]): b for w, b in every(plain, "location")}
    asked = (["if", "($gateway_tls_ended)"], [(["rewrite", "^", "/_gateway/ended", "last"], None)])
    assert asked in there["/"]
    assert ["403", "=421", "/_gateway/said/ended"] in words(
        there["= /_gateway/ended"], "error_page"
    )


@pytest.mark.parametrize(
    ("path", "slip"),
    [
        ("/chat/completions", True),
        ("/completions", True),
        ("/models", True),
        ("/v1", True),
        ("/v1/v1/chat/completions", True),
        ("/models/llama/chat/completions", True),
        ("/models/llama", False),
        ("/v1/embeddings", False),
        ("/nothing", False),
    ],
)
def test_the_answer_to_a_base_url_without_v1_names_the_right_one(path: str, slip: bool) -> None:
    said = dict(locations(conf()))["= /_gateway/said/404"]
    asked, unserved = (w for w, _ in every(said, "if"))
    assert unserved[1:] == ["($gateway_unserved)"]
    assert asked[1:3] == ["($gateway_path_only", "~"]
    assert bool(re.search(asked[3].strip('"'), path)) is slip
    assert "https://llm.example.org/v1." in words(said, "return")[0][1]


PAGES = ["https://chat.example.org", "http://localhost:3000"]


def test_web_pages_are_told_their_own_origin_alone() -> None:
    found = conf(gateway_cors_origins=PAGES)
    (allowed,) = [b for w, b in every(found, "map") if w[-1] == "$gateway_cors_origin" and b]
    assert allowed == [
        (["default", '""'], None),
        *(([f'"{page}"', f'"{page}"'], None) for page in PAGES),
    ]
    sent = {name: value for name, value, _ in words(api(found), "add_header")}
    assert sent["Access-Control-Allow-Origin"] == "$gateway_cors_origin"
    assert sent["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in sent
    assert "access-control" not in json.dumps(conf()).replace("Access-Control", "").lower()
    assert not [w for w in words(conf(), "add_header") if w[0].startswith(("Access", "Vary"))]


def test_a_browsers_question_is_answered_by_nginx_and_is_no_attempt_without_a_key() -> None:
    for pages, place in (([], "405"), (PAGES, "options")):
        found = conf(gateway_cors_origins=pages)
        asked = [b for w, b in api(found) if w == ["if", "($request_method", "=", "OPTIONS)"]]
        assert asked == [[(["rewrite", "^", f"/_gateway/{place}", "last"], None)]]
    there = dict(locations(found))["= /_gateway/options"]
    assert not every(there, "js_content") and not every(there, "proxy_pass")
    # nginx runs return before the limits, and deny after them
    assert not every(there, "return")
    assert words(there, "rewrite") == [["^", "/_gateway/405", "last"]] * 2
    # An own error_page takes the place of all others
    targets = {word[-2]: word[-1] for word in words(there, "error_page")}
    assert targets == {
        "=204": "/_gateway/preflight",
        "=429": "/_gateway/crowd",
        "413": "/_gateway/413",
        "429": "/_gateway/429",
    }
    assert words(there, "limit_req")[0][0].startswith("zone=public_")


def test_what_an_engine_tells_browsers_is_hidden() -> None:
    for _, inner in locations(conf()):
        if words(inner, "proxy_buffering"):
            hidden = {name for (name,) in words(inner, "proxy_hide_header")}
            assert {"Access-Control-Allow-Origin", "Vary"} <= hidden


def test_the_proxy_protocol_is_spoken_on_every_public_port() -> None:
    more: dict[str, Any] = {
        "gateway_trusted_proxies": ["10.0.0.0/8"],
        "gateway_real_ip_header": "proxy_protocol",
    }
    listens = words(conf(**more), "listen")
    public = [words_ for words_ in listens if not words_[0].startswith("127.0.0.1")]
    assert len(public) == 6
    assert all("proxy_protocol" in words_ for words_ in public)
    assert ["127.0.0.1:8079"] in listens


@pytest.mark.parametrize(
    ("probe", "on", "listens"),
    [(DEBIAN_13, [["on"]], 0), (DEBIAN_12, [], 2), (NGINX_ORG, [["on"]], 0)],
)
def test_http2_is_asked_for_as_the_version_knows_it(
    probe: dict[str, Any], on: list[list[str]], listens: int
) -> None:
    found = conf(probe, gateway_http2=True)
    assert words(found, "http2") == on
    assert len([w for w in words(found, "listen") if "http2" in w]) == listens
    assert "http2" not in json.dumps(conf(probe))


def test_nginx_org_has_its_own_user_and_loads_the_module_by_name() -> None:
    found = conf(NGINX_ORG)
    assert words(found, "user") == [["nginx"]]
    assert words(found, "load_module") == [["/usr/lib/nginx/modules/ngx_http_js_module.so"]]
    assert ["/etc/nginx/modules-enabled/*.conf"] not in words(found, "include")


def test_acme_is_served_from_where_it_is_renewed() -> None:
    files = render(gateway_tls=ACME)
    found = parse(files["nginx.conf"])
    live = "/etc/tgi-gateway/acme/live/llm.example.org"
    assert words(api(found), "ssl_certificate") == [[f"{live}/fullchain.pem"]]
    assert words(api(found), "ssl_certificate_key") == [[f"{live}/privkey.pem"]]
    assert not {"tls.crt", "tls.key"} & set(files)
    assert words(found, "root") == [["/var/lib/tgi-gateway/acme"]]


def test_before_the_first_certificate_only_the_challenge_is_answered() -> None:
    found = conf(gateway_tls=ACME, __gateway_stage="bootstrap")
    assert not every(found, "ssl_certificate")
    assert not [w for w in words(found, "listen") if "ssl" in w]
    assert words(found, "root") == [["/var/lib/tgi-gateway/acme"]]
    assert ["503"] in words(found, "return")
    assert ["200", '"@GATEWAY_VERSION@\\n"'] in words(found, "return")


def test_other_sites_keep_nginxs_own_settings() -> None:
    text = render(gateway_other_sites="include")["nginx.conf"]
    assert [line.strip() for line in text.splitlines()].count("@GATEWAY_OTHERS@") == 1
    assert "@GATEWAY_OTHERS@" not in render()["nginx.conf"]
    (http,) = [inner for w, inner in parse(text.replace("@GATEWAY_OTHERS@", "")) if w == ["http"]]
    set_for_all = {w[0] for w, _ in http or []}
    ours = {"ssl_protocols", "add_header", "error_page", "client_max_body_size", "server_tokens"}
    assert not set_for_all & {*ours, "real_ip_header", "limit_req_status", "open_file_cache"}
