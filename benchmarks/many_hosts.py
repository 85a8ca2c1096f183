"""A run of some roles that changes nothing, on one disposable host and on many at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from benchmarks.events import Run, middle
from benchmarks.progress import say

ROOT = Path(__file__).resolve().parents[1]
STATE = ROOT / ".molecule" / "many"
INVENTORY = ROOT / ".molecule" / "many-inventory"
# Not in the inventory, which would read them too
PLAYBOOKS = ROOT / ".molecule" / "many-playbooks"
FIRST_PORT = 2281
#: What a run may cost: seconds on one host, and how many times that on all of them
MOST_SECONDS, MOST_TIMES = 8.0, 2.5
PLAY = """
- hosts: gpu_hosts
  become: true
  roles: {roles}
"""
PINGS = """
- hosts: gpu_hosts
  gather_facts: false
  become: true
  tasks: [{tasks}]
"""
PING, PING_COUNT = "{ansible.builtin.ping: {}}", 10
#: Run a playbook of an inventory, with arguments, for so many seconds at most
Play = Callable[..., Run]


class Failed(Exception):
    """The benchmark cannot go on; why was printed."""


def inventory(count: int) -> dict[str, Any]:
    """So many hosts like the sandbox's, with two simulated GPUs each."""
    hosts = {f"gpu{place + 1}": {"ansible_port": FIRST_PORT + place} for place in range(count)}
    common = {
        "hosts_name": "bench-many",
        "hosts_state_dir": str(STATE),
        "hosts_suite": "trixie",
        "hosts_gpus": "l4x2",
    }
    groups = {
        "gpu_hosts": {"hosts": dict.fromkeys(hosts)},
        "disposable": {"vars": common, "hosts": hosts},
    }
    return {"all": {"children": groups}}


@contextmanager
def hosts(count: int, roles: Sequence[str], play: Play, keep: bool) -> Iterator[Path]:
    """Start and deploy the hosts; yield the playbook that must change nothing."""
    INVENTORY.mkdir(parents=True, exist_ok=True)
    (INVENTORY / "hosts.yml").write_text(yaml.safe_dump(inventory(count)), encoding="utf-8")
    link = INVENTORY / "group_vars"
    if not link.is_symlink():
        link.symlink_to(ROOT / "inventories" / "sandbox" / "group_vars")
    PLAYBOOKS.mkdir(exist_ok=True)
    playbook = PLAYBOOKS / "play.yml"
    playbook.write_text(PLAY.format(roles=f"[{', '.join(roles)}]"), encoding="utf-8")
    try:
        say(f"bringing up {count} hosts")
        _must(play(str(INVENTORY), ROOT / "tests/sandbox/create.yml", 1800))
        say(f"deploying {', '.join(roles)} to them")
        _must(play(str(INVENTORY), playbook, 1800))
        yield playbook
    finally:
        if not keep:
            say("taking them away")
            play(str(INVENTORY), ROOT / "tests/sandbox/destroy.yml", 600)
            shutil.rmtree(INVENTORY)
            shutil.rmtree(PLAYBOOKS)


def measure(playbook: Path, count: int, runs: int, play: Play) -> dict[str, list[Run]]:
    """Runs of "one" and of "all", and pings of both, in turn. Raises Failed."""
    pings = playbook.with_name("pings.yml")
    pings.write_text(PINGS.format(tasks=", ".join([PING] * PING_COUNT)), encoding="utf-8")
    one, all_of_them = ["--limit", "gpu1"], ["--forks", str(max(count, 25))]
    kinds = {"one": one, "all": all_of_them}
    found: dict[str, list[Run]] = {}
    # Leave out the cost of the very first connection
    _must(play(str(INVENTORY), pings, 300))
    for number in range(runs):
        for kind, arguments in kinds.items():
            for name, book in (("pings", pings), ("run", playbook)):
                run = _must(play(str(INVENTORY), book, 600, *arguments))
                found.setdefault(f"{kind} {name}", []).append(run)
            say(f"run {number + 1} of {runs}, {kind}: {found[f'{kind} run'][-1].seconds:.1f} s")
    return found


def _must(run: Run) -> Run:
    if run.failed:
        raise Failed
    return run


def report(found: dict[str, list[Run]], count: int, roles: Sequence[str]) -> tuple[str, list[str]]:
    """The figures as text, and what is wrong with them."""
    one, every = middle(found["one run"]), middle(found["all run"])
    times = every.seconds / one.seconds
    lines = [f"{', '.join(roles)} with nothing to change"]
    for label, run, kind in (("1 host ", one, "one"), (f"{count} hosts", every, "all")):
        each = ", ".join(f"{other.seconds:.1f}" for other in found[f"{kind} run"])
        ping = middle(found[f"{kind} pings"]).seconds
        lines.append(
            f"  {run.seconds:6.1f} s   {label}: {run.executed} tasks run, {run.skipped} skipped, "
            f"changed {max(other.changed for other in found[f'{kind} run'])} "
            f"({each} s); {PING_COUNT} pings {ping:.1f} s; the controller's CPU {run.cpu:.1f} s"
        )
    lines.append(f"  {times:6.2f}     times as long on {count} hosts")
    lines.append("The dearest tasks on all of them")
    lines += [f"  {task.seconds:6.2f} s   {task.name}" for task in every.dearest(6)]
    wrong = []
    if one.seconds > MOST_SECONDS:
        wrong.append(f"missed: {one.seconds:.1f} s on one host, {MOST_SECONDS:g} at most")
    if times > MOST_TIMES:
        wrong.append(f"missed: {times:.2f} times as long on {count}, {MOST_TIMES:g} at most")
    changed = [task for runs in found.values() for run in runs for task in run.changed_tasks]
    return "\n".join(lines), wrong + [f"changed something: {t}" for t in dict.fromkeys(changed)]


def main(options: Any, play: Play) -> int:
    """Bring up, measure, print, judge."""
    try:
        with hosts(options.hosts, options.roles, play, options.keep) as playbook:
            found = measure(playbook, options.hosts, options.runs, play)
    except (Failed, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{time.strftime('%Y-%m-%d %H:%M')}, {os.cpu_count()} cores")
    text, wrong = report(found, options.hosts, options.roles)
    print(text)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0
