"""Test draining a replica: flags, refusals and open connections."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.tgi.gateway.drain import (
    DrainError,
    asked_for,
    due_flags,
    flags_of,
    only_silent,
    places,
    refuse_last,
    refuse_last_healthy,
    refuse_unserved,
    under_way,
)
from ansible.module_utils.tgi.gateway.drained import Drained

ADDRESSES = {
    "a@gpu1": ["10.0.0.1:8081"],
    "a@gpu2": ["10.0.0.2:8081"],
    "b@gpu2": ["10.0.0.2:8081"],
    "c@gpu1": ["10.0.0.1:8081"],
    "c@gpu2": ["10.0.0.2:8081"],
}


def test_all_models_of_a_replica_or_some() -> None:
    assert flags_of(ADDRESSES, "gpu1", []) == ["a@gpu1", "c@gpu1"]
    assert flags_of(ADDRESSES, "gpu2", ["c"]) == ["c@gpu2"]


UNKNOWN = {
    "unknown replica": ("gpu9", [], 'is "gpu9", which serves no model here; write one of gpu1'),
    "unknown model": ("gpu1", ["b"], "names b, which gpu1 does not serve; write some of a, c"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_is_unknown_is_refused_or_nothing_to_do(case: str) -> None:
    replica, models, words = UNKNOWN[case]
    with pytest.raises(DrainError) as refused:
        flags_of(ADDRESSES, replica, models)
    assert words in str(refused.value)
    assert flags_of(ADDRESSES, replica, models, strict=False) == []
    assert flags_of([], replica, models, strict=False) == []
    assert flags_of(ADDRESSES, "gpu1", ["a", "b"], strict=False) == ["a@gpu1"]


REFUSED: dict[str, tuple[str, list[str], tuple[str, ...], str]] = {
    "the only one": (
        "gpu2",
        ["a@gpu2", "b@gpu2", "c@gpu2"],
        (),
        "gpu2 is the last replica to serve b; write gateway_drain_models: [a, c], or take another",
    ),
    "last of two": ("gpu1", ["a@gpu1"], ("a@gpu2",), "gpu1 is the last replica to serve a; write"),
    "both": (
        "gpu1",
        ["a@gpu1", "c@gpu1"],
        ("a@gpu2", "c@gpu2"),
        "to serve a, c; take another replica into service first",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_last_replica_is_refused_in_one_line(case: str) -> None:
    replica, due, raised, words = REFUSED[case]
    with pytest.raises(DrainError, match="; ") as refused:
        refuse_last(ADDRESSES, replica, due, raised)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


RAISED = {
    "a@gpu1": Drained("a", "gpu1", 0.0, "anna"),
    "b@gpu1": Drained("b", "gpu1", 0.0, "anna@ctl1", True),
}


@pytest.mark.parametrize(
    ("drained", "run", "due", "stayed"),
    [
        # A person's flag is not a roll-out's to make or remove
        (True, True, ["c@gpu1"], ["a@gpu1"]),
        (False, True, ["b@gpu1"], ["a@gpu1"]),
        # A person takes over a roll-out's flag, and may remove both
        (True, False, ["b@gpu1", "c@gpu1"], []),
        (False, False, ["a@gpu1", "b@gpu1"], []),
    ],
)
def test_flags_of_roll_outs_and_of_persons_are_kept_apart(
    drained: bool, run: bool, due: list[str], stayed: list[str]
) -> None:
    assert due_flags(["c@gpu1", "a@gpu1", "b@gpu1"], RAISED, drained, run) == (due, stayed)


def faults(**said: str) -> dict[str, str]:
    """Return faults by flag; a keyword a_gpu1 is the flag a@gpu1."""
    return {name.replace("_", "@"): why for name, why in said.items()}


def test_the_engines_are_asked_that_get_requests() -> None:
    assert asked_for(ADDRESSES, ["a@gpu1"], (), True) == {
        "a@gpu1": ["10.0.0.1:8081"],
        "a@gpu2": ["10.0.0.2:8081"],
    }
    assert list(asked_for(ADDRESSES, ["c@gpu1"], ("c@gpu1", "c@gpu2"), True)) == ["c@gpu1"]
    # To come back, a replica needs no other; one that is not published has no address
    assert list(asked_for(ADDRESSES, ["c@gpu1", "d@gpu1"], ("c@gpu1",), False)) == ["c@gpu1"]


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


def test_what_is_silent_leaves_service_where_another_replica_serves() -> None:
    raised = {"c@gpu1": Drained("c", "gpu1", 0, "anna")}
    due = ["a@gpu2", "b@gpu2", "c@gpu2"]
    silent = {"a@gpu1": "", "a@gpu2": "off", "b@gpu2": "off", "c@gpu2": "off"}
    assert only_silent(ADDRESSES, "gpu2", due, raised, silent) == ["a@gpu2"]
    # The host's SSH is broken, and its models serve
    assert only_silent(ADDRESSES, "gpu2", due, raised, dict.fromkeys(silent, "")) == []
    assert only_silent(ADDRESSES, "gpu2", due, raised, dict.fromkeys(silent, "off")) == []
    many = {f"a@gpu{number}": f"10.0.0.{number}:80" for number in range(1, 7)}
    out = {one: Drained("a", one[2:], 0, "anna") for one in ("a@gpu1", "a@gpu2")}
    asked = {"a@gpu3": "off", "a@gpu4": "", "a@gpu5": "", "a@gpu6": ""}
    assert only_silent(many, "gpu3", ["a@gpu3"], out, asked) == ["a@gpu3"]


def test_only_what_serves_gets_requests_again() -> None:
    with pytest.raises(DrainError) as refused:
        refuse_unserved("gpu1", ["a@gpu1", "c@gpu1"], faults(a_gpu1="refused", c_gpu1=""))
    assert str(refused.value) == (
        "gpu1 does not serve a (refused); write gateway_drain_models: [c], or wait until it has "
        "loaded, or run site.yml --tags tgi for that host"
    )
    refuse_unserved("gpu1", ["c@gpu1"], faults(a_gpu2="refused", c_gpu1=""))


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
