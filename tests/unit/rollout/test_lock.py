"""Test who gets a host's lock, and how a lock ends."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import subprocess
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.rollout.holder import Holder, this_run
from ansible.module_utils.tgi.rollout.lock import (
    LEASE,
    LockError,
    RunLock,
    free,
    hold,
    other_run,
    read_lock,
    renew,
)

#: 2026-11-29 10:03:00 UTC
NOW = 1795946580.0
ANNA = Holder("anna", "ctl1", "b00t", 4711, 100)
BEN = Holder("ben", "ctl2", "boot", 12, 200)
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tgi-ansible.lock"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [NOW]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def test_the_second_run_reads_who_is_at_it_and_what_to_do(path: Path, clock: list[float]) -> None:
    assert hold(ANNA, "site.yml", path=path) == (True, "")
    clock[0] += 120
    assert renew(ANNA, path)
    clock[0] += 60
    before = path.read_bytes()
    with pytest.raises(LockError) as refused:
        hold(BEN, path=path)
    assert str(refused.value) == (
        "anna@ctl1 has been changing this host since 10:03 UTC (site.yml, last sign 10:05, pid "
        "4711); wait until that run has ended; if it is dead, its lock ends at 10:20 UTC, or add "
        "-e rollout_take_over=true"
    )
    assert refused.value.lock == read_lock(path)
    assert path.read_bytes() == before
    assert not renew(BEN, path) and not free(BEN, path)
    assert path.read_bytes() == before


def test_a_lock_of_yesterday_has_a_date(path: Path, clock: list[float]) -> None:
    hold(ANNA, seconds=86400, path=path)
    clock[0] += 60000
    with pytest.raises(LockError, match="since 2026-11-29 10:03 UTC"):
        hold(BEN, path=path)


def test_a_run_holds_its_lock_again_and_gives_it_back(path: Path, clock: list[float]) -> None:
    hold(ANNA, path=path)
    clock[0] += 600
    assert hold(ANNA, "site.yml", path=path) == (False, "")
    found = read_lock(path)
    assert found == RunLock(ANNA, "site.yml", NOW, NOW + 600, NOW + 600 + LEASE)
    assert path.stat().st_mode & 0o777 == 0o600
    assert free(ANNA, path) and not path.exists()
    assert not free(ANNA, path) and not renew(ANNA, path) and not path.exists()


def test_a_lock_ends_without_a_sign(path: Path, clock: list[float]) -> None:
    hold(ANNA, path=path)
    clock[0] += LEASE - 1
    with pytest.raises(LockError):
        hold(BEN, path=path)
    clock[0] += 2
    taken, said = hold(BEN, path=path)
    assert taken and said == (
        "this run took the host's lock over from a run of anna@ctl1 (since 10:03 UTC, last sign "
        "10:03, pid 4711), which had not given it back"
    )
    # The run that lost it must stop, and does not take what is not its own any more
    assert not renew(ANNA, path) and not free(ANNA, path)
    with pytest.raises(LockError, match="ben@ctl2 has been changing"):
        hold(ANNA, path=path)


def test_a_long_task_holds_it_longer_until_the_next_sign(path: Path, clock: list[float]) -> None:
    hold(ANNA, seconds=7200, path=path)
    clock[0] += 3600
    assert renew(ANNA, path)
    found = read_lock(path)
    assert found and found.until == NOW + 7200
    clock[0] += 3500
    with pytest.raises(LockError):
        hold(BEN, path=path)
    hold(ANNA, path=path)
    found = read_lock(path)
    assert found and found.until == clock[0] + LEASE


def test_a_run_that_has_ended_or_is_overruled_loses_it_at_once(path: Path) -> None:
    hold(ANNA, path=path)
    with pytest.raises(LockError):
        hold(BEN, ended=Holder("anna", "ctl1", "b00t", 4711, 99), path=path)
    assert hold(BEN, ended=ANNA, path=path)[0]
    assert "from a run of ben@ctl2" in hold(ANNA, take_over=True, path=path)[1]


def test_check_mode_refuses_likewise_and_writes_nothing(path: Path) -> None:
    assert hold(ANNA, path=path, dry=True) == (True, "")
    assert not path.exists()
    hold(ANNA, path=path)
    before = path.read_bytes()
    with pytest.raises(LockError):
        hold(BEN, path=path, dry=True)
    assert free(ANNA, path, dry=True)
    assert path.read_bytes() == before


def test_a_reboot_of_the_host_ends_it(path: Path) -> None:
    hold(ANNA, path=path)
    path.unlink()
    assert hold(BEN, path=path) == (True, "")


@pytest.mark.parametrize("text", ["4711\n", "[]", "{}", '{"holder": 1}', "{" * 99, "\0"])
def test_a_file_that_is_not_ours_stays(path: Path, text: str) -> None:
    path.write_text(text)
    for act in (lambda: hold(ANNA, path=path, take_over=True), lambda: free(ANNA, path)):
        with pytest.raises(LockError, match="is no lock of this project; find out what wrote it"):
            act()
    assert path.read_text() == text


def test_an_empty_file_is_what_a_killed_run_leaves(path: Path) -> None:
    path.touch()
    assert read_lock(path) is None
    assert hold(ANNA, path=path) == (True, "")


def test_a_lock_of_a_later_version_is_read(path: Path) -> None:
    hold(ANNA, path=path)
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, "more": 1, "holder": {**raw["holder"], "tool": "awx"}}))
    found = read_lock(path)
    assert found and found.holder == ANNA


def test_what_the_controller_says_of_a_lock_that_it_is_shown() -> None:
    own = this_run(os.getpid())
    living = subprocess.Popen(["sleep", "60"])
    shown = asdict(RunLock(this_run(living.pid), "", NOW, NOW, NOW + LEASE))
    assert "has been changing this host since" in other_run(shown, own, NOW + 9)
    assert other_run(shown, own, NOW + LEASE) == ""
    living.kill()
    living.wait()
    assert other_run(shown, own, NOW + 9) == ""
    mine = asdict(RunLock(own, "", NOW, NOW, NOW + LEASE))
    assert other_run(mine, own, NOW + 9) == "" == other_run(None, own, NOW + 9)


def _take(path: Path, number: int, start: Any, answers: Any) -> None:
    start.wait()
    try:
        taken, _ = hold(Holder(f"user{number}", "ctl", "", number, 1), path=path)
        answers.put((number, taken))
    except LockError:
        answers.put((number, False))


@pytest.mark.parametrize("former", ["none", "expired", "empty"])
def test_of_many_takers_at_once_one_gets_it(path: Path, former: str) -> None:
    for _ in range(10):
        path.unlink(missing_ok=True)
        if former == "expired":
            long_ago = time.time() - 9999
            text = json.dumps(asdict(RunLock(ANNA, "", long_ago, long_ago, long_ago)))
            path.write_text(text)
        elif former == "empty":
            path.touch()
        start, answers = FORK.Barrier(8), FORK.Queue()
        takers = [
            FORK.Process(target=_take, args=(path, number, start, answers)) for number in range(8)
        ]
        for one in takers:
            one.start()
        found = [answers.get(timeout=30) for _ in takers]
        for one in takers:
            one.join(30)
        (winner,) = [number for number, taken in found if taken]
        lock = read_lock(path)
        assert lock and lock.holder.pid == winner


@pytest.mark.parametrize("former", [None, ANNA])
@pytest.mark.parametrize("step", ["open", "flock", "mkstemp", "fsync", "replace"])
def test_a_process_killed_at_any_step_leaves_the_old_lock_or_none(
    path: Path, former: Holder | None, step: str
) -> None:
    if former:
        hold(former, path=path)

    def die(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), 9)

    def killed() -> None:
        place: Any = {"flock": fcntl, "mkstemp": tempfile, "replace": Path}.get(step, os)
        setattr(place, step, die)
        hold(BEN, take_over=True, path=path)

    child = FORK.Process(target=killed)
    child.start()
    child.join(30)
    assert child.exitcode == -9
    left = read_lock(path)
    assert (left.holder if left else None) == former
    taken, _ = hold(BEN, take_over=True, path=path)
    found = read_lock(path)
    assert taken and found and found.holder == BEN
