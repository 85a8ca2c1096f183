"""Test what consumers' clients need to know."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.gateway.consumers.client_offers import (
    NO_KEY,
    client_models,
    client_offers,
)
from ansible.module_utils.tgi.models.replicas import gateway_backends

TIERS = {"team": {"requests_per_second": 0.5, "burst": 3, "concurrent": 2}}
NO_LIMITS = dict.fromkeys(("requests_per_second", "burst", "concurrent", "tokens_per_minute"), 0)
REVISION = "0" * 40


def consumer(*keys: Any, **more: Any) -> dict[str, Any]:
    return {"name": "duck", "tier": "team", "keys": [*keys], **more}


def test_the_limits_of_the_tier() -> None:
    limits = {
        **NO_LIMITS,
        **TIERS["team"],
        "rpm": 30,
        "key": NO_KEY,
        "key_ends": "",
        "with_key": False,
    }
    assert client_offers([consumer("sk-one")], TIERS) == [{"name": "duck", **limits}]
    free = {**NO_LIMITS, "rpm": 0, "key": NO_KEY, "key_ends": "", "with_key": False}
    assert client_offers([consumer("sk-one")], None) == [{"name": "duck", **free}]


@pytest.mark.parametrize(
    ("keys", "key", "ends"),
    [
        (["sk-one", "sk-two"], "sk-one", ""),
        ([{"key": "sk-old", "expires": "2098-01-31"}, "sk-new"], "sk-new", ""),
        ([{"key": "sk-old", "expires": "2020-01-31"}, {"key": "sk-new", "expires": "2098-01-31"}],
         "sk-new", "2098-01-31"),
        ([{"key": "sk-a", "expires": "2098-01-31"}, {"key": "sk-b", "expires": "2099-01-31"}],
         "sk-b", "2099-01-31"),
    ],
)  # fmt: skip
def test_the_key_that_lasts_longest(keys: list[Any], key: str, ends: str) -> None:
    (offer,) = client_offers([consumer(*keys)], TIERS, with_keys=True)
    assert (offer["key"], offer["key_ends"]) == (key, ends)


@pytest.mark.parametrize("keys", [[], [{"key": "sk-old", "expires": "2020-01-31"}]])
def test_a_consumer_without_a_key_to_write(keys: list[Any]) -> None:
    assert client_offers([consumer(*keys)], TIERS)
    with pytest.raises(ValueError, match="gateway_consumers: duck has no key") as error:
        client_offers([consumer(*keys)], TIERS, with_keys=True)
    assert "sk-old" not in str(error.value)


def test_a_consumer_with_a_certificate_alone_keeps_no_other_from_its_key() -> None:
    card = {"name": "card", "tier": "team", "certificate_subjects": ["CN=card"]}
    both = client_offers([card, consumer("sk-one")], TIERS, with_keys=True)
    assert [(one["key"], one["with_key"]) for one in both] == [(NO_KEY, False), ("sk-one", True)]


def test_keys_are_not_read_unless_asked_for() -> None:
    class Locked(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            assert name != "keys"
            return super().get(name, default)

    assert client_offers([Locked(name="duck", tier="team")], TIERS)


def test_one_consumer_or_all_that_are_enabled() -> None:
    all_three = [consumer(name=name, enabled=name != "owl") for name in ("duck", "goose", "owl")]
    assert [one["name"] for one in client_offers(all_three, TIERS)] == ["duck", "goose"]
    assert [one["name"] for one in client_offers(all_three, TIERS, "goose")] == ["goose"]
    with pytest.raises(ValueError, match=r"is gose, which is not in .*; write goose"):
        client_offers(all_three, TIERS, "gose")
    with pytest.raises(ValueError, match="is owl, which is disabled; enable it"):
        client_offers(all_three, TIERS, "owl")


def test_models_with_the_smallest_limits_of_their_replicas() -> None:
    def host(limit: int) -> dict[str, Any]:
        house = {"name": "house", "model_id": "acme/house", "revision": REVISION}
        models = [{**house, "max_total_tokens": limit}, {"name": "zephyr-7b"}]
        return {"tgi_models": models, "tgi_bind_address": f"192.0.2.{limit % 200}"}

    model = {"aliases": [], "context": 0, "input": 0, "chat": True, "tools": True}
    hostvars = {"gpu1": host(8192), "gpu2": host(4096), "edge1": {}}
    backends = gateway_backends(["gpu1", "gpu2"], hostvars, "edge1")
    assert client_models(backends, ["gpu1", "gpu2"], hostvars) == [
        {**model, "name": "house", "aliases": ["tgi"], "context": 4096},
        # The catalogue knows that it has no tools
        {**model, "name": "zephyr-7b", "tools": False},
    ]


def test_models_of_a_gateway_without_gpu_hosts() -> None:
    backend = {"name": "far", "model_id": "acme/far", "aliases": ["f"], "replicas": []}
    (model,) = client_models([backend], [], {})
    assert (model["name"], model["aliases"], model["chat"]) == ("far", ["tgi", "f"], True)
