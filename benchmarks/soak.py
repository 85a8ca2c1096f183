"""Attack a disposable gateway for half an hour, measure a client, and write docs/gateway.md."""

from __future__ import annotations

import argparse
import json
import secrets
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from benchmarks.gateway import ROOT, Failed, access, conclude, on_host, play, prepare
from benchmarks.page_marks import write_between
from benchmarks.progress import say
from benchmarks.soak_figures import Line, judge, table

#: What one attacker does at once: idle connections, slow readers, and bodies that drip in
ATTACK = {"idle": 2000, "slow": 8, "drips": 8}
_TIER = {"requests_per_second": 50, "burst": 100, "concurrent": 32}


def site(attacker: str) -> dict[str, Any]:
    """Return variables of the role: its own limits, a client and an attacker with a key each."""
    key = "{{ lookup('ansible.builtin.file', hosts_state_dir ~ '/secrets/api_key') }}"
    return {
        "gateway_tiers": {"client": _TIER, "attacker": _TIER},
        "gateway_address_limit": {"requests_per_second": 100, "burst": 400, "concurrent": 128},
        "gateway_consumers": [
            {"name": "bench", "tier": "client", "keys": [key]},
            {"name": "attacker", "tier": "attacker", "keys": [attacker]},
        ],
    }


def soak(host: str, options: argparse.Namespace) -> dict[str, Any]:
    """Prepare one host, attack it, and return what soak_client.py measured."""
    attacker = secrets.token_urlsafe(32)
    prepare(host, site(attacker))
    job = {
        **access(host),
        "attacker": attacker,
        "ca": "/opt/bench/ca.crt",
        "quiet": options.quiet,
        "seconds": options.minutes * 60,
        "every": 10,
        **ATTACK,
    }
    say(f"attacking {host} for {options.minutes:g} minutes")
    found: dict[str, Any] = json.loads(
        on_host(host, ["python3", "soak_client.py"], json.dumps(job))
    )
    return found


def section(when: str, command: str, minutes: float, facts: dict[str, Any], told: str) -> str:
    """Return the result as the page has it."""
    size = f"{facts['cores']} cores, {facts['memory'] / 2**30:.0f} GiB"
    said = (
        f"`.venv/bin/python {command}`, run as root on {when}, attacked a gateway for {minutes:g} "
        f"minutes (nginx {facts['nginx']}, {size}, with the engine and the attacker on the same "
        f"machine). All at once: {ATTACK['idle']:,} idle connections, {ATTACK['slow']} slow "
        f"readers, {ATTACK['drips']} bodies that drip in with a key and as many without, streams "
        "that are left, and refused requests with long paths. A client with a key asked ten times "
        "a second."
    )
    return f"{textwrap.fill(said, 140, break_on_hyphens=False)}\n\n{told}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the host, attack, print, write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--on", choices=("13", "12"), default="13", help="Debian's release")
    parser.add_argument("--minutes", type=float, default=30, help="of the attack")
    parser.add_argument("--quiet", type=float, default=60, help="seconds to measure before it")
    parser.add_argument("--page", default="docs/gateway.md", help="empty writes none")
    parser.add_argument("--strict", action="store_true", help="exit code 3 when a bound was missed")
    parser.add_argument("--keep", action="store_true", help="leave the hosts for another run")
    options = parser.parse_args(arguments)
    when = f"{datetime.now():%Y-%m-%d %H:%M}"
    lines: list[Line] = []
    try:
        play("tests/sandbox/create.yml")
        found = soak(f"debian{options.on}", options)
        lines = judge(found, options.minutes * 60)
        print(table(lines), flush=True)
        if options.page:
            command = " ".join(["-m benchmarks.soak", *(arguments or sys.argv[1:])])
            text = section(when, command, options.minutes, found["facts"], table(lines))
            write_between(ROOT / options.page, "bench-soak", text)
    except (Failed, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if not options.keep:
            play("tests/sandbox/destroy.yml")
    return conclude([line.what for line in lines if not line.met], options.strict)


if __name__ == "__main__":
    sys.exit(main())
