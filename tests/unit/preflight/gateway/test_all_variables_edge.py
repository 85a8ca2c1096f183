"""Test the rules about a gateway's numbers, its load balancers and the source of its nginx."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.common.problem import UNKNOWN
from ansible.module_utils.tgi.preflight.gateway.all_variables import check_gateway

LIMIT = {"requests_per_second": 5, "burst": 10, "concurrent": 4}
ORG = {"gateway_nginx_source": "nginx_org"}
PRINT = "573BFD6B3D8FBC641079A6ABABF5BD827BD9BF62"


def check(**values: Any) -> list[str]:
    found: list[str] = check_gateway(values, lambda _: None)
    return found


@pytest.mark.parametrize(
    "values",
    [
        {"gateway_trusted_proxies": ["10.0.0.0/24", "192.0.2.1", "fd00::/8", "FD00::1", UNKNOWN]},
        {"gateway_trusted_proxies": UNKNOWN, "gateway_real_ip_header": "proxy_protocol"},
        {"gateway_trusted_proxies": ["10.0.0.1"], "gateway_real_ip_header": "proxy_protocol"},
        {"gateway_trusted_proxies": [], "gateway_real_ip_header": "X-Real-IP"},
        {"gateway_real_ip_header": "x-forwarded-for"},
        {"gateway_real_ip_header": "CF-Connecting-IP"},
        {"gateway_real_ip_header": "X-House-Client"},
        {"gateway_keepalive_timeout": 75},
        {**ORG, "gateway_nginx_version": "1.30.*"},
        {**ORG, "gateway_nginx_version": "1.30.1-1~trixie"},
        {"gateway_nginx_version": "", "gateway_nginx_source": "distro"},
        {**ORG, "gateway_nginx_apt_uri": "http://mirror:8080/nginx", "gateway_nginx_apt_key": "/k"},
        {"gateway_nginx_apt_uri": "file:/srv/nginx"},
        {"gateway_nginx_apt_key_fingerprint": PRINT},
        {"gateway_nginx_apt_key_fingerprint": f"{PRINT}, {PRINT}"},
        {"gateway_nginx_apt_key_fingerprint": f"{PRINT[:20]} {PRINT[20:].lower()}"},
        {"gateway_address": "fd00::2"},
        {"gateway_address": ""},
        {"gateway_address_limit": LIMIT},
        {"gateway_tiers": {"a": {**LIMIT, "tokens_per_minute": 1}}},
        {"gateway_tiers": {"a": {**LIMIT, "tokens_per_minute": None}}},
        {"gateway_tls_leaf_days": 90, "gateway_tls_renew_days": 30, "gateway_tls_ca_days": 3650},
        {"gateway_tls_hsts_seconds": 63072000, "gateway_max_body_size": 2000000},
    ],
)
def test_what_is_let_through(values: dict[str, Any]) -> None:
    assert check(**values) == []


def proxies(*networks: str) -> dict[str, Any]:
    return {"gateway_trusted_proxies": list(networks)}


def limit(**more: Any) -> dict[str, Any]:
    return {"gateway_address_limit": {**LIMIT, **more}}


def tier(**more: Any) -> dict[str, Any]:
    return {"gateway_tiers": {"a": {**LIMIT, **more}}}


ANYBODY = "every client could choose its address and evade the limits; write the networks of your"
NO_ADDRESS = (
    "in which nginx reads no address: all clients would share limits; let the balancer send"
)
REFUSED = [
    (proxies("10.0.0.0/24", "balancer"), "gateway_trusted_proxies[1]", "not a network; write a"),
    (proxies("0.0.0.0/0"), "gateway_trusted_proxies[0]", ANYBODY),
    (proxies("::/0"), "gateway_trusted_proxies[0]", ANYBODY),
    (proxies("::ffff:0:0/96"), "gateway_trusted_proxies[0]", ANYBODY),
    (
        proxies("10.0.0.5/24"),
        "gateway_trusted_proxies[0]",
        "an address within a network; write 10.0.0.0/24, or 10.0.0.5 without a prefix",
    ),
    (proxies("10.0.0.0/255.255.255.0"), "gateway_trusted_proxies[0]", "not a network"),
    (proxies("fe80::1%eth0"), "gateway_trusted_proxies[0]", "not a network"),
    (proxies("10.0.0.1; deny all"), "gateway_trusted_proxies[0]", "not a network"),
    (proxies("unix:"), "gateway_trusted_proxies[0]", "not a network"),
    (proxies(""), "gateway_trusted_proxies[0]", "not a network"),
    (
        {"gateway_real_ip_header": "proxy_protocol", **proxies()},
        "gateway_real_ip_header",
        "but gateway_trusted_proxies is empty; list the balancers' networks there",
    ),
    ({"gateway_real_ip_header": "X_Real"}, "gateway_real_ip_header", "not a header name"),
    ({"gateway_real_ip_header": "X-A;\nx"}, "gateway_real_ip_header", "not a header name"),
    ({"gateway_real_ip_header": "$http_x"}, "gateway_real_ip_header", "not a header name"),
    ({"gateway_real_ip_header": "Forwarded"}, "gateway_real_ip_header", NO_ADDRESS),
    ({"gateway_real_ip_header": "x-forwarded-host"}, "gateway_real_ip_header", NO_ADDRESS),
    ({"gateway_real_ip_header": "X-Forwarded-Proto"}, "gateway_real_ip_header", NO_ADDRESS),
    ({"gateway_real_ip_header": "X-Forwarded"}, "gateway_real_ip_header", NO_ADDRESS),
    ({"gateway_real_ip_header": "Via"}, "gateway_real_ip_header", NO_ADDRESS),
    (
        {"gateway_real_ip_header": "X-Forward-For"},
        "gateway_real_ip_header",
        "which no balancer sends; write X-Forwarded-For",
    ),
    ({"gateway_real_ip_header": "XForwardedFor"}, "gateway_real_ip_header", "X-Forwarded-For"),
    ({"gateway_real_ip_header": "X-RealIP"}, "gateway_real_ip_header", "write X-Real-IP"),
    ({"gateway_real_ip_header": "proxy-protocol"}, "gateway_real_ip_header", "proxy_protocol"),
    ({"gateway_real_ip_header": ""}, "gateway_real_ip_header", "not a header name"),
    (
        {"gateway_nginx_source": "distro", "gateway_nginx_version": "1.30.*"},
        "gateway_nginx_version",
        "is set, but gateway_nginx_source is not nginx_org; delete it, or write",
    ),
    ({**ORG, "gateway_nginx_version": "1.30 -t x"}, "gateway_nginx_version", "not a version"),
    ({**ORG, "gateway_nginx_version": "stable"}, "gateway_nginx_version", "not a version"),
    ({**ORG, "gateway_nginx_version": "1.*.0"}, "gateway_nginx_version", "not a version"),
    (
        {"gateway_nginx_apt_uri": "nginx.org"},
        "gateway_nginx_apt_uri",
        "not the URL of a repository",
    ),
    (
        {"gateway_nginx_apt_uri": "http://a b"},
        "gateway_nginx_apt_uri",
        "not the URL of a repository",
    ),
    ({"gateway_nginx_apt_uri": "https://a/\nb"}, "gateway_nginx_apt_uri", "not the URL"),
    ({"gateway_nginx_apt_key": "keys/a"}, "gateway_nginx_apt_key", "neither a URL nor an absolute"),
    (
        {"gateway_nginx_apt_key_fingerprint": PRINT[:-1]},
        "gateway_nginx_apt_key_fingerprint",
        "not a fingerprint; write the 40 hex digits",
    ),
    (
        {"gateway_nginx_apt_key_fingerprint": ""},
        "gateway_nginx_apt_key_fingerprint",
        "not a finger",
    ),
    (
        {"gateway_nginx_apt_key_fingerprint": f"{PRINT},"},
        "gateway_nginx_apt_key_fingerprint",
        "not a fingerprint",
    ),
    ({"gateway_address": "edge.lan"}, "gateway_address", "not an address; write the address that"),
    (
        {"gateway_tiers": {"a b": LIMIT}},
        "gateway_tiers.a",
        "is not a valid tier name; write letters",
    ),
    (limit(concurrent=None), "gateway_address_limit.concurrent", "is missing"),
    (limit(concurrent=65536), "gateway_address_limit.concurrent", "write at most 65535"),
    (limit(burst=10**7), "gateway_address_limit.burst", "write at most 1000000"),
    (limit(requests_per_second=1e7), "gateway_address_limit.requests_per_second", "at most"),
    (limit(tokens_per_minute=5), "gateway_address_limit.tokens_per_minute", "is not a known limit"),
    (tier(tokens_per_minute=0), "gateway_tiers.a.tokens_per_minute", "a whole number, 1 or more"),
    (tier(tokens_per_minute="9"), "gateway_tiers.a.tokens_per_minute", "without quotes"),
    (tier(tokens_per_minute=True), "gateway_tiers.a.tokens_per_minute", "is true; write a whole"),
    (tier(token_per_minute=9), "gateway_tiers.a.token_per_minute", "write tokens_per_minute"),
    (
        {"gateway_tls_renew_days": 90, "gateway_tls_leaf_days": 90},
        "gateway_tls_renew_days",
        "is 90, but gateway_tls_leaf_days is 90; write less than that",
    ),
    (
        {"gateway_tls_leaf_days": 90, "gateway_tls_ca_days": 30},
        "gateway_tls_leaf_days",
        "is 90, but gateway_tls_ca_days is 30; write less than that",
    ),
    ({"gateway_tls_leaf_days": 400}, "gateway_tls_leaf_days", "is 400; write one from 1 to 398"),
    ({"gateway_tls_hsts_seconds": -1}, "gateway_tls_hsts_seconds", "write one from 0 to"),
    ({"gateway_keepalive_timeout": 0}, "gateway_keepalive_timeout", "write one from 6 to 3600"),
    ({"gateway_max_body_size": 0}, "gateway_max_body_size", "write one from 1 to"),
    ({"gateway_drained_retry_after": 0}, "gateway_drained_retry_after", "one from 1 to 3600"),
    ({"gateway_reload_timeout": 0}, "gateway_reload_timeout", "write one from 1 to 3600"),
]


@pytest.mark.parametrize(("values", "where", "words"), REFUSED)
def test_what_is_refused(values: dict[str, Any], where: str, words: str) -> None:
    (found,) = check(**values)
    assert found.startswith(f"{where} ")
    assert words in found
    assert "\n" not in found
