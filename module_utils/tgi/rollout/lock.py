"""Let one run at a time change a host: take, renew and give back the lock that lies there."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from ..common.files import read, write
from ..common.places import RUN_LOCK
from ..common.problem import problem
from .holder import Holder, has_ended

#: Seconds after its last sign for which a lock holds
LEASE = 900


class LockError(Exception):
    """Refuse to change a host; ``lock`` is that of another run, None for a file that is not ours.

    The message is one line that ends with the remedy.
    """

    def __init__(self, message: str, lock: RunLock | None = None) -> None:
        super().__init__(message)
        self.lock = lock


@dataclass(frozen=True)
class RunLock:
    """A lock as it lies on a host; times in seconds since 1970, by the host's clock."""

    holder: Holder
    #: What the run does, such as "site.yml"
    what: str
    since: float
    #: The last sign of the holder, and when the lock ends unless another one follows
    sign: float
    until: float

    @classmethod
    def load(cls, raw: Mapping[str, Any]) -> RunLock:
        """Return the lock of a mapping that :func:`dataclasses.asdict` made, here or elsewhere."""
        # Another version of this project may write more
        holder = Holder(**{one.name: raw["holder"][one.name] for one in fields(Holder)})
        times = (float(raw[name]) for name in ("since", "sign", "until"))
        return cls(holder, str(raw["what"]), *times)

    def refusal(self, now: float) -> str:
        """Return why another run may not change the host, and the remedy."""
        what = f"{self.what}, " if self.what else ""
        signs = f"{what}last sign {_clock(self.sign, now)}, pid {self.holder.pid}"
        return problem(
            self.holder.by,
            f"has been changing this host since {_clock(self.since, now)} UTC ({signs})",
            f"wait until that run has ended; if it is dead, its lock ends at "
            f"{_clock(self.until, now)} UTC, or add -e rollout_take_over=true",
        )


def read_lock(path: Path = Path(RUN_LOCK)) -> RunLock | None:
    """Return the lock of a host, None if there is none. Raises LockError for a foreign file."""
    text = read(path)
    try:
        return RunLock.load(json.loads(text)) if text.strip() else None
    except (AttributeError, KeyError, TypeError, ValueError):
        remedy = "find out what wrote it, then remove it"
        raise LockError(problem(str(path), "is no lock of this project", remedy)) from None


def in_the_way(lock: RunLock | None, run: Holder, now: float) -> bool:
    """Return whether another run than ``run`` holds a lock that has not ended."""
    return lock is not None and lock.holder != run and lock.until > now


def other_run(found: Mapping[str, Any] | None, run: Holder, now: float) -> str:
    """Return on the controller why the lock ``found`` on a host keeps ``run`` from it, or "".

    ``found`` is a lock as a mapping, ``now`` the host's clock.
    """
    lock = RunLock.load(found) if found else None
    if lock is None or not in_the_way(lock, run, now) or has_ended(lock.holder, run):
        return ""
    return lock.refusal(now)


def hold(
    run: Holder,
    what: str = "",
    seconds: float = 0,
    ended: Holder | None = None,
    take_over: bool = False,
    path: Path = Path(RUN_LOCK),
    dry: bool = False,
) -> tuple[bool, str]:
    """Take the lock, or renew it if ``run`` holds it: for LEASE, or ``seconds`` if that is more.

    Return whether it was taken, and a sentence if that was another run's: one whose lock has ended,
    the run ``ended``, or any with ``take_over``. Raises LockError, and then changes nothing.
    """
    with _alone(path, dry):
        now, lock = time.time(), read_lock(path)
        own = lock is not None and lock.holder == run
        if lock and in_the_way(lock, run, now) and lock.holder != ended and not take_over:
            raise LockError(lock.refusal(now), lock)
        since, said = (lock.since, lock.what) if lock and own else (now, "")
        if not dry:
            _write(path, RunLock(run, what or said, since, now, now + max(seconds, LEASE)))
    return not own, _taken_over(lock, now) if lock and not own else ""


def renew(run: Holder, path: Path = Path(RUN_LOCK)) -> bool:
    """Give a sign that ``run`` is alive; return False, and change nothing, if it has no lock."""
    if not path.exists():
        return False
    with _alone(path):
        now, lock = time.time(), read_lock(path)
        if lock is None or lock.holder != run:
            return False
        _write(path, replace(lock, sign=now, until=max(lock.until, now + LEASE)))
    return True


def free(run: Holder, path: Path = Path(RUN_LOCK), dry: bool = False) -> bool:
    """Give the lock of ``run`` back; return False, and change nothing, if it has none."""
    if not path.exists():
        return False
    with _alone(path, dry):
        lock = read_lock(path)
        own = lock is not None and lock.holder == run
        if own and not dry:
            path.unlink()
    return own


@contextmanager
def _alone(path: Path, dry: bool = False) -> Iterator[None]:
    """Keep other processes of this host from the lock meanwhile; the kernel ends this with ours.

    Makes an empty file where there is none.
    """
    while not dry:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_at(descriptor, path):
                yield
                return
        finally:
            os.close(descriptor)
    yield


def _is_at(descriptor: int, path: Path) -> bool:
    """Return whether the file that we opened is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _write(path: Path, lock: RunLock) -> None:
    write(path, f"{json.dumps(asdict(lock))}\n".encode(), 0o600)


def _taken_over(lock: RunLock, now: float) -> str:
    since, sign = _clock(lock.since, now), _clock(lock.sign, now)
    former = f"{lock.holder.by} (since {since} UTC, last sign {sign}, pid {lock.holder.pid})"
    return f"this run took the host's lock over from a run of {former}, which had not given it back"


def _clock(at: float, now: float) -> str:
    """Return ``10:03``, with the date unless it is that of ``now``; in UTC."""
    moment, today = time.gmtime(at), time.gmtime(now)
    return time.strftime("%H:%M" if moment[:3] == today[:3] else "%Y-%m-%d %H:%M", moment)
