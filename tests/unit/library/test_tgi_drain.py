"""Test that flags come and go, who may remove them, and when connections are idle."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.tgi.readiness.probe import Probe

from tests.support.run_module import load, run

GOOD, GONE = Probe(True, True, "", True), Probe(False, False, "refused")


def backend(name: str, *replicas: str) -> dict[str, Any]:
    entries = [{"name": one, "address": f"10.0.0.{one[-1]}:8081"} for one in replicas]
    return {"name": name, "model_id": f"x/{name}", "aliases": [], "replicas": entries}


class Gateway:
    """A gateway of two hosts: gpu1 serves a and c, gpu2 serves a, b and c."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.module: ModuleType = load("tgi_drain")
        self.capsys, self.flags, self.release = capsys, root / "drain", root / "release"
        self.main = root / "nginx.conf"
        #: What the engines answer, and which of them were asked
        self.seen: dict[str, Probe] = {}
        self.asked: list[str] = []
        self.release.mkdir()
        self.publish(
            backend("a", "gpu1", "gpu2"), backend("b", "gpu2"), backend("c", "gpu1", "gpu2")
        )
        (self.release / "nginx.conf").touch()
        self.main.symlink_to(self.release / "nginx.conf")

    def publish(self, *backends: dict[str, Any]) -> None:
        (self.release / "backends.json").write_text(json.dumps(backends))

    def probe(self, wanted: dict[str, Any]) -> dict[str, Probe]:
        self.asked = [key.split()[0] for key in wanted]
        # Of one that moves, each address may answer otherwise
        return {
            key: self.seen.get(key, self.seen.get(flag, GOOD))
            for key, flag in zip(wanted, self.asked, strict=True)
        }

    def drain(self, replica: str = "gpu1", **options: Any) -> dict[str, Any]:
        self.asked = []
        places = {"main": str(self.main), "directory": str(self.flags)}
        return run(self.module, self.capsys, replica=replica, **{**places, **options})

    def raised(self) -> list[str]:
        return sorted(path.name for path in self.flags.glob("*"))


@pytest.fixture
def gateway(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Gateway:
    found = Gateway(tmp_path, capsys)
    monkeypatch.setattr(found.module, "probe_all", found.probe)
    monkeypatch.setattr(found.module, "_AGAIN", 0.0)
    return found


RUN: dict[str, Any] = {"run": True, "by": "anna@ctl1", "why": "replacing a (image)"}


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
        drain.ask_engines({"a@gpu1": ["10.0.0.1:8081"]}, busy)["a@gpu1"] for busy in (True, False)
    ]
    assert [said == "" for said in found] == [drains, serves]


def test_a_replica_that_moves_serves_at_either_address(gateway: Gateway) -> None:
    moving = backend("a", "gpu1", "gpu1", "gpu2")
    moving["replicas"][0]["address"] = "10.0.0.9:9000"
    gateway.publish(moving)
    before = moving["replicas"][1]["address"]
    gateway.seen = {f"a@gpu1 {before}": GONE}
    assert gateway.drain("gpu2", **RUN)["flags"] == ["a@gpu2"]
    assert gateway.asked == ["a@gpu1", "a@gpu1", "a@gpu2"]
    gateway.seen["a@gpu1 10.0.0.9:9000"] = GONE
    gateway.drain("gpu2", state="serving")
    assert "last replica that serves a (a@gpu1: refused)" in gateway.drain("gpu2", **RUN)["msg"]


def test_flags_come_and_go(gateway: Gateway) -> None:
    gateway.seen["a@gpu2"] = GONE
    refused = gateway.drain(by="anna")
    assert "last replica that serves a (a@gpu2: refused)" in refused["msg"]
    assert not gateway.flags.exists()
    gateway.seen.clear()
    assert gateway.drain(check=True)["changed"] is True
    assert not gateway.flags.exists()
    assert gateway.drain(by="anna", why="new disk")["flags"] == ["a@gpu1", "c@gpu1"]
    assert gateway.drain(by="anna")["changed"] is False
    flag = gateway.flags / "a@gpu1"
    assert json.loads(flag.read_text()) == {"by": "anna", "run": False, "why": "new disk"}
    assert flag.stat().st_mode & 0o777 == 0o644
    assert "last replica" in gateway.drain("gpu2")["msg"]
    gateway.seen["a@gpu1"] = GONE
    refused = gateway.drain(state="serving", models=["a"])
    assert refused["msg"].startswith("gpu1 does not serve a (refused); wait until")
    gateway.seen.clear()
    assert gateway.drain(state="serving", models=["a"])["changed"] is True
    assert gateway.raised() == ["c@gpu1"]


def test_a_roll_out_leaves_a_persons_drain_and_takes_its_own_back(gateway: Gateway) -> None:
    gateway.drain(models=["a"], by="anna")
    before = (gateway.flags / "a@gpu1").read_text()
    made = gateway.drain(**RUN)
    assert (made["flags"], made["stayed"]) == (["c@gpu1"], ["a@gpu1"])
    assert gateway.drain(**RUN)["changed"] is False
    back = gateway.drain(state="serving", **RUN)
    assert (back["flags"], back["stayed"]) == (["c@gpu1"], ["a@gpu1"])
    assert (gateway.flags / "a@gpu1").read_text() == before
    assert gateway.drain(state="serving")["flags"] == ["a@gpu1"]
    assert gateway.raised() == []


def test_a_flag_of_an_older_version_is_a_persons(gateway: Gateway) -> None:
    gateway.flags.mkdir()
    (gateway.flags / "a@gpu1").write_text("anna\n")
    assert gateway.drain(state="serving", **RUN)["stayed"] == ["a@gpu1"]
    assert gateway.raised() == ["a@gpu1"]


def test_a_person_takes_over_the_flag_of_a_roll_out(gateway: Gateway) -> None:
    gateway.drain(models=["a"], **RUN)
    assert gateway.drain(models=["a"], by="bob")["changed"] is True
    assert gateway.drain(state="serving", **RUN)["stayed"] == ["a@gpu1"]


def test_the_last_replica_goes_only_where_that_is_allowed(gateway: Gateway) -> None:
    assert "gpu2 is the last replica to serve b" in gateway.drain("gpu2", **RUN)["msg"]
    gateway.seen = {"b@gpu2": GONE, "a@gpu1": GONE}
    out = gateway.drain("gpu2", last="allow", **RUN)
    assert out["flags"] == ["a@gpu2", "b@gpu2", "c@gpu2"]
    # Whatever the engines would say, they go
    assert gateway.asked == []


def test_engines_are_asked_unless_the_caller_has_asked_them(gateway: Gateway) -> None:
    gateway.seen = {"a@gpu2": GONE, "a@gpu1": GOOD}
    assert gateway.drain(models=["a"])["failed"] and gateway.asked == ["a@gpu1", "a@gpu2"]
    assert gateway.drain(models=["a"], ask=False)["changed"] and gateway.asked == []
    gateway.seen = {"a@gpu1": GONE}
    assert gateway.drain(models=["a"], state="serving")["failed"] and gateway.asked == ["a@gpu1"]
    assert gateway.drain(models=["a"], state="serving", ask=False)["changed"]


@pytest.mark.parametrize("state", ["drained", "serving", "idle"])
def test_what_is_not_published_is_nothing_to_do(gateway: Gateway, state: str) -> None:
    unknown: list[dict[str, Any]] = [{"replica": "gpu9"}, {"models": ["b"]}]
    for asked in unknown:
        assert gateway.drain(state=state, **asked)["failed"]
        assert gateway.drain(state=state, unpublished="ignore", **asked)["changed"] is False
    gateway.main.unlink()
    assert "run site.yml first" in gateway.drain(state=state)["msg"]
    assert gateway.drain(state=state, unpublished="ignore")["changed"] is False
    assert gateway.raised() == []


@pytest.mark.parametrize("unpublished", ["refuse", "ignore"])
def test_a_flag_is_removed_also_when_its_replica_is_not_published_any_more(
    gateway: Gateway, unpublished: str
) -> None:
    gateway.drain(models=["a"], **RUN)
    gateway.publish(backend("a", "gpu2"))
    back = gateway.drain(state="serving", unpublished=unpublished, **RUN)
    assert (back["flags"], gateway.asked) == (["a@gpu1"], [])
    assert gateway.raised() == []


def test_idle_says_how_many_are_left(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = ("10.0.0.5", 8081)
    monkeypatch.setattr(gateway.module, "under_way", lambda _, wanted: 2 * (busy in wanted))
    assert gateway.drain(state="idle")["left"] == 0
    gateway.publish(backend("a", "gpu4", "gpu5"))
    left = gateway.drain("gpu5", state="idle")
    assert (left["failed"], left["left"]) == (True, 2)
    assert left["msg"].startswith(
        "gpu5: 2 connections are still open to it, and it gets no new ones; raise"
    )


def test_a_replica_that_moved_is_idle_at_the_address_that_it_had(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Published at its new port, it has open connections there, and they are in order."""
    new, old = ("10.0.0.1", 8081), ("10.0.0.1", 8090)
    count = {new: 3, old: 0}
    monkeypatch.setattr(
        gateway.module, "under_way", lambda _, wanted: sum(count[one] for one in wanted)
    )
    assert gateway.drain(state="idle", models=["a"])["left"] == 3
    before: dict[str, Any] = {"state": "idle", "addresses": ["10.0.0.1:8090"]}
    assert gateway.drain(models=["a"], **before)["left"] == 0
    count[old] = 1
    assert gateway.drain(models=["a"], **before)["left"] == 1
    # Also when this gateway never heard of it
    assert gateway.drain("gpu9", **before)["left"] == 1


def test_a_host_that_is_off_leaves_service_where_another_serves(gateway: Gateway) -> None:
    off = {**RUN, "last": "skip", "unpublished": "ignore", "why": "gpu2 could not be reached"}
    assert gateway.drain("gpu2", **off)["flags"] == []
    gateway.seen = dict.fromkeys(["a@gpu2", "b@gpu2", "c@gpu2", "c@gpu1"], GONE)
    found = gateway.drain("gpu2", **off)
    assert (found["changed"], found["flags"]) == (True, ["a@gpu2"])
    assert json.loads((gateway.flags / "a@gpu2").read_text())["why"] == off["why"]
    # The next run, while it is still off
    assert not gateway.drain("gpu2", **off)["changed"]
    assert gateway.raised() == ["a@gpu2"]
    # A replica with another name, of gateway_backends in the inventory
    assert not gateway.drain("gpu9", **off)["changed"]
