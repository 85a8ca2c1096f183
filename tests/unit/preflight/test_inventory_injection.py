"""Test that the preflight refuses text with a meaning for nginx, Jinja or a shell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.tgi.models.model_rules import check_models
from ansible.module_utils.tgi.preflight.gateway.all_variables import check_gateway
from ansible.module_utils.tgi.preflight.gateway.backends import check_published

HOSTILE = [
    'a"b',
    "a'b",
    "a`b`",
    "a;b",
    "a\nb",
    "a\r\nb",
    "a\x00b",
    "a$b",
    "${a}",
    "$(a)",
    "{{ a }}",
    "{% a %}",
    "a{b}",
    "a#b",
    "a\\b",
    "a b",
    "naïve",
    "аdmin",  # its first letter is Cyrillic  # noqa: RUF001
    "a\u202eb",
    "../a",
    "-a",
]
LIMIT = {"requests_per_second": 1, "burst": 1, "concurrent": 1}
KEY = "k" * 32


def consumer(**more: Any) -> dict[str, Any]:
    one = {"name": "a", "tier": "team", "keys": [KEY], **more}
    return {"gateway_tiers": {"team": LIMIT}, "gateway_consumers": [one]}


def acme(**more: Any) -> dict[str, Any]:
    url = "https://acme.example.org/dir"
    return {"gateway_tls": {"source": "acme", "directory": url, "agree_tos": True, **more}}


def dns(name: str, value: str) -> dict[str, Any]:
    return acme(challenge="dns-01", dns_plugin="a", dns_credentials={name: value})


def backend(**more: Any) -> list[dict[str, Any]]:
    return [{"name": "a", "model_id": "x/a", "replicas": [], **more}]


GATEWAY: dict[str, Callable[[str], dict[str, Any]]] = {
    "server name": lambda text: {"gateway_server_name": text},
    "tier": lambda text: {"gateway_tiers": {text: LIMIT}},
    "consumer": lambda text: consumer(name=text),
    "consumer's tier": lambda text: consumer(tier=text),
    # Only a key's digest reaches the host, so all characters of a Bearer token are allowed
    "key": lambda text: consumer(keys=[f"{KEY} {text}"]),
    "subject": lambda text: consumer(certificate_subjects=[text]),
    "header": lambda text: {"gateway_real_ip_header": text},
    "proxy": lambda text: {"gateway_trusted_proxies": [text]},
    "nginx's version": lambda text: {"gateway_nginx_version": text},
    "repository": lambda text: {"gateway_nginx_apt_uri": text},
    "repository's key": lambda text: {"gateway_nginx_apt_key": text},
    "fingerprint": lambda text: {"gateway_nginx_apt_key_fingerprint": text},
    "ACME server": lambda text: acme(directory=text),
    "e-mail": lambda text: acme(email=text),
    "plugin": lambda text: acme(challenge="dns-01", dns_plugin=text, dns_credentials={"a": "b"}),
    "plugin's option": lambda text: dns(text, "b"),
    "address": lambda text: {"gateway_address": text},
}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", GATEWAY)
def test_variables_of_the_gateway(place: str, text: str) -> None:
    found = check_gateway(GATEWAY[place](text), lambda _: None)
    assert found
    assert all(line.isprintable() for line in found)


@pytest.mark.parametrize("text", HOSTILE)
def test_models_that_hosts_deploy(text: str) -> None:
    good = {"name": "a", "model_id": "x/a", "revision": "0" * 40}
    assert check_models({"tgi_models": [good]}) == []
    for more in ({"name": text}, {"aliases": [text]}, {"model_id": text}):
        assert check_models({"tgi_models": [{**good, **more}]})


@pytest.mark.parametrize("text", HOSTILE)
def test_models_that_are_listed_by_hand(text: str) -> None:
    replica = {"name": "g", "address": "h:1"}
    assert check_published(backend(replicas=[replica]), None, "g") == []
    for more in (
        {"name": text},
        {"aliases": [text]},
        {"model_id": text},
        {"replicas": [{**replica, "name": text}]},
        {"replicas": [{**replica, "address": text}]},
        {"replicas": [{**replica, "address": f"{text}:80"}]},
    ):
        assert check_published(backend(**{"replicas": [replica], **more}), None, "g")


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\x00b", "a\u202eb", " a", "a\n"])
def test_credentials_stay_in_their_line(text: str) -> None:
    assert check_gateway(dns("token", text), lambda _: None)
