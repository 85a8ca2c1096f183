"""Time a run of site.yml that changes nothing, beside what Ansible's own round trips cost.

Give it a site that is deployed already: ``make bench`` takes the sandbox. Exit code 1 when a run
fails or changes something, 2 when a run does not end in time.

With --hosts it brings up so many disposable hosts of its own, deploys --roles to them, and times
these roles on one and on all; a goal that is missed is exit code 1 then.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from benchmarks import many_hosts
from benchmarks.events import Run, middle, read_events

ROOT = Path(__file__).resolve().parents[1]
PLAY = """
- hosts: gpu_hosts:gateways
  gather_facts: {facts}
  become: true
  tasks: [{tasks}]
"""
PING = "{ansible.builtin.ping: {}}"
DEAREST = 10


ROLES = ["preflight", "docker", "nvidia_container_toolkit"]


def play(inventory: str, playbook: Path, seconds: float, *arguments: str) -> Run:
    """Run a playbook; TimeoutExpired when it takes longer than ``seconds``."""
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.jsonl",
        "ANSIBLE_FORCE_COLOR": "false",
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", inventory]
    spent, started = cpu_of_children(), time.perf_counter()
    done = subprocess.run(
        [*command, str(playbook), *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    wall = time.perf_counter() - started
    run = read_events(done.stdout, wall, done.returncode)
    run.cpu = cpu_of_children() - spent
    if run.failed:
        print(run.failure or done.stderr.strip()[-2000:] or done.stdout[-2000:], file=sys.stderr)
    return run


def cpu_of_children() -> float:
    """Return the CPU seconds of ended processes that were started here."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(options: argparse.Namespace, work: Path) -> dict[str, list[Run]] | None:
    """Run all playbooks in turn, so that a busy moment does not hit one of them alone.

    Gives the runs by name, or None as soon as one failed. Raises TimeoutExpired.
    """
    playbooks = {"site": ROOT / "site.yml"}
    bare = {
        "empty": ("false", ""),
        "pings": ("false", ", ".join([PING] * options.pings)),
        "facts": ("true", ""),
    }
    for name, (facts, tasks) in bare.items():
        playbooks[name] = work / f"{name}.yml"
        playbooks[name].write_text(PLAY.format(facts=facts, tasks=tasks))
    deadline = time.monotonic() + options.seconds
    runs: dict[str, list[Run]] = {name: [] for name in playbooks}
    # Leave out the cost of the very first connection
    if play(options.inventory, playbooks["pings"], options.seconds).failed:
        return None
    for _ in range(options.runs):
        for name, playbook in playbooks.items():
            run = play(options.inventory, playbook, max(1.0, deadline - time.monotonic()))
            if run.failed:
                return None
            runs[name].append(run)
    return runs


def report(runs: dict[str, list[Run]], pings: int) -> str:
    """Return the figures as text."""
    site, empty = middle(runs["site"]), middle(runs["empty"]).seconds
    ping, facts = middle(runs["pings"]).seconds, middle(runs["facts"]).seconds
    each = (ping - empty) / pings
    all_runs = ", ".join(f"{run.seconds:.1f}" for run in runs["site"])
    lines = [
        f"site.yml with nothing to change, median of {len(runs['site'])} ({all_runs} s)",
        f"  {site.seconds:6.1f} s   {site.executed} tasks run, {site.skipped} skipped, "
        f"changed {max(run.changed for run in runs['site'])}, hosts {site.hosts}",
        "Ansible alone on the same hosts",
        f"  {empty:6.1f} s   an empty play",
        f"  {ping:6.1f} s   {pings} times ping in one play: {each:.2f} s each",
        f"  {facts:6.1f} s   gathering facts",
        f"  {empty + each * site.executed:6.1f} s   as many pings as site.yml runs tasks",
        f"The {DEAREST} dearest tasks of that run",
    ]
    lines += [f"  {task.seconds:6.2f} s   {task.name}" for task in site.dearest(DEAREST)]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inventory", default="inventories/sandbox")
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured")
    parser.add_argument("--pings", type=int, default=10, help="pings in one play")
    parser.add_argument("--seconds", type=float, default=600, help="most for everything")
    parser.add_argument("--hosts", type=int, default=0, help="disposable hosts to bring up")
    parser.add_argument("--roles", type=lambda text: text.split(","), default=ROLES)
    parser.add_argument("--keep", action="store_true", help="leave them for another run")
    options = parser.parse_args(arguments)
    if options.hosts:
        return many_hosts.main(options, play)
    try:
        with tempfile.TemporaryDirectory() as work:
            runs = measure(options, Path(work))
    except subprocess.TimeoutExpired as error:
        print(f"{error.cmd[-1]} did not end in time (--seconds)", file=sys.stderr)
        return 2
    if runs is None:
        return 1
    print(f"{datetime.now():%Y-%m-%d %H:%M}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(report(runs, options.pings))
    changed = [task for run in runs["site"] for task in run.changed_tasks]
    for task in dict.fromkeys(changed):
        print(f"changed something: {task}", file=sys.stderr)
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
