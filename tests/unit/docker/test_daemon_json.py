"""Test how daemon.json files are merged and compared."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.tgi.docker.daemon_json import (
    BOUND_TO_CONTAINERS,
    RELOADABLE,
    DaemonConfigError,
    bound_keys,
    changed_keys,
    compose,
    has_secret,
    masked,
    merge,
    overlay,
    parse,
    proxies,
    render,
    split_secrets,
    unapplied,
)

MERGED: dict[str, tuple[Any, Any, Any]] = {
    "into nothing": ({}, {"live-restore": True}, {"live-restore": True}),
    # nvidia-ctk loses these: it replaces the object
    "other features stay": (
        {"features": {"containerd-snapshotter": False}},
        {"features": {"cdi": True}},
        {"features": {"containerd-snapshotter": False, "cdi": True}},
    ),
    "foreign keys stay": (
        {"dns": ["1.1.1.1"]},
        {"debug": True},
        {"dns": ["1.1.1.1"], "debug": True},
    ),
    "null removes": ({"debug": True, "dns": []}, {"debug": None}, {"dns": []}),
    "null removes below": (
        {"features": {"a": 1, "b": 2}},
        {"features": {"a": None}},
        {"features": {"b": 2}},
    ),
    "null of what is not there": ({}, {"debug": None, "features": {"cdi": None}}, {"features": {}}),
    "object over a word": ({"log-opts": "x"}, {"log-opts": {"a": "b"}}, {"log-opts": {"a": "b"}}),
    "lists are replaced": ({"dns": ["a"]}, {"dns": ["b"]}, {"dns": ["b"]}),
    "options stay with their driver": (
        {"log-driver": "local", "log-opts": {"compress": "true"}},
        {"log-driver": "local", "log-opts": {"max-size": "50m"}},
        {"log-driver": "local", "log-opts": {"compress": "true", "max-size": "50m"}},
    ),
    "options go with their driver": (
        {"log-driver": "json-file", "log-opts": {"labels": "x"}},
        {"log-driver": "local", "log-opts": {"max-size": "50m"}},
        {"log-driver": "local", "log-opts": {"max-size": "50m"}},
    ),
    "options of the default driver go too": (
        {"log-opts": {"labels": "x"}},
        {"log-driver": "local"},
        {"log-driver": "local"},
    ),
    "no driver asked for": (
        {"log-opts": {"a": "b"}},
        {"debug": True},
        {"log-opts": {"a": "b"}, "debug": True},
    ),
}


@pytest.mark.parametrize("case", MERGED)
def test_merge(case: str) -> None:
    base, over, wanted = MERGED[case]
    before = json.dumps(base)
    assert merge(base, over) == wanted
    assert json.dumps(base) == before, "the input is left as it was"
    assert merge(wanted, over) == wanted, "a second time changes nothing"


@pytest.mark.parametrize("text", ["", "  \n"])
def test_no_file_is_no_settings(text: str) -> None:
    assert parse(text, "f") == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1,}', "daemon.json is not valid JSON .*left as it was|repair or remove"),
        ("# comment\n{}", "not valid JSON"),
        ("[1]", "is not a JSON object"),
        ('"x"', "is not a JSON object"),
    ],
)
def test_a_broken_file_is_refused(text: str, words: str) -> None:
    with pytest.raises(DaemonConfigError, match=words):
        parse(text, "/etc/docker/daemon.json")


def test_changed_keys_see_added_removed_and_changed() -> None:
    before = {"a": 1, "b": {"c": 1}, "same": [1]}
    assert changed_keys(before, {"b": {"c": 2}, "d": False, "same": [1]}) == ["a", "b", "d"]


def test_the_same_settings_are_the_same_text() -> None:
    assert render({"b": 1, "a": {"d": 1, "c": 2}}) == render({"a": {"c": 2, "d": 1}, "b": 1})
    assert render({"a": 1}) == '{\n  "a": 1\n}\n'


def test_what_is_bound_to_containers_needs_a_restart() -> None:
    assert not set(BOUND_TO_CONTAINERS) & RELOADABLE
    # A reload stores the flag, but registers no CDI driver
    assert "features" not in RELOADABLE


STATES: dict[str, tuple[str, float, float, list[str]]] = {
    "read at start": ("active", 20, 20, []),
    "never read": ("active", 5, 5, ["features", "live-restore"]),
    "reloaded, not restarted": ("active", 5, 15, ["features"]),
    "does not run": ("failed", 5, 15, []),
    "start unknown": ("active", 0, 0, []),
}


@pytest.mark.parametrize("case", STATES)
def test_settings_that_the_daemon_has_not_read(case: str) -> None:
    state, started, read, keys = STATES[case]
    properties = (
        f"ActiveState={state}\nExecMainStartTimestampMonotonic={started * 10**6}\n"
        f"StateChangeTimestampMonotonic={read * 10**6}\n"
    )
    assert unapplied(properties, 10.0, ["live-restore", "features"]) == keys


BOUND: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({}, {"data-root": "/var/lib/docker/"}, []),
    ({}, {"data-root": "/srv/docker"}, ["data-root"]),
    ({"data-root": "/srv/docker"}, {}, ["data-root"]),
    ({"data-root": "/srv/docker"}, {"data-root": "/srv/docker/"}, []),
    ({}, {"storage-driver": "overlay2"}, ["storage-driver"]),
    ({"debug": True}, {}, []),
]


@pytest.mark.parametrize(("before", "after", "keys"), BOUND)
def test_what_hides_containers(
    before: dict[str, Any], after: dict[str, Any], keys: list[str]
) -> None:
    assert bound_keys(before, after) == keys


def test_only_the_proxies_given_are_set() -> None:
    assert proxies() == proxies("", "", "") == {}
    assert proxies(https="http://p:3128", no_proxy="a,b") == {
        "proxies": {"https-proxy": "http://p:3128", "no-proxy": "a,b"}
    }


def test_a_proxys_password_is_a_secret() -> None:
    config = {"debug": True, **proxies("http://p:3128", "http://me:w0rd@p:3128", "a@b")}
    assert masked(config)["proxies"] == {
        "http-proxy": "http://p:3128",
        "https-proxy": "http://***@p:3128",
        "no-proxy": "a@b",
    }
    assert masked(config)["debug"] is True
    assert has_secret(config)
    assert not has_secret(proxies("http://p:3128")) and not has_secret({"proxies": "odd"})


LOG_OPTIONS = {
    "log-driver": "splunk",
    "log-opts": {
        "splunk-token": "planted",
        "loki-url": "https://u:planted@loki.example.org/push",
        "sumo-url": "https://collectors.example.org/planted",
        "max-size": "50m",
    },
    "registry-mirrors": ["https://u:planted@mirror.example.org"],
    "debug": True,
}


def test_secrets_of_log_drivers_and_addresses_are_in_no_output() -> None:
    assert "planted" not in json.dumps(masked(LOG_OPTIONS))
    assert has_secret(LOG_OPTIONS)
    plain, secret = split_secrets(LOG_OPTIONS)
    assert "planted" not in json.dumps(plain)
    assert plain["log-opts"] == {"max-size": "50m"}
    assert set(secret) == {"log-opts", "registry-mirrors"}
    assert overlay(plain, secret) == LOG_OPTIONS
    assert split_secrets({"debug": True, "log-opts": {"max-size": "1m"}})[1] == {}


def test_settings_over_settings_keep_their_nulls() -> None:
    base = {"a": 1, "features": {"cdi": True, "x": 1}}
    over = {"a": None, "features": {"x": None}, "b": {"c": None}}
    assert overlay(base, over) == {
        "a": None,
        "features": {"cdi": True, "x": None},
        "b": {"c": None},
    }
    assert merge({"b": {"c": 1}}, overlay(base, over)) == {"features": {"cdi": True}, "b": {}}


COMPOSED: dict[str, tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any]]] = {
    "nothing yet": ({}, None, {"log-driver": "local", "log-opts": {"max-size": "9m"}}),
    "ours, with another size": (
        {"log-driver": "local", "log-opts": {"max-size": "1m"}},
        {},
        {"log-driver": "local", "log-opts": {"max-size": "9m"}},
    ),
    "not known whose": (
        {"log-driver": "local", "log-opts": {"max-size": "1m"}},
        None,
        {"log-driver": "local", "log-opts": {"max-size": "1m"}},
    ),
    "the site's from the first": (
        {"log-driver": "local"},
        {"log-driver": "local"},
        {"log-driver": "local"},
    ),
    "another driver since": ({"log-driver": "journald"}, {}, {"log-driver": "journald"}),
}


@pytest.mark.parametrize("case", COMPOSED)
def test_whose_log_settings_they_are(case: str) -> None:
    before, original, wanted = COMPOSED[case]
    defaults = {"log-driver": "local", "log-opts": {"max-size": "9m"}}
    assert compose(before, original, {}, defaults) == wanted
