"""Measure the gateway and a bare nginx on a disposable host; write docs/performance.md."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.events import Run, read_events
from benchmarks.gateway_figures import Row, rows, table
from benchmarks.gateway_page import page, section
from benchmarks.gateway_scale import large_site, render_seconds, variables_of
from benchmarks.progress import say

ROOT = Path(__file__).resolve().parents[1]
INVENTORY = "benchmarks/inventory"
SERVING = "Put the configuration in force"
_LONGEST = 3600


class Failed(Exception):
    """The benchmark cannot go on; the message says why."""


def play(playbook: str, *arguments: str) -> Run:
    """Run a playbook; raises Failed."""
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.jsonl",
        "ANSIBLE_FORCE_COLOR": "false",
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", INVENTORY]
    say(playbook)
    began = time.perf_counter()
    done = subprocess.run(
        [*command, playbook, *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    run = read_events(done.stdout, time.perf_counter() - began, done.returncode)
    if run.failed:
        raise Failed(f"{playbook}: {run.failure or done.stderr[-2000:] or done.stdout[-2000:]}")
    return run


def on_host(host: str, command: Sequence[str], given: str = "") -> str:
    """Run a command on a host in /opt/bench; raises Failed."""
    call = ["docker", "exec", "-i", "-w", "/opt/bench", f"tgi-bench-{host}", *command]
    done = subprocess.run(
        call, capture_output=True, text=True, input=given, timeout=_LONGEST, check=False
    )
    if done.returncode != 0:
        raise Failed(f"{host}: {done.stderr[-2000:].strip()}")
    return done.stdout


def job_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return measure.py's job, without the name and the key."""
    return {
        "ca": "/opt/bench/ca.crt",
        "rounds": options.rounds,
        "requests": options.requests,
        "seconds": options.seconds,
        "connections": 16,
        "streams": 2,
        "events": 100,
        "pause": 0.005,
    }


def access(host: str) -> dict[str, str]:
    """Return the gateway's name and the first consumer's key."""
    known = variables_of(INVENTORY, host, {})
    told: dict[str, str] = known.template(
        {
            "name": known.available_variables["gateway_server_name"],
            "key": known.available_variables["gateway_consumers"][0]["keys"][0],
        }
    )
    return told


def prepare(host: str, variables: dict[str, Any]) -> Run:
    """Deploy the gateway with variables of the role, which may hold secrets."""
    with tempfile.TemporaryDirectory() as work:
        file = Path(work) / "site.json"
        file.write_text(json.dumps(variables), encoding="utf-8")
        return play("benchmarks/gateway_prepare.yml", "--limit", host, "-e", f"@{file}")


def conclude(missed: list[str], strict: bool) -> int:
    """Name the bounds that were missed, and return the exit code."""
    if missed:
        print(f"missed: {'; '.join(missed)}")
    return 3 if missed and strict else 0


def measure(host: str, job: dict[str, Any]) -> dict[str, Any]:
    """Everything of measure.py on one host, and the processor's name."""
    given = json.dumps({**job, **access(host)})
    found: dict[str, Any] = json.loads(on_host(host, ["python3", "measure.py"], given))
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    found["facts"]["cpu"] = (names or ["an unnamed processor"])[0]
    return found


def scale(host: str, rounds: int) -> tuple[dict[str, list[float]], float]:
    """Seconds to render, load and reload a large site, and of the role's own task for it all."""
    site = large_site()
    look = variables_of(INVENTORY, host, {})
    command = [
        str(Path(sys.executable).with_name("ansible")),
        host,
        "-i",
        INVENTORY,
        "--become",
        "-m",
        "tgi_nginx_info",
    ]
    as_json = {**os.environ, "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
    said = subprocess.run(
        command, cwd=ROOT, env=as_json, capture_output=True, text=True, check=True
    ).stdout
    nginx = json.loads(said.partition("=> ")[2])
    times = {"render": [render_seconds(INVENTORY, host, site, nginx) for _ in range(rounds)]}
    run = prepare(host, site)
    serving = next(task.seconds for task in run.tasks.values() if SERVING in task.name)
    port = str(look.template(look.available_variables["gateway_status_port"]))
    told = json.loads(on_host(host, ["python3", "reload.py", str(rounds), port]))
    # As many of each: one round is one of each
    times |= {name: values[-rounds:] for name, values in told.items()}
    return times, serving


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the hosts, measure, print, write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--on", nargs="+", choices=("13", "12"), default=["13"], help="Debian's")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--requests", type=int, default=300, help="one after another, each round")
    parser.add_argument("--seconds", type=int, default=2, help="of each load")
    parser.add_argument("--page", default="docs/performance.md", help="empty writes none")
    parser.add_argument("--strict", action="store_true", help="exit code 3 when a goal was missed")
    parser.add_argument("--keep", action="store_true", help="leave the hosts for another run")
    options = parser.parse_args(arguments)
    job, sections, serving = job_of(options), [], []
    found: list[Row] = []
    when = f"{datetime.now():%Y-%m-%d %H:%M}"
    try:
        play("tests/sandbox/create.yml")
        for host in (f"debian{number}" for number in options.on):
            play("benchmarks/gateway_prepare.yml", "--limit", host)
            say(f"measuring on {host}")
            measured = measure(host, job)
            times, seconds = scale(host, 5)
            serving.append(seconds)
            lines = rows(measured, times)
            print(f"{host}, load {os.getloadavg()[0]:.1f}\n{table(lines)}", flush=True)
            sections.append(section(host, measured["facts"], lines))
            found += lines
    except (Failed, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if not options.keep:
            play("tests/sandbox/destroy.yml")
    if options.page:
        command = shlex.join(["-m", "benchmarks.gateway", *(arguments or sys.argv[1:])])
        text = page(when, command, job, sections, serving)
        (ROOT / options.page).write_text(text, encoding="utf-8")
    return conclude([row.what for row in found if not row.met], options.strict)


if __name__ == "__main__":
    sys.exit(main())
