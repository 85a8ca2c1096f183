"""Switch a GPU host off in the middle of a roll-out, and on again before the next run.

``TGI_ROLLOUTS=1`` runs it, which takes two runs of upgrade.yml.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.support.live.hosts import container_of, requests_of, until
from tests.support.live.roll_outs import (
    MARK,
    environment,
    flags,
    load,
    marked,
    marks,
    roll_out,
    running,
)

pytestmark = pytest.mark.skipif(
    os.environ.get("TGI_ROLLOUTS") != "1", reason="TGI_ROLLOUTS=1 tries it"
)
Hosts = Callable[[str], Any]
NAMES = ("gpu1", "gpu2")


def docker(word: str, container: str) -> None:
    subprocess.run(["docker", word, container], check=True, capture_output=True, timeout=90)


def serves(at: Hosts, name: str) -> bool:
    """Return whether the host's engine answers, which its boot starts."""
    try:
        return requests_of(at(name)) >= 0
    except AssertionError:
        return False


@pytest.fixture(autouse=True)
def power(inventory: str, at: Hosts) -> Iterator[Callable[[], None]]:
    """Return what switches all hosts on, and waits for their engines."""

    def on() -> None:
        for name in NAMES:
            docker("start", container_of(inventory, name))
        for name in NAMES:
            until(300, partial(serves, at, name))

    yield on
    on()


def lose_gpu1(inventory: str, change: dict[str, Any]) -> tuple[int, str]:
    """Switch gpu1, whose turn is first, off while it starts anew; return how the run ends."""
    said: list[str] = []
    with running(inventory, **change) as run:
        drained = False
        for line in run.stdout or []:
            said.append(line)
            drained |= "Drain | Send nothing new" in line
            if drained and line.startswith("TASK") and "Wait until every model has gen" in line:
                docker("kill", container_of(inventory, "gpu1"))
                break
        said += run.stdout or []
    return run.returncode, "".join(said)


def test_the_run_stops_and_the_next_one_goes_on(
    inventory: str, at: Hosts, power: Callable[[], None]
) -> None:
    value = f"{time.time():.0f}"
    before, change = marks(at, "gpu2"), environment(**{MARK: value})
    with load(inventory) as seen:
        ended, said = lose_gpu1(inventory, change)
        asked = len(seen.seen)
        until(60, lambda: len(seen.seen) > asked + 100)
    # Ansible names it last
    assert ended != 0
    recap = said.rpartition("PLAY RECAP")[2].split()
    assert recap[recap.index("gpu1") :][4] == "unreachable=1", said[-3000:]
    # What is left serves, and is not touched; both gateways send nothing to the lost one
    assert not seen.bad()
    assert marks(at, "gpu2") == before
    assert flags(at) == "scribe@gpu1" * 2
    power()
    with load(inventory) as seen:
        done = roll_out(inventory, **change)
    assert done.returncode == 0, done.stdout
    assert not seen.bad()
    assert flags(at) == ""
    assert marks(at) == marked(value)
