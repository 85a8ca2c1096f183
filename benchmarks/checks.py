"""Time the checks: of one model, beside the same requests as uri tasks, of eight models at once.

Needs no deployed site: TGI emulators on this machine say scripted words, at the pace of a model of
some 8 billion parameters. ``--site INVENTORY`` also times playbooks/check.yml there.
Exit code 1 when a run fails, is slower than it may be, or asks for nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import yaml

from benchmarks.no_change import play
from tests.support.ansible_paths import add_project
from tests.support.emulator_process import MODEL, running
from tests.support.roots import ROOT

add_project()

from ansible.module_utils.tgi.checks.results import Report
from ansible.module_utils.tgi.checks.run import Options, check
from ansible.module_utils.tgi.checks.selection import Model

MANY = 8
TOKEN_MS = 20.0
#: The tasks of the role checks that run a view, by the start of their names.
CHECKING = ("Check every model on its own port", "Check the endpoint as a client sees it")
#: The goals: seconds for both views, uri tasks to one module, eight models to one.
MOST_SECONDS, LEAST_FASTER, MOST_DEARER = 6.0, 5.0, 2.5


@dataclass
class Recorder(httpx.AsyncBaseTransport):
    """Passes requests on and notes them with the status that came."""

    asked: list[tuple[httpx.Request, int]] = field(default_factory=list)
    network: httpx.AsyncHTTPTransport = field(default_factory=httpx.AsyncHTTPTransport)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.network.handle_async_request(request)
        self.asked.append((request, response.status_code))
        return response


def models(urls: Sequence[str]) -> list[Model]:
    return [Model(f"model-{n}", MODEL, url=url) for n, url in enumerate(urls, 1)]


def run_checks(urls: Sequence[str], transport: Any = None) -> Report:
    """One run of the whole catalogue in this process; ends the benchmark when it does not pass."""
    options = Options("direct", "here", models(urls), transport=transport)
    report = asyncio.run(check(options))
    if not report.passed:
        raise SystemExit(f"the checks do not pass: {report.message()}")
    return report


def uri_task(request: httpx.Request, status: int) -> dict[str, Any]:
    """The same request as a task, content with the status that the checks got."""
    headers = {
        name: value
        for name, value in request.headers.items()
        if name not in ("host", "content-length", "connection")
    }
    asked = {
        "url": str(request.url),
        "method": request.method,
        "headers": headers,
        "status_code": [status],
        "return_content": True,
        "follow_redirects": "none",
        "timeout": 30,
    }
    if request.content:
        asked["body"] = request.content.decode()
    return {"name": f"{request.method} {request.url.path}", "ansible.builtin.uri": asked}


def playbook(path: Path, tasks: list[dict[str, Any]]) -> Path:
    # JSON is YAML; unsafe text cannot be in it, every string is ours
    text = json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}])
    path.write_text(text)
    return path


def beside_uri(url: str, work: Path, runs: int) -> tuple[int, float, float]:
    """Number of requests, then the median seconds of ansible-playbook: one module, uri tasks."""
    recorder = Recorder()
    run_checks([url], recorder)
    (model,) = models([url])
    declared = {"name": model.name, "model_id": model.model_id, "url": model.url}
    plays = {
        "module": [{"tgi_check": {"view": "direct", "models": [declared]}}],
        "uri": [uri_task(request, status) for request, status in recorder.asked],
    }
    inventory = work / "hosts.yml"
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"localhost": local}}}))
    seconds: dict[str, list[float]] = {name: [] for name in plays}
    for _ in range(runs):
        for name, tasks in plays.items():
            run = play(str(inventory), playbook(work / f"{name}.yml", tasks), 300)
            if run.failed or run.executed < len(tasks):
                raise SystemExit(f"the playbook of {name} fails")
            seconds[name].append(run.seconds)
    return len(recorder.asked), median(seconds["module"]), median(seconds["uri"])


def at_once(urls: Sequence[str], runs: int) -> tuple[float, float]:
    """Median seconds of checking one model, and all of them; in turn, for a drifting machine."""
    alone, together = [], []
    for _ in range(runs):
        alone.append(run_checks(urls[:1]).seconds)
        together.append(run_checks(urls).seconds)
    return median(alone), median(together)


def site_seconds(inventory: str) -> float:
    """Return the seconds of the tasks that check, in one run of playbooks/check.yml, both views."""
    run = play(inventory, ROOT / "playbooks" / "check.yml", 600)
    if run.failed:
        raise SystemExit("playbooks/check.yml fails")
    checks = [task for task in run.dearest(1000) if any(name in task.name for name in CHECKING)]
    if not checks:
        raise SystemExit("playbooks/check.yml runs no check")
    return sum(task.seconds for task in checks)


def row(what: str, seconds: str, goal: str, good: bool) -> str:
    verdict = ("met" if good else "MISSED") if goal else ""
    return f"{what:58} {seconds:>12}   {goal:>8}   {verdict}".rstrip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--site", default="", help="inventory of a deployed site")
    parser.add_argument("--runs", type=int, default=5, help="how often each is measured")
    parser.add_argument("--token-ms", type=float, default=TOKEN_MS, help="pace of the emulators")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        pace = {"TGI_EMULATOR_FAULTS": f"slow-token={options.token_ms / 1000}"}
        urls = [stack.enter_context(running(env=pace)).url for _ in range(MANY)]
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        run_checks(urls)  # leave out what every server does only once
        alone, together = at_once(urls, options.runs)
        count, module, tasks = beside_uri(urls[0], work, options.runs)
    found = [
        ("one model, direct view", f"{alone:.2f} s", "", True),
        (f"{MANY} models at once, direct view", f"{together:.2f} s", "", True),
        (f"{MANY} models to one", f"{together / alone:.2f} times",
         f"<= {MOST_DEARER}", together / alone <= MOST_DEARER),
        ("ansible-playbook, one tgi_check task", f"{module:.2f} s", "", True),
        (f"ansible-playbook, its {count} requests as uri tasks", f"{tasks:.2f} s", "", True),
        ("uri tasks to tgi_check", f"{tasks / module:.1f} times",
         f">= {LEAST_FASTER:g}", tasks / module >= LEAST_FASTER),
    ]  # fmt: skip
    if options.site:
        both = site_seconds(options.site)
        goal = f"<= {MOST_SECONDS:g} s"
        good = both <= MOST_SECONDS
        found.append((f"{options.site}, both views", f"{both:.2f} s", goal, good))
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(
        f"{datetime.now():%Y-%m-%d %H:%M}, {machine}, {options.token_ms:g} ms a token, "
        f"median of {options.runs} runs, {time.monotonic() - started:.0f} s in all"
    )
    for one in found:
        print(row(*one))
    return 0 if all(good for *_, good in found) else 1


if __name__ == "__main__":
    sys.exit(main())
