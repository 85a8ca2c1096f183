"""Test making and rotating keys."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import yaml
from ansible.module_utils.tgi.gateway.consumers.key_ring import (
    Ring,
    give_keys,
    read_ring,
    ring_text,
    rotate,
)
from ansible.module_utils.tgi.gateway.render.key_expiry import expires_at
from ansible.module_utils.tgi.preflight.gateway.keys import check_keys

NOW = datetime.datetime(2026, 11, 29, 12, tzinfo=datetime.timezone.utc)
OLD: Ring = {"duck": [{"key": "sk-old"}]}


def turn(ring: Ring, step: str, now: datetime.datetime = NOW) -> Ring:
    return rotate(ring, "duck", step, 7, now)


def test_a_key_for_each_that_has_none() -> None:
    ring = give_keys({**OLD, "goose": []}, ["duck", "goose", "owl"])
    assert ring["duck"] == OLD["duck"]
    assert len({ring["goose"][0]["key"], ring["owl"][0]["key"]}) == 2
    # The preflight takes them
    assert not [*check_keys(ring["goose"] + ring["owl"], "keys", {})]


def test_the_text_is_read_back() -> None:
    ring = give_keys(
        {"1.e-5": [{"key": "sk-a", "expires": "2027-01-31"}, {"key": "1e5"}]}, ["duck"]
    )
    assert read_ring(yaml.safe_load(ring_text(ring)), "keys.yml") == ring


def test_a_rotation_from_the_first_step_to_the_last() -> None:
    both = turn(OLD, "add")
    newest, old = both["duck"]
    assert old == {"key": "sk-old"} and newest["key"] != "sk-old"
    ending = turn(both, "expire")
    assert ending["duck"] == [newest, {"key": "sk-old", "expires": "2026-12-06"}]
    # Not before its day is over, and a second call gives no more days
    last = NOW.replace(month=12, day=6, hour=23)
    assert turn(ending, "remove", last) == ending
    assert turn(ending, "expire", last) == ending
    over = datetime.datetime.fromtimestamp(expires_at("2026-12-06"), datetime.timezone.utc)
    assert turn(ending, "remove", over) == {"duck": [newest]}


@pytest.mark.parametrize(
    ("ring", "step", "line"),
    [
        ({"duck": [{"key": "b"}, {"key": "a"}]}, "add", "finish that rotation first"),
        (OLD, "expire", "duck has one key only; give it a new one first"),
        ({}, "add", "secrets_rotate is duck, which has no key in the vault"),
        ({"ducks": [{"key": "a"}]}, "add", "write ducks"),
    ],
)
def test_a_step_that_would_harm_clients(ring: Ring, step: str, line: str) -> None:
    with pytest.raises(ValueError, match=line):
        turn(ring, step)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"vault_gateway_keys": {}, "vault_x": 1}, "has vault_x in it; write another secrets_file"),
        ({"vault_gateway_keys": "sk-planted"}, "has no vault_gateway_keys"),
        (["sk-planted"], "has no vault_gateway_keys"),
        ({"vault_gateway_keys": {"duck": ["sk-planted"]}}, "has keys in a form"),
        ({"vault_gateway_keys": {"duck": 7}}, "has keys in a form"),
    ],
)
def test_a_file_of_another_kind_is_refused_without_showing_it(data: Any, line: str) -> None:
    with pytest.raises(ValueError, match=line) as error:
        read_ring(data, "keys.yml")
    assert "planted" not in str(error.value)


@pytest.mark.parametrize("data", [None, {}, {"vault_gateway_keys": {}}])
def test_a_file_without_keys(data: Any) -> None:
    assert read_ring(data, "keys.yml") == {}
