"""Ask unmodified clients on TGI's own port and at a deployed gateway, and write docs/clients.md.

The gateway is one of an inventory that runs, as the scenario two_machines after its converge. The
engine's port is the emulator's, in a process of its own.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "emulator")]

from benchmarks.page_marks import write_between
from benchmarks.progress import say
from tests.support.clients import expectations, programs
from tests.support.live.endpoints import load_endpoints

PAGE = ROOT / "docs" / "clients.md"
TARGET = "bench-clients"


def measure(inventory: str, model: str) -> dict[str, dict[tuple[str, str], str]]:
    """Return what came by side, then by row and client."""
    endpoint = load_endpoints(inventory)[0]
    found: dict[str, dict[tuple[str, str], str]] = {"engine": {}, "edge": {}}
    with programs.engine() as engine:
        sides = {"engine": engine, "edge": programs.edge(endpoint, model)}
        for program in programs.PROGRAMS:
            say(f"asking by {program}")
            for side, outcomes in programs.outcomes(sides, program).items():
                found[side].update(outcomes)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--inventory", default=str(ROOT / "molecule" / "two_machines" / "inventory")
    )
    parser.add_argument("--model", default="scribe")
    given = parser.parse_args()
    found = measure(given.inventory, given.model)
    write_between(PAGE, TARGET, expectations.table(found["engine"], found["edge"]))
    wrong = [line for side in found for line in expectations.surprises(found[side], side)]
    print("\n".join(wrong) or f"{len(found['edge'])} rows as expected, written to {PAGE.name}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
