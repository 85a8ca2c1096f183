"""Test the trial start of a second daemon, with a script instead of dockerd."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.docker import trial_start
from ansible.module_utils.tgi.docker.trial_start import objection, stage, try_start

FAILS = 'echo level=info; echo "failed to start daemon: no $(dirname "$2")/data"; exit 1'
COMES_UP = "echo 'msg=\"API listen on /x\"'; exec sleep 60"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(trial_start, "_APART", [])
    (tmp_path / "root").mkdir()
    return tmp_path


def dockerd(place: Path, script: str) -> str:
    path = place / "dockerd"
    path.write_text(f"#!/bin/sh\ncp $2 {place}/seen\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_it_has_nothing_of_the_daemon_that_runs() -> None:
    config = {
        "data-root": "/srv/docker",
        "icc": False,
        "bip": "10.0.0.1/24",
        "metrics-addr": "127.0.0.1:9323",
        "log-driver": "loki",
        "log-opts": {"loki-url": "x"},
        "storage-opts": ["overlay2.size=1G"],
        "default-address-pools": [{"base": "10.213.0.0/16", "size": 24}],
    }
    found = stage(config, Path("/r"))
    assert found["data-root"] == "/r/data" and found["hosts"] == ["unix:///r/sock"]
    assert found["iptables"] is False and "bridge" not in stage({"bridge": "br0"}, Path("/r"))
    assert {"icc", "bip", "metrics-addr", "log-driver", "log-opts"}.isdisjoint(found)
    assert found["storage-opts"] == ["overlay2.size=1G"]
    assert found["default-address-pools"] == config["default-address-pools"]
    local = {"log-driver": "local", "log-opts": {"max-size": "1m"}}
    assert local.items() <= stage(local, Path("/r")).items()


def test_its_error_is_returned_and_nothing_is_left(place: Path) -> None:
    config = {"data-root": str(place / "root"), "debug": True}
    assert try_start(dockerd(place, FAILS), config) == "failed to start daemon: no data"
    assert list((place / "root").iterdir()) == []
    assert json.loads((place / "seen").read_text())["debug"] is True
    assert try_start(dockerd(place, "exit 1"), config) == "it ended without a word"


def test_it_has_the_options_of_the_unit_that_decide(place: Path) -> None:
    script = f'echo "$*" > {place}/options; {COMES_UP}'
    flags = ["-H", "fd://", "--log-driver", "journald", "--data-root=/x", "--log-opt=a=b", "-D"]
    assert try_start(dockerd(place, script), {"data-root": str(place / "root")}, flags) == ""
    said = (place / "options").read_text()
    assert said.rstrip().endswith("-plugins --log-driver journald --log-opt=a=b")


def test_one_that_comes_up_is_ended(place: Path) -> None:
    started = time.monotonic()
    assert try_start(dockerd(place, COMES_UP), {"data-root": str(place / "root/new")}) == ""
    assert time.monotonic() - started < 10
    assert list((place / "root").iterdir()) == []


def test_a_slow_one_is_no_objection(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_start, "SECONDS", 0.3)
    assert try_start(dockerd(place, "exec sleep 60"), {"data-root": str(place)}) == ""


BAD: dict[str, Any] = {"storage-opts": ["overlay2.nosuch=1"]}


def test_a_host_on_which_no_second_one_starts_is_no_reason(place: Path) -> None:
    here = {"data-root": str(place / "root")}
    only_bad = dockerd(place, f"grep -q nosuch $2 && {{ {FAILS}; }}; {COMES_UP}")
    assert objection(only_bad, here, {**here, **BAD}) == "failed to start daemon: no data"
    assert objection(only_bad, here, here) == ""
    always = dockerd(place, FAILS)
    assert objection(always, here, {**here, **BAD}) == "", "the trial itself fails"
