"""Test draining a replica: flags, refusals and open connections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.gateway.drain import (
    DrainError,
    asked_for,
    flags_of,
    places,
    refuse_last_healthy,
    refuse_unserved,
    under_way,
)
from ansible.module_utils.tgi.readiness.probe import Probe

from tests.support.run_module import load, run


def backend(name: str, *replicas: str) -> dict[str, Any]:
    entries = [{"name": one, "address": f"10.0.0.{one[-1]}:8081"} for one in replicas]
    return {"name": name, "model_id": f"x/{name}", "aliases": [], "replicas": entries}


BACKENDS = [backend("a", "gpu1", "gpu2"), backend("b", "gpu2"), backend("c", "gpu1", "gpu2")]


def test_all_models_of_a_replica_or_some() -> None:
    assert flags_of(BACKENDS, "gpu1", [], True, ()) == {
        "a@gpu1": "10.0.0.1:8081",
        "c@gpu1": "10.0.0.1:8081",
    }
    assert list(flags_of(BACKENDS, "gpu2", ["c"], True, ())) == ["c@gpu2"]
    # Taking a replica back in is never refused
    assert len(flags_of(BACKENDS, "gpu2", [], False, ("a@gpu1", "a@gpu2"))) == 3


REFUSED: dict[str, tuple[str, list[str], tuple[str, ...], str]] = {
    "unknown replica": ("gpu9", [], (), 'is "gpu9", which serves no model here; write one of gpu1'),
    "unknown model": ("gpu1", ["b"], (), "names b, which gpu1 does not serve; write some of a, c"),
    "the only one": ("gpu2", [], (), "gpu2 is the last replica to serve b; write gateway_drain_"),
    "last of two": ("gpu1", ["a"], ("a@gpu2",), "gpu1 is the last replica to serve a; write"),
    "both": (
        "gpu1",
        [],
        ("a@gpu2", "c@gpu2"),
        "to serve a, c; take another replica into service first",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_line(case: str) -> None:
    replica, models, raised, words = REFUSED[case]
    with pytest.raises(DrainError, match="; ") as refused:
        flags_of(BACKENDS, replica, models, True, raised)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_of_many_replicas_two_may_be_out() -> None:
    many = [backend("a", *(f"gpu{number}" for number in range(5)))]
    assert flags_of(many, "gpu1", [], True, ("a@gpu2",))
    with pytest.raises(DrainError, match="third drained replica of a; take"):
        flags_of(many, "gpu1", [], True, ("a@gpu2", "a@gpu3"))


def faults(**said: str) -> dict[str, str]:
    """Return faults by flag; a keyword a_gpu1 is the flag a@gpu1."""
    return {name.replace("_", "@"): why for name, why in said.items()}


def test_the_engines_are_asked_that_get_requests() -> None:
    assert asked_for(BACKENDS, ["a@gpu1"], ()) == {
        "a@gpu1": "10.0.0.1:8081",
        "a@gpu2": "10.0.0.2:8081",
    }
    assert list(asked_for(BACKENDS, ["c@gpu1"], ("c@gpu1", "c@gpu2"))) == ["c@gpu1"]


def test_the_last_healthy_replica_is_not_drained() -> None:
    loading = faults(a_gpu1="", a_gpu2="refused", c_gpu1="", c_gpu2="")
    with pytest.raises(DrainError) as refused:
        refuse_last_healthy("gpu1", ["a@gpu1", "c@gpu1"], loading)
    assert str(refused.value) == (
        "gpu1 is the last replica that serves a (a@gpu2: refused); wait until another one serves, "
        "or repair it"
    )
    # One that does not serve itself may go, and so may one of two
    refuse_last_healthy("gpu1", ["a@gpu1"], faults(a_gpu1="refused", a_gpu2="refused"))
    refuse_last_healthy("gpu1", ["a@gpu1"], faults(a_gpu1="", a_gpu2="", a_gpu3="refused"))


def test_only_what_serves_gets_requests_again() -> None:
    with pytest.raises(DrainError) as refused:
        refuse_unserved("gpu1", ["a@gpu1", "c@gpu1"], faults(a_gpu1="refused", c_gpu1=""))
    assert str(refused.value) == (
        "gpu1 does not serve a (refused); write gateway_drain_models: [c], or wait until it has "
        "loaded, or run site.yml --tags tgi for that host"
    )
    refuse_unserved("gpu1", ["c@gpu1"], faults(a_gpu2="refused", c_gpu1=""))


@pytest.mark.parametrize(
    ("probe", "drains", "serves"),
    [
        (Probe(True, True, "", True), True, True),
        (Probe(False, True, "POST /generate answered 429: overloaded", True), True, False),
        (Probe(False, True, "no answer", True, late=True), True, False),
        (Probe(False, False, "refused"), False, False),
    ],
)
def test_a_busy_engine_serves_but_may_not_come_back(
    monkeypatch: pytest.MonkeyPatch, probe: Probe, drains: bool, serves: bool
) -> None:
    drain = load("tgi_drain")
    monkeypatch.setattr(drain, "probe_all", lambda asked: dict.fromkeys(asked, probe))
    found = [
        drain.ask_engines({"a@gpu1": "10.0.0.1:8081"}, busy)["a@gpu1"] for busy in (True, False)
    ]
    assert [said == "" for said in found] == [drains, serves]


HEADER = "  sl  local_address rem_address   st tx rx tr tm retrnsmt uid timeout inode\n"


def row(remote: str, state: str, inode: int) -> str:
    rest = f"00000000:00000000 00:00000000 00000000 33 0 {inode} 1"
    return f"   0: 0100007F:9C40 {remote} {state} {rest}\n"


def fake_proc(tmp_path: Path) -> Path:
    proc = tmp_path / "proc"
    (proc / "net").mkdir(parents=True)
    one = "0500000A:1F91"
    (proc / "net" / "tcp").write_text(
        HEADER
        + row(one, "01", 1)
        + row(one, "02", 2)
        + row(one, "06", 3)  # closed already
        + row("0500000A:1F92", "01", 4)  # another model
        + row(one, "01", 5)  # another program's
    )
    (proc / "net" / "tcp6").write_text(
        HEADER + row("000000FD000000000000000005000000:1F91", "01", 6)
    )
    for pid, (command, inodes) in {7: ("nginx", (1, 2, 3, 4, 6)), 8: ("python3", (5,))}.items():
        (proc / str(pid) / "fd").mkdir(parents=True)
        (proc / str(pid) / "comm").write_text(f"{command}\n")
        for inode in inodes:
            (proc / str(pid) / "fd" / str(inode)).symlink_to(f"socket:[{inode}]")
    return proc


def test_only_nginx_and_its_open_connections_count(tmp_path: Path) -> None:
    proc = fake_proc(tmp_path)
    assert under_way(proc, places(["10.0.0.5:8081"])) == 2
    assert under_way(proc, places(["[fd00::5]:8081"])) == 1
    assert under_way(proc, places(["10.0.0.5:8081", "10.0.0.5:8082"])) == 3
    assert under_way(proc, places(["10.0.0.6:8081"])) == 0


@pytest.fixture
def gateway(tmp_path: Path) -> dict[str, Any]:
    release = tmp_path / "release"
    release.mkdir()
    (release / "backends.json").write_text(json.dumps(BACKENDS))
    (release / "nginx.conf").touch()
    (tmp_path / "nginx.conf").symlink_to(release / "nginx.conf")
    return {"main": str(tmp_path / "nginx.conf"), "directory": str(tmp_path / "drain")}


def test_flags_come_and_go(
    gateway: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drain, directory = load("tgi_drain"), tmp_path / "drain"
    asked = {"replica": "gpu1", "by": "anna", **gateway}
    seen: dict[str, Probe] = {}
    monkeypatch.setattr(
        drain,
        "probe_all",
        lambda wanted: {flag: seen.get(flag, Probe(True, True, "", True)) for flag in wanted},
    )
    seen["a@gpu2"] = Probe(False, False, "refused")
    assert "last replica that serves a (a@gpu2: refused)" in run(drain, capsys, **asked)["msg"]
    assert not directory.exists()
    seen.clear()
    assert run(drain, capsys, check=True, **asked)["changed"] is True
    assert not directory.exists()
    assert run(drain, capsys, **asked)["flags"] == ["a@gpu1", "c@gpu1"]
    assert run(drain, capsys, **asked)["changed"] is False
    assert (directory / "a@gpu1").read_text() == "anna\n"
    assert (directory / "a@gpu1").stat().st_mode & 0o777 == 0o644
    assert "last replica" in run(drain, capsys, **{**asked, "replica": "gpu2"})["msg"]
    seen["a@gpu1"] = Probe(False, False, "refused")
    refused = run(drain, capsys, state="serving", models=["a"], **asked)
    assert refused["msg"].startswith("gpu1 does not serve a (refused); wait until")
    seen.clear()
    back = run(drain, capsys, state="serving", models=["a"], **asked)
    assert (back["changed"], [path.name for path in directory.iterdir()]) == (True, ["c@gpu1"])


def test_idle_says_how_many_are_left(
    gateway: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drain, proc = load("tgi_drain"), fake_proc(tmp_path)
    monkeypatch.setattr(drain, "under_way", lambda _, wanted: under_way(proc, wanted))
    assert run(drain, capsys, replica="gpu1", state="idle", **gateway)["left"] == 0
    (tmp_path / "release" / "backends.json").write_text(json.dumps([backend("a", "gpu4", "gpu5")]))
    busy = run(drain, capsys, replica="gpu5", state="idle", **gateway)
    assert (busy["failed"], busy["left"]) == (True, 2)
    assert busy["msg"].startswith(
        "gpu5: 2 connections are still open to it, and it gets no new ones; raise"
    )


def test_without_a_gateway(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    main = str(tmp_path / "nginx.conf")
    answer = run(load("tgi_drain"), capsys, replica="gpu1", main=main, directory=str(tmp_path))
    assert "run site.yml first" in answer["msg"]
