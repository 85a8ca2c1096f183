"""Test the file of keys that njs reads: digests, ends, subjects and disabled consumers."""

from __future__ import annotations

import datetime
import hashlib

import pytest
from ansible.module_utils.tgi.gateway.render.key_file import nginx_keyring


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def test_keys_are_digests_with_their_end() -> None:
    keys = ["first-key", {"key": "second-key", "expires": "2027-01-31"}, {"key": "third-key"}]
    found = nginx_keyring([{"name": "duck", "tier": "x", "keys": keys}])
    after = int(datetime.datetime(2027, 2, 1, tzinfo=datetime.timezone.utc).timestamp())
    assert found["keys"] == {
        digest("first-key"): ["duck", 0],
        digest("second-key"): ["duck", after],
        digest("third-key"): ["duck", 0],
    }
    assert "-key" not in str(found)


def test_a_disabled_consumer_is_known_as_such() -> None:
    consumers = [
        {"name": "on", "keys": ["on-key"], "enabled": True},
        {"name": "off", "keys": ["off-key"], "enabled": False},
    ]
    found = nginx_keyring(consumers)
    assert found["disabled"] == {"off": True}
    assert found["keys"][digest("off-key")] == ["off", 0]


def test_a_subject_stands_for_a_consumer_without_keys() -> None:
    consumers = [{"name": "duck", "certificate_subjects": ["CN=duck,O=Pond", "CN=d"]}]
    found = nginx_keyring(consumers)
    assert found == {
        "keys": {},
        "subjects": {"CN=duck,O=Pond": "duck", "CN=d": "duck"},
        "disabled": {},
        "live": {},
    }


def test_a_consumer_may_say_how_its_tools_are_streamed() -> None:
    named = [{"name": name, "tool_streams": name} for name in ("live", "whole")]
    assert nginx_keyring([*named, {"name": "open"}])["live"] == {"live": True, "whole": False}


def test_an_end_that_is_no_date_is_an_error() -> None:
    with pytest.raises(ValueError, match="no date"):
        nginx_keyring([{"name": "duck", "keys": [{"key": "k", "expires": "soon"}]}])
