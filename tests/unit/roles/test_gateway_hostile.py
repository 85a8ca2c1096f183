"""Test that the templates refuse hostile values, or keep them as data."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.module_utils.tgi.gateway.render.quoting import (
    nginx_address,
    nginx_map_key,
    nginx_word,
)

from tests.support.render_gateway import INPUT, render

#: Words that nginx or Ansible would read as more than a word
EVIL = [
    "a; return 200",
    "a}",
    'a"b',
    "a'b",
    "a\nb",
    "a b",
    "$host",
    "{{ 1 + 1 }}",
    "a#b",
    "a\\",
    "",
]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("quote", [nginx_word, nginx_address, nginx_map_key])
def test_every_filter_refuses_what_is_no_plain_word(quote: Any, evil: str) -> None:
    with pytest.raises(ValueError, match="is not allowed in nginx's configuration"):
        quote(evil)


# Each place uses such a filter for any text: a way to break out, a variable of nginx, a template
@pytest.mark.parametrize("evil", ["a; return 200", "$host", "{{ 1 + 1 }}"])
@pytest.mark.parametrize(
    "place",
    ["consumer", "tier", "model", "replica", "address", "server", "network", "header", "origin"],
)
def test_what_is_no_plain_word_never_gets_into_the_configuration(evil: str, place: str) -> None:
    replica = {"name": "g", "address": "10.0.0.1:80"}
    model = {"name": "llama", "model_id": "a/b", "replicas": [dict(replica), dict(replica)]}
    consumer = {"name": "duck", "tier": "team", "keys": ["k" * 16]}
    more: dict[str, Any] = {
        "gateway_consumers": [consumer],
        "gateway_backends": [model],
        "gateway_trusted_proxies": ["10.0.0.0/8"],
    }
    if place == "consumer":
        consumer["name"] = evil
    elif place == "tier":
        more["gateway_tiers"] = {evil: INPUT["gateway_tiers"]["team"]}
    elif place == "model":
        model["name"] = evil
    elif place in ("replica", "address"):
        model["replicas"][0]["name" if place == "replica" else "address"] = evil  # type: ignore[index]
    else:
        names = {"server": "server_name", "network": "trusted_proxies", "header": "real_ip_header"}
        names["origin"] = "cors_origins"
        more[f"gateway_{names[place]}"] = [evil] if place in ("network", "origin") else evil
    with pytest.raises(AnsibleError, match="is not allowed in nginx's configuration"):
        render(**more)


@pytest.mark.parametrize("evil", EVIL)
def test_aliases_ids_keys_and_subjects_are_data(evil: str) -> None:
    consumer = {"name": "duck", "tier": "team", "keys": [evil], "certificate_subjects": [evil]}
    model = {
        "name": "llama",
        "model_id": evil,
        "aliases": [evil],
        "replicas": [{"name": "g", "address": "10.0.0.1:80"}],
    }
    files = render(gateway_consumers=[consumer], gateway_backends=[model])
    assert json.loads(files["models.json"])["names"][evil] == "llama"
    assert json.loads(files["keys.json"])["subjects"] == {evil: "duck"}
    plain = {**model, "model_id": "x", "aliases": []}
    assert files["nginx.conf"] == render(gateway_backends=[plain])["nginx.conf"]


@pytest.mark.parametrize("word", ["default", "include", "hostnames", "volatile"])
def test_words_of_a_map_are_names_like_others(word: str) -> None:
    """On the left side, nginx reads these words as keywords unless a backslash comes first."""
    models = [
        {"name": name, "model_id": "a/b", "replicas": [{"name": "g", "address": "10.0.0.1:80"}]}
        for name in ("llama", word)
    ]
    text = render(
        gateway_consumers=[{"name": word, "tier": word, "keys": ["k" * 16]}],
        gateway_tiers={word: {**INPUT["gateway_tiers"]["team"], "tokens_per_minute": 9}},
        gateway_backends=models,
    )["nginx.conf"]
    assert f'"{word}"' not in text.replace(f'"\\{word}" "{word}";', "")
    assert text.count(f'"\\{word}"') == 5
