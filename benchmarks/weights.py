"""Time fetching and proving of weights beside ``hf download`` and ``sha256sum`` on the same files.

A hub on this machine gives the bytes, from sparse files, to one after the other. Each is a process
of its own, and its time is the whole one. Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

from benchmarks.page_marks import write_between
from benchmarks.progress import say
from tests.support.hub.local_hub import HubRepository, local_hub, sha256
from tests.support.roots import ROOT

NAME, REVISION = "org/large-70b", "0123456789abcdef0123456789abcdef01234567"
FILES = 4
WORKERS = 8
#: The goals: our speed to theirs, growth of the memory in MiB, seconds of a second run
LEAST_SPEED, MOST_GROWTH, MOST_SECOND = 0.9, 32, 1.0
#: What a host runs; it says whether anything changed, and its peak of memory in KiB
_CHILD = """
import json, resource, sys
from pathlib import Path
from module_utils.tgi.weights.hub_connection import HubSource
from module_utils.tgi.weights.snapshot_fetch import fetch
from module_utils.tgi.weights.snapshot_look import SnapshotWish
from module_utils.tgi.weights.snapshot_store import SnapshotStore
endpoint, cache, name, revision, verify, workers = sys.argv[1:]
wish = SnapshotWish(name, revision, HubSource(endpoint), verify=verify, workers=int(workers))
done = fetch(SnapshotStore(Path(cache), name, revision), wish)
print(json.dumps([len(done.fetched), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


@dataclass
class WeightFigures:
    """Seconds of each run, and peaks of memory in MiB: of a small repository, and of this one."""

    size: int
    fetch: list[float]
    client: list[float]
    prove: list[float]
    sums: list[float]
    second: list[float]
    small: float
    peak: float

    def missed(self) -> list[str]:
        """Return the goals that were missed."""
        fast = {
            "fetch": median(self.client) / median(self.fetch),
            "prove": median(self.sums) / median(self.prove),
        }
        slow = [
            f"{what}: {speed:.2f} of the other's speed; the goal is {LEAST_SPEED}"
            for what, speed in fast.items()
            if speed < LEAST_SPEED
        ]
        if self.peak - self.small > MOST_GROWTH:
            slow.append(f"memory grew by {self.peak - self.small:.0f} MiB, {MOST_GROWTH} may be")
        if median(self.second) > MOST_SECOND:
            slow.append(f"a second run took {median(self.second):.2f} s, {MOST_SECOND} may be")
        return slow

    def page(self) -> str:
        """Return the part of the page."""
        gib = self.size / (1 << 30)

        def row(what: str, ours: list[float], theirs: list[float] | None, goal: str) -> str:
            to = f"{median(theirs):.2f} | {median(theirs) / median(ours):.2f}" if theirs else " | "
            return f"| {what} | {median(ours):.2f} | {to} | {goal} |"

        lines = [
            f"{gib:.1f} GiB in {FILES} files, median of {len(self.fetch)}, {os.cpu_count()} cores, "
            f"Python {sys.version.split()[0]}, {date.today()}:",
            "",
            "| What | Ours, seconds | The other, seconds | Its time to ours | Goal |",
            "|---|---|---|---|---|",
            row("fetch and prove, beside `hf download`", self.fetch, self.client, "0.9"),
            row("prove again, beside `sha256sum`", self.prove, self.sums, "0.9"),
            row("a second run, all there", self.second, None, "1 s"),
            "",
            f"Memory at its peak: {self.peak:.0f} MiB, and {self.small:.0f} MiB for a repository "
            f"of {FILES} MiB.",
        ]
        return "\n".join([*lines, *(f"\n**Missed**: {one}." for one in self.missed())])


@contextlib.contextmanager
def hub_process(folder: Path, size: int) -> Iterator[str]:
    """Serve a repository of ``size`` bytes from a process of its own; yield its address."""
    files: dict[str, bytes | Path] = {"config.json": b"{}"}
    digests = {}
    for number in range(1, FILES + 1):
        path = folder / f"model-{number}.safetensors"
        with path.open("wb") as file:
            # Each has a byte of its own, or one blob would be enough for all
            file.write(bytes([number]))
            file.truncate(size // FILES)
        files[path.name], digests[path.name] = path, sha256(path)
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_serve, args=(theirs, files, digests))
    process.start()
    try:
        yield str(ours.recv())
    finally:
        ours.send("end")
        process.join()


def _serve(pipe: Connection, files: dict[str, bytes | Path], digests: dict[str, str]) -> None:
    with local_hub() as hub:
        hub.repositories[NAME] = HubRepository(REVISION, files, digests=digests)
        pipe.send(hub.endpoint)
        pipe.recv()


class WeightBench:
    """Run each of the programs on a cache of its own."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder, self.endpoint = folder, endpoint
        self.peak = 0.0

    def ours(self, fetched: int, verify: str = "once") -> None:
        """Fetch as a host does; raise SystemExit unless so many files came."""
        words = [self.endpoint, str(self.folder / "ours"), NAME, REVISION, verify, str(WORKERS)]
        came, peak = json.loads(self._run([sys.executable, "-c", _CHILD, *words]))
        self.peak = max(self.peak, peak / 1024)
        if came != fetched:
            raise SystemExit(f"{came} files came instead of {fetched}")

    def client(self) -> None:
        """Fetch by the Hub's client."""
        hf = Path(sys.executable).with_name("hf")
        place = ["--cache-dir", str(self.folder / "theirs"), "--max-workers", str(WORKERS)]
        self._run([str(hf), "download", NAME, "--revision", REVISION, *place])

    def sums(self) -> None:
        """Hash the blobs, as many at once as we do."""
        blobs = self.folder / "ours" / f"models--{NAME.replace('/', '--')}" / "blobs"
        names = "\0".join(str(path) for path in blobs.iterdir())
        self._run(["xargs", "-0", "-n1", f"-P{WORKERS}", "sha256sum"], names)

    def clear(self) -> None:
        """Delete both caches."""
        for name in ("ours", "theirs"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def _run(self, command: list[str], text: str = "") -> str:
        more = {"HF_ENDPOINT": self.endpoint, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
        done = subprocess.run(
            command, input=text, env={**os.environ, **more}, cwd=ROOT, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{command[0]} failed: {done.stderr[-2000:]}")
        return done.stdout


def seconds(work: Callable[[], None]) -> float:
    """Return how long it takes."""
    start = time.monotonic()
    work()
    return time.monotonic() - start


def measure(folder: Path, size: int, runs: int) -> WeightFigures:
    """Run all programs in turn, ``runs`` times."""
    small = folder / "small"
    small.mkdir()
    with hub_process(small, FILES << 20) as endpoint:
        first = WeightBench(small, endpoint)
        first.ours(FILES + 1)
    found = WeightFigures(size, [], [], [], [], [], first.peak, 0)
    with hub_process(folder, size) as endpoint:
        bench = WeightBench(folder, endpoint)
        for number in range(runs):
            say(f"run {number + 1} of {runs}")
            bench.clear()
            fetches = [(found.fetch, lambda: bench.ours(FILES + 1)), (found.client, bench.client)]
            proofs = [(found.prove, lambda: bench.ours(0, "start")), (found.sums, bench.sums)]
            # Who comes second may wait for the disk to write what the first has left
            turn = -1 if number % 2 else 1
            for times, work in [*fetches[::turn], *proofs[::turn]]:
                times.append(seconds(work))
            found.second.append(seconds(lambda: bench.ours(0)))
    found.peak = bench.peak
    return found


def main() -> int:
    """Measure, write the page, and say which goals were missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=20, help="of weights; twice that on the disk")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", help="on the disk that is measured")
    parser.add_argument("--page", type=Path, default=ROOT / "benchmarks/README.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        found = measure(Path(folder), int(options.gib * (1 << 30)), options.runs)
    print(found.page())
    write_between(options.page, "bench-weights", found.page())
    return 1 if found.missed() else 0


if __name__ == "__main__":
    sys.exit(main())
