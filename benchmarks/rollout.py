"""Change options under load, by site.yml and by docker compose, and write docs/rollout.md.

Three disposable GPU hosts share two models behind two gateways, and one of them runs a third model
alone. All are emulators: starts and tokens take the time of a small model.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from datetime import datetime
from time import time
from typing import Any

from benchmarks import no_change
from benchmarks.events import Run
from benchmarks.gateway import ROOT, Failed, conclude
from benchmarks.page_marks import write_between
from benchmarks.progress import say
from benchmarks.rollout_figures import (
    Measured,
    availability,
    cell,
    during,
    in_place,
    latency,
    lost,
    short,
    table,
)
from benchmarks.rollout_load import FAILED, KEPT, Load, under_load
from benchmarks.rollout_picture import Panel, draw
from tests.support.live.endpoints import load_endpoints

INVENTORY = "benchmarks/rollout_inventory"
GPU_HOSTS = ("gpu1", "gpu2", "gpu3")
SHARED, SOLO = ("scribe", "clerk"), "solo"
SITE, COMPOSE = "`site.yml`, rolling", "`docker compose up -d --force-recreate`"
#: For the model that is alone, whose new set starts beside the old one
BESIDE = "`site.yml`, blue-green"
#: The changed option of the shared models, and of the one that is alone
CHANGED, SOLO_CHANGED = {"bench_total_tokens": 2040}, {"bench_solo_total_tokens": 2040}
#: Models without a GPU start so only where that is asked for; one change after the other
BLUE_GREEN = [
    {"bench_solo_total_tokens": tokens, "tgi_strategy": "blue_green"}
    for tokens in (2032, 2024, 2016)
]
PICTURE = "Requests answered and latency, second by second: site.yml beside docker compose"
_LONGEST = 3600.0
#: All models of a host at once
_RECREATE = (
    "for file in /opt/tgi/*/compose.yaml; do"
    ' docker compose --project-directory "${file%/*}" up -d --force-recreate & done; wait'
)


def play(playbook: str, variables: dict[str, Any] | None = None) -> Run:
    """Run a playbook with variables; raises Failed."""
    more = ["-e", json.dumps(variables)] if variables else []
    say(" ".join([playbook, *more]))
    run = no_change.play(INVENTORY, ROOT / playbook, _LONGEST, *more)
    if run.failed:
        raise Failed(f"{playbook}: {run.failure or 'it failed'}")
    return run


def container(host: str) -> str:
    """Return the name of a disposable host's container."""
    return f"tgi-rollout-{host}"


def recreate() -> None:
    """Recreate all containers of all GPU hosts at once, as by hand; raises Failed."""
    say("docker compose up -d --force-recreate")
    commands = [["docker", "exec", container(host), "sh", "-c", _RECREATE] for host in GPU_HOSTS]
    quiet = subprocess.DEVNULL
    running = [subprocess.Popen(one, stdout=quiet, stderr=quiet) for one in commands]
    codes = [one.wait(_LONGEST) for one in running]
    if any(codes):
        raise Failed("docker compose failed")


def replaced(since: float, until: float) -> list[tuple[float, str]]:
    """Return when containers of models ended, and on which host."""
    found = []
    events = ["docker", "events", "--format", "{{.TimeNano}}", "--filter", "event=die",
              "--filter", "label=com.docker.compose.project",
              "--since", f"{since:.3f}", "--until", f"{until:.3f}"]  # fmt: skip
    for host in GPU_HOSTS:
        command = ["docker", "exec", container(host), *events]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        found += [(int(line) / 1e9, host) for line in done.stdout.split()]
    return sorted(found)


def measure(load: Load, change: Callable[[], Any]) -> Measured:
    """Make a change under load."""
    times = []

    def work() -> None:
        times.append(time())
        change()
        times.append(time())

    records, _ = under_load(load_endpoints(str(ROOT / INVENTORY)), load, work)
    return Measured(records, times[0], times[1], replaced(times[0], times[1]))


def panel(title: str, measured: Measured) -> Panel:
    """Return a change as the picture has it."""
    own, origin = short(measured.records), measured.origin
    return Panel(
        title,
        f"{cell(own, FAILED)} requests failed, a connection for each",
        availability(own, origin),
        latency(own, origin, 0.5),
        latency(own, origin, 0.95),
        (measured.began - origin, measured.ended - origin),
        [(at - origin, host) for at, host in measured.replaced],
    )


def picture(found: dict[str, Measured]) -> str:
    """Return the changes side by side as SVG."""
    panels = [panel(way.replace("`", ""), measured) for way, measured in found.items()]
    said = [f"{one.title}: {one.note}." for one in panels]
    return draw(panels, " ".join([*said, "Dashed lines mark the hosts whose containers ended."]))


def facts() -> str:
    """Return nginx's version and the machine in words."""
    command = ["docker", "exec", container("edge1"), "nginx", "-v"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    version = said.strip().rpartition("/")[2]
    return f"nginx {version}; all on {os.cpu_count()} cores, {memory:.0f} GiB"


def section(when: str, command: str, found: dict[str, Measured], alone: Measured, told: str) -> str:
    """Return the result as the page has it."""
    said = (
        f"`.venv/bin/python {command}`, run as root on {when}: three GPU hosts that share two "
        f"models, two gateways ({told}), emulators with 60 ms a token and 14 s a start. site.yml "
        "changes `max_total_tokens`: rolling of both models, blue-green of a third one, which runs "
        f"on one host, {len(BLUE_GREEN)} times in a row. Compose recreates all containers of all "
        "hosts at once. Clients never retry, except OpenAI's own."
    )
    parts = [said, in_place(alone, SOLO)]
    first, last = (textwrap.fill(one, 140, break_on_hyphens=False) for one in parts)
    return f"![{PICTURE}](rollout.svg)\n\n{first}\n\n{table(found)}\n\n{last}"


def missed(site: Measured, least: int, beside: Measured | None = None) -> list[str]:
    """Return what the roll-out did not hold.

    ``beside`` needs a reload, at which nginx before 1.27.4 closes idle connections of clients.
    """
    found = [f"{lost(site)} requests failed or were cut"] if lost(site) else []
    if beside and (bad := lost(beside, KEPT)):
        found.append(f"{bad} requests failed or were cut while a new set stood beside the old one")
    for way, measured in ((SITE, site), (BESIDE, beside)):
        if measured and during(measured) < least:
            found.append(f"{way}: {during(measured)} requests during it, {least} at least")
    return found


def run(options: argparse.Namespace) -> tuple[dict[str, Measured], Measured]:
    """Make the hosts and every change; return the ways, and the change in place."""
    play("tests/sandbox/create.yml")
    play("site.yml")
    load = Load(SHARED, options.rate)
    rolling = measure(load, lambda: play("site.yml", CHANGED))
    compose = measure(load, recreate)
    alone = Load((*SHARED, SOLO), options.rate, streams=0)
    changed = {**CHANGED, **SOLO_CHANGED}
    gap = measure(alone, lambda: play("site.yml", changed))
    changes = [{**CHANGED, **one} for one in BLUE_GREEN]
    beside = measure(
        Load((SOLO,), options.rate), lambda: [play("site.yml", one) for one in changes]
    )
    return {SITE: rolling, BESIDE: beside, COMPOSE: compose}, gap


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, draw, write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=float, default=45, help="short requests a second")
    parser.add_argument("--least", type=int, default=10000, help="requests while site.yml runs")
    parser.add_argument("--page", default="docs/rollout.md", help="empty writes none")
    parser.add_argument("--strict", action="store_true", help="exit code 3 if a request failed")
    parser.add_argument("--keep", action="store_true", help="leave the hosts for another run")
    options = parser.parse_args(arguments)
    when = f"{datetime.now():%Y-%m-%d %H:%M}"
    try:
        found, alone = run(options)
        print(f"{table(found)}\n\n{in_place(alone, SOLO)}", flush=True)
        if options.page:
            command = " ".join(["-m benchmarks.rollout", *(arguments or sys.argv[1:])])
            page = ROOT / options.page
            write_between(page, "bench-rollout", section(when, command, found, alone, facts()))
            page.with_suffix(".svg").write_text(picture(found), encoding="utf-8")
    except (Failed, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if not options.keep:
            play("tests/sandbox/destroy.yml")
    return conclude(missed(found[SITE], options.least, found[BESIDE]), options.strict)


if __name__ == "__main__":
    sys.exit(main())
