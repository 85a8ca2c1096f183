"""Test which settings are recorded, and which are removed when variables are emptied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.docker.daemon_record import (
    dropped,
    own_of,
    read_own,
    without_dropped,
    write_own,
)

PROXIES = {"http-proxy": "http://p:1", "https-proxy": "http://p:1"}
MIRRORS = {"registry-mirrors": ["https://m"]}

GONE: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "nothing": (MIRRORS, MIRRORS, {}),
    "another value is no removal": (MIRRORS, {"registry-mirrors": []}, {}),
    "a key": ({**MIRRORS, "live-restore": True}, {"live-restore": True}, MIRRORS),
    "one of several below": (
        {"proxies": PROXIES},
        {"proxies": {"http-proxy": "http://p:1"}},
        {"proxies": {"https-proxy": "http://p:1"}},
    ),
    "all of them": ({"proxies": PROXIES}, {}, {"proxies": PROXIES}),
}


@pytest.mark.parametrize("case", GONE)
def test_what_is_asked_for_no_more(case: str) -> None:
    last, own, gone = GONE[case]
    assert dropped(last, own) == gone


def test_it_is_removed_unless_its_value_was_changed_since() -> None:
    before = {**MIRRORS, "proxies": PROXIES, "dns": ["10.0.0.1"]}
    last = {**MIRRORS, "proxies": PROXIES}
    assert without_dropped(before, {}, last, {}) == {"dns": ["10.0.0.1"]}
    theirs = {**before, "registry-mirrors": ["https://theirs"]}
    assert without_dropped(theirs, {}, last, {"proxies": PROXIES}) == theirs
    original = {"registry-mirrors": ["https://first"]}
    assert without_dropped(before, original, last, {"proxies": PROXIES}) == {**before, **original}
    assert without_dropped(before, None, {}, {}) == before, "there is no record"


def test_the_record_is_roots_alone_and_has_its_copy(tmp_path: Path) -> None:
    path = tmp_path / "daemon.json"
    write_own(path, {}, changes=True)
    assert list(tmp_path.iterdir()) == []
    write_own(path, MIRRORS, changes=True)
    assert own_of(path).stat().st_mode & 0o777 == 0o600
    assert read_own(path) == MIRRORS
    copy = tmp_path / "daemon.json.own-tgi-ansible.before"
    assert not copy.exists()
    write_own(path, {"proxies": PROXIES}, changes=True)
    assert (json.loads(copy.read_text()), copy.stat().st_mode & 0o777) == (MIRRORS, 0o600)
    write_own(path, {"proxies": PROXIES}, changes=False)
    assert json.loads(copy.read_text()) == MIRRORS
    own_of(path).write_text("no record")
    assert read_own(path) == {}
