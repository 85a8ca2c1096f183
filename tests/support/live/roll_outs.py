"""Run playbooks that change models while clients ask, and read what they left on the hosts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.live.endpoints import Endpoint, load_endpoints
from tests.support.live.hosts import ask, until
from tests.support.playbook import PROGRAM, ansible_playbook
from tests.support.roots import ROOT

Hosts = Callable[[str], Any]
#: What each model's container has in any case; another value is a change without an effect
MARK = "TGI_EMULATOR_MARK"
#: The role watches a new replica for longer, for faults that show late; a test of one says how long
STEADY = {"rollout_steady_seconds": 5}
#: The part of site.yml that changes models: drivers, Docker and packages are other tests'
UPGRADE = "playbooks/upgrade.yml"
FLAGS = "ls /var/lib/tgi-gateway/drain 2>/dev/null || true"


def roll_out(
    inventory: str, playbook: str = UPGRADE, **variables: Any
) -> subprocess.CompletedProcess[str]:
    """Run a playbook of the project, with extra variables."""
    return ansible_playbook(*_words(inventory, playbook, variables), timeout=600)


def _words(inventory: str, playbook: str, variables: dict[str, Any]) -> list[str]:
    return ["-i", inventory, playbook, "-e", json.dumps({**STEADY, **variables})]


def environment(**more: str) -> dict[str, Any]:
    return {"tgi_environment": more}


@dataclass
class Load:
    """What clients saw that never retry: (seconds since the start, model, status or reason)."""

    seen: list[tuple[float, str, str]] = field(default_factory=list)
    retry_after: set[str] = field(default_factory=set)

    def bad(self, model: str = "scribe") -> list[tuple[float, str, str]]:
        return [one for one in self.seen if one[1] == model and one[2] not in ("200", "whole")]

    def count(self, model: str, result: str) -> int:
        return sum(1 for _, its, seen in self.seen if its == model and seen == result)


def stream(client: httpx.Client, model: str) -> str:
    """Read a stream of some seconds; return "whole", or what is wrong with it."""
    words = [{"role": "user", "content": f"Repeat this: {' '.join('abcdefghij' * 8)}"}]
    body = {"model": model, "stream": True, "max_tokens": 400, "messages": words}
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        if response.status_code != 200:
            return str(response.status_code)
        lines = [line for line in response.iter_lines() if line]
    return "whole" if lines[-1] == "data: [DONE]" else f"cut after {len(lines)} events"


@contextmanager
def load(inventory: str, models: tuple[str, ...] = ("scribe",)) -> Iterator[Load]:
    """Ask each model through each gateway without a pause, and read streams beside.

    Each request has a connection of its own: nginx before 1.27.4 closes idle ones at a reload.
    """
    found, over, began = Load(), threading.Event(), time.monotonic()

    def work(endpoint: Endpoint, model: str, one: Callable[[httpx.Client, str], str]) -> None:
        while not over.is_set():
            with endpoint.client(endpoint.key) as client:
                try:
                    said = one(client, model)
                except httpx.HTTPError as error:
                    said = repr(error)
            # The machine's cores are for the run
            time.sleep(0.05)
            found.seen.append((round(time.monotonic() - began, 1), model, said))

    def short(client: httpx.Client, model: str) -> str:
        answer = ask(client, model)
        if answer.status_code == 503:
            found.retry_after.add(answer.headers.get("Retry-After", ""))
        return str(answer.status_code)

    workers = [
        threading.Thread(target=work, args=(endpoint, model, one))
        for endpoint in load_endpoints(inventory)
        for model in models
        for one in (short, stream)
    ]
    for worker in workers:
        worker.start()
    try:
        until(20, lambda: len(found.seen) > 20)
        yield found
    finally:
        over.set()
        for worker in workers:
            worker.join()


def flags(at: Hosts) -> str:
    return "".join(at(name).check_output(FLAGS) for name in ("edge12", "edge13"))


def marks(at: Hosts, *names: str) -> set[str]:
    """Return which changes the containers of both replicas have, or of those on some hosts."""
    command = f"docker exec tgi-scribe-tgi-1 sh -c 'echo mark=${MARK} faults=$TGI_EMULATOR_FAULTS'"
    return {at(name).check_output(command) for name in names or ("gpu1", "gpu2")}


def _mark_of(at: Hosts, host: str, model: str) -> dict[str, str]:
    """Return the environment that makes the change which a model already has."""
    names = at(host).check_output("docker ps --format '{{.Names}}'").split()
    (name,) = (name for name in names if f"-{model}-" in name)
    value = at(host).check_output(f"docker exec {name} sh -c 'echo ${MARK}'")
    return {MARK: value} if value else {}


def scribe_alone(at: Hosts, **more: str) -> dict[str, Any]:
    """Return variables that change scribe, and let clerk be as it is."""
    return {"tgi_environment": more, "clerk_environment": _mark_of(at, "gpu2", "clerk")}


def clerk_alone(at: Hosts, **more: str) -> dict[str, Any]:
    """Return variables that change clerk, and let scribe be as it is."""
    return {"tgi_environment": _mark_of(at, "gpu1", "scribe"), "clerk_environment": more}


def marked(value: str) -> set[str]:
    return {f"mark={value} faults="}


@contextmanager
def running(
    inventory: str, playbook: str = UPGRADE, **variables: Any
) -> Iterator[subprocess.Popen[str]]:
    """Start a playbook in a process group of its own, with its output as text."""
    words = _words(inventory, playbook, variables)
    own = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    settings = {**os.environ, **own, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [PROGRAM, *words],
        cwd=ROOT,
        env=settings,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        yield run


def kill_at(
    inventory: str, first: str, task: str, playbook: str = UPGRADE, **variables: Any
) -> None:
    """Kill a run at the beginning of a task, the first of that name after a line with ``first``."""
    with running(inventory, playbook, **variables) as run:
        begun = False
        for line in run.stdout or []:
            begun |= first in line
            if begun and line.startswith("TASK") and task in line:
                break
        else:
            raise AssertionError(f"no task {task} after {first}")
        os.killpg(run.pid, signal.SIGKILL)
