"""Test that the rendered configuration keeps keys, prompts and streams safe."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from typing import Any

import pytest

from tests.support.render_gateway import (
    DEBIAN_12,
    DEBIAN_13,
    INPUT,
    KEY,
    Block,
    api,
    every,
    locations,
    parse,
    render,
    words,
)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return render()


@pytest.fixture(scope="module")
def conf(files: dict[str, str]) -> Block:
    return parse(files["nginx.conf"])


def unquote(word: str) -> str:
    """Return a quoted word as nginx reads it."""
    return re.sub(r"\\([\\'\"])", r"\1", word[1:-1])


def test_only_digests_of_keys_leave_the_controller(files: dict[str, str]) -> None:
    everything = "".join(files.values())
    known = json.loads(files["keys.json"])["keys"]
    for key in (KEY, KEY[::-1]):
        assert key not in everything
        assert known[hashlib.sha256(key.encode()).hexdigest()] == ["duck", 0]


def test_every_route_is_keyed_or_known_to_be_open(conf: Block) -> None:
    keyed: list[str] = []
    open_to_all: list[str] = []
    for name, inner in locations(conf):
        first = inner[0]
        is_keyed = first[0][:2] == ["if", "($gateway_consumer"] and first[1] == [
            (["return", "401"], None)
        ]
        (keyed if is_keyed else open_to_all).append(name)
    inner_only = [n for n, b in locations(conf) if (["internal"], None) in b]
    assert all(n.removeprefix("= ").startswith("/_gateway/") for n in inner_only)
    assert set(open_to_all) - set(inner_only) == {
        "= /health",
        "~ ^/models/(?<gateway_named>[^/]+)/health$",
        "@backend",
        "@quiet_backend",
        "@rewrite",
        "/",
    }
    assert len(keyed) == 8


@pytest.mark.parametrize(("variable", "path"), [("health", "/health"), ("info", "/info)$")])
def test_public_routes_follow_their_variable(variable: str, path: str) -> None:
    for public in (True, False):
        asked: dict[str, Any] = {f"gateway_{variable}_public": public}
        rendered = parse(render(**asked)["nginx.conf"])
        found = [b for n, b in locations(rendered) if n.endswith(path) and "_gateway" not in n]
        assert found
        for inner in found:
            limits = [limit[0] for limit in words(inner, "limit_req")]
            assert (inner[0][0][:2] == ["if", "($gateway_consumer"]) is not public
            assert any(limit.startswith("zone=public_") for limit in limits) is public


def test_generation_is_limited_in_rate_and_at_a_time(conf: Block) -> None:
    limited = [b for _, b in locations(conf) if len(every(b, "limit_conn")) > 1]
    assert len(limited) == 3
    for inner in limited:
        assert [limit[1:] for limit in words(inner, "limit_req")] == [
            ["burst=20", "nodelay"],
            [],
            ["burst=400", "nodelay"],
        ]
        assert [limit[1] for limit in words(inner, "limit_conn")] == ["8", "128"]
    assert (["limit_req_status", "429"], None) in every(conf, "limit_req_status")


def test_a_zone_has_one_key_and_its_name_follows_it(conf: Block) -> None:
    zones = {z[1].split(":")[0]: z[0] for z in words(conf, "limit_req_zone")}
    for name, key in zones.items():
        if key.startswith("$gateway_limited_"):
            assert name.endswith(key[-8:])
    renamed = {"crew": INPUT["gateway_tiers"]["team"]}
    consumers = [{"name": "duck", "tier": "crew", "keys": [KEY]}]
    other = parse(render(gateway_tiers=renamed, gateway_consumers=consumers)["nginx.conf"])
    again = {z[1].split(":")[0]: z[0] for z in words(other, "limit_req_zone")}
    assert all(zones[name] == key for name, key in again.items() if name in zones)
    assert set(again) - set(zones)


def test_addresses_are_limited_by_network(conf: Block) -> None:
    zones = {z[1].split(":")[0]: z[0] for z in words(conf, "limit_req_zone")}
    per_address = [key for name, key in zones.items() if "bad_auth_" in name or "public_" in name]
    assert per_address == ["$gateway_address"] * 2
    (found,) = [inner for w, inner in every(conf, "map") if w[-1] == "$gateway_address" and inner]
    assert found[0] == (["default", "$binary_remote_addr"], None)
    pattern, taken = found[1][0]
    network = re.compile(pattern.strip('"')[1:].replace("(?<", "(?P<").encode())
    for text, length in (("2001:db8:0:a0a::1", 8), ("2001:db8:0:a0a:ffff::2", 8)):
        address = ipaddress.ip_address(text).packed
        kept = network.match(address)
        assert kept and kept["gateway_network"] == address[:length]
    assert not network.match(ipaddress.ip_address("192.0.2.1").packed)
    assert taken == "$gateway_network"


def test_streams_are_not_held_back(conf: Block) -> None:
    assert words(api(conf), "gzip") == [["off"]]
    proxied = [b for _, b in locations(conf) if any(w[0] == "proxy_buffering" for w, _ in b)]
    assert len(proxied) == 5
    for inner in proxied:
        assert words(inner, "proxy_buffering") == [["off"]]
        assert words(inner, "proxy_http_version") == [["1.1"]]
        assert words(inner, "proxy_max_temp_file_size") == [["0"]]
        # Otherwise nginx refuses at random a client at its limit that closes each connection
        assert words(inner, "lingering_close") == [["off"]]
        assert ["Accept-Encoding", '""'] in words(inner, "proxy_set_header")
        assert ["Connection", '""'] in words(inner, "proxy_set_header")


def test_the_key_goes_no_further_and_nothing_is_sent_twice(conf: Block) -> None:
    for _, inner in locations(conf):
        if every(inner, "proxy_set_header"):
            sent = dict(words(inner, "proxy_set_header"))
            if sent == {"Content-Length": '""'}:
                continue  # of the subrequest for /health
            assert sent["Authorization"] == '""'
            assert words(inner, "proxy_next_upstream") == [["error"]]


def test_no_location_loses_the_headers_of_the_server(conf: Block) -> None:
    assert all(not every(inner, "add_header") for _, inner in locations(conf))
    assert ["X-Request-ID", "$gateway_request_id", "always"] in words(api(conf), "add_header")


def test_prompts_stay_in_memory(conf: Block) -> None:
    assert words(conf, "client_body_buffer_size") == words(conf, "client_max_body_size")


def test_who_is_unknown_has_no_body_kept(conf: Block) -> None:
    """js_content and proxy_pass wait for the whole body first: there is none without a key."""
    ours = (
        "= /_gateway/health",
        "@rewrite",
        "= /_gateway/words/backend",
        *(f"{a}{b}backend" for a in ("@", "= /_gateway/dialect/") for b in ("", "quiet_")),
    )
    for name, inner in locations(conf):
        if inner[0][0][:2] == ["if", "($gateway_consumer"] or name in ours:
            continue
        if every(inner, "js_content") or every(inner, "proxy_pass"):
            asked = ["".join(found) for found in words(inner, "if")]
            assert '($http_content_length!~"^0?$")' in asked, name
            assert "($http_transfer_encoding)" in asked, name
            assert words(inner, "client_max_body_size") == [["1k"]], name
    refusing = dict(locations(conf))["= /_gateway/401"]
    assert words(refusing, "limit_req")[0][0].startswith("zone=bad_auth_")
    # nginx runs return before limit_req, and deny after it
    assert not every(refusing, "return")
    assert words(refusing, "deny") == [["all"]]
    assert words(refusing, "error_page")[-1] == ["403", "=401", "/_gateway/said/401"]


def test_the_log_has_no_header_query_or_body(conf: Block) -> None:
    (written,) = words(conf, "log_format")
    line = "".join(word.strip("'") for word in written[2:])
    for secret in ("$http_", "$request_body", "$args", "$request_uri", '$request"', "$query"):
        assert secret not in line
    assert json.loads(line.replace(":$status", ":0").replace(":$bytes_sent", ":0").replace(
        ":$request_time", ":0"))  # fmt: skip
    assert written[1] == "escape=json"


def test_unknown_names_get_no_certificate(conf: Block) -> None:
    servers = [inner for _, inner in every(conf, "server") if inner]
    (refusing,) = [s for s in servers if (["ssl_reject_handshake", "on"], None) in s]
    assert words(api(conf), "server_name") == [["llm.example.org", '""']]
    assert (["listen", "443", "ssl", "default_server"], None) in refusing
    assert ["443", "ssl"] in words(api(conf), "listen")


def test_balancers_that_name_no_host_get_the_certificate_and_other_names_none() -> None:
    """A balancer may send no SNI, and an address as Host in its health checks."""
    conf = parse(render(gateway_trusted_proxies=["10.0.0.0/8"])["nginx.conf"])
    servers = [inner for _, inner in every(conf, "server") if inner]
    (refusing,) = [s for s in servers if (["ssl_reject_handshake", "on"], None) in s]
    assert ["443", "ssl", "default_server"] in words(api(conf), "listen")
    assert ["443", "ssl"] in words(refusing, "listen")
    # Of regular expressions nginx takes the first that fits
    assert servers.index(api(conf)) < servers.index(refusing)
    (known,), (others,) = words(api(conf), "server_name"), words(refusing, "server_name")
    assert known[:2] == ["llm.example.org", '""']
    patterns = [re.compile(name.strip('"')[1:]) for name in known[2:]]
    for host, ours in (
        ("10.0.0.5", True),
        ("[fd00::5]", True),
        ("other.example", False),
        ("10.0.0.5.example", False),
        ("[x]", False),
    ):
        assert any(one.search(host) for one in patterns) is ours, host
        assert re.search(others[0].strip('"')[1:], host)
    asked = parse(render(gateway_without_sni=True)["nginx.conf"])
    assert ["443", "ssl", "default_server"] in words(api(asked), "listen")


@pytest.mark.parametrize(("proxies", "seconds"), [([], "30s"), (["10.0.0.0/8"], "620s")])
def test_an_idle_connection_outlasts_a_balancers(proxies: list[str], seconds: str) -> None:
    """Otherwise a request that meets the closing is the balancer's 502: Google's waits 600 s."""
    conf = parse(render(gateway_trusted_proxies=proxies)["nginx.conf"])
    assert [seconds] in words(api(conf), "keepalive_timeout")
    own = parse(render(gateway_keepalive_timeout=75)["nginx.conf"])
    assert ["75s"] in words(api(own), "keepalive_timeout")


@pytest.mark.parametrize(("port", "shown"), [(443, ""), (8443, ":8443")])
def test_plain_http_redirects_to_the_fixed_name(port: int, shown: str) -> None:
    rendered = parse(render(gateway_https_port=port)["nginx.conf"])
    told = ["403", "=308", f"https://llm.example.org{shown}$request_uri"]
    assert told in words(rendered, "error_page")


@pytest.mark.parametrize(
    ("probe", "groups", "tickets", "ipv6"),
    [
        (DEBIAN_13, "?X25519MLKEM768:X25519:prime256v1:secp384r1", [], True),
        (DEBIAN_12, "X25519:prime256v1:secp384r1", [["off"]], False),
    ],
)
def test_what_is_rendered_follows_the_versions(
    probe: dict[str, Any], groups: str, tickets: list[Any], ipv6: bool
) -> None:
    rendered = parse(render(probe)["nginx.conf"])
    # Also in the server that refuses: nginx uses its settings until it knows the name
    assert words(rendered, "ssl_ecdh_curve") == [[groups]] * 2
    assert words(rendered, "ssl_session_tickets") == tickets * 2
    assert any(w[0].startswith("[::]") for w in words(rendered, "listen")) is ipv6
    assert words(rendered, "keepalive_min_timeout") == []


def test_a_newer_nginx_keeps_idle_connections_over_a_reload() -> None:
    rendered = parse(render({**DEBIAN_13, "nginx": "1.28.0"})["nginx.conf"])
    assert words(api(rendered), "keepalive_min_timeout") == [["5s"]]


@pytest.mark.parametrize(
    ("profile", "protocols", "ciphers"),
    [("intermediate", ["TLSv1.2", "TLSv1.3"], 6), ("modern", ["TLSv1.3"], 0)],
)
def test_tls_profiles(profile: str, protocols: list[str], ciphers: int) -> None:
    rendered = parse(render(gateway_tls_profile=profile)["nginx.conf"])
    assert words(rendered, "ssl_protocols") == [protocols] * 2
    listed = [
        cipher for line in words(api(rendered), "ssl_ciphers") for cipher in line[0].split(":")
    ]
    assert len(listed) == ciphers
    assert all(c.startswith("ECDHE-") and ("GCM" in c or "CHACHA" in c) for c in listed)


def test_hsts_is_sent_only_when_asked_for() -> None:
    assert "Strict-Transport-Security" not in render()["nginx.conf"]
    assert '"max-age=63072000"' in render(gateway_tls_hsts_seconds=63072000)["nginx.conf"]


def test_errors_are_json_as_openai_words_them(conf: Block) -> None:
    bodies = {}
    for name, inner in locations(conf):
        if name.startswith("= /_gateway/"):
            for status, body in (w for w in words(inner, "return") if len(w) == 2):
                bodies[int(status)] = json.loads(unquote(body))["error"]
    assert {400, 401, 403, 404, 413, 414, 429, 502, 504} <= set(bodies)
    assert all(set(e) == {"message", "type", "param", "code"} for e in bodies.values())
    refusing, plain = (
        next(s for s in (inner for _, inner in every(conf, "server") if inner) if mark in s)
        for mark in (
            (["ssl_reject_handshake", "on"], None),
            (["listen", "80", "default_server"], None),
        )
    )
    told = {
        json.loads(unquote(body))["error"]["code"]
        for server in (refusing, plain)
        for _, body in (w for w in words(server, "return") if len(w) == 2)
    }
    assert told == {"https_required", "unknown_host"}
    for server in (refusing, plain):
        paged = {status for line in words(server, "error_page") for status in line[:-1]}
        assert {"400", "404", "405", "408", "413", "414", "429", "494", "501", "505"} <= paged
    assert bodies[429]["code"] == "rate_limit_exceeded"
    assert bodies[401]["message"].endswith('send it as "Authorization: Bearer KEY".')


def test_every_model_has_an_upstream_on_loopback(files: dict[str, str], conf: Block) -> None:
    upstreams = {w[1]: words(inner, "server") for w, inner in every(conf, "upstream")}
    assert upstreams == {
        "model_llama-3.1-8b": [["127.0.0.1:8081"]],
        "model_code": [["127.0.0.1:8082"]],
    }
    assert json.loads(files["models.json"])["default"] == "llama-3.1-8b"
