"""Test that a fetch that is killed at any byte goes on from there, and serves nothing meanwhile."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.hub.local_hub import local_hub
from tests.support.hub.weight_sites import NAME, REVISION, WeightSite
from tests.support.roots import ROOT

#: For each number, a process that dies when it has written so many bytes; then what is there
_FETCHES = """
import json, os, signal, sys
from pathlib import Path
from module_utils.tgi.weights import file_fetch
from module_utils.tgi.weights.hub_connection import HubSource
from module_utils.tgi.weights.snapshot_fetch import fetch
from module_utils.tgi.weights.snapshot_look import SnapshotWish
from module_utils.tgi.weights.snapshot_store import SnapshotStore

endpoint, cache, name, revision, *numbers = sys.argv[1:]
write = file_fetch._write
left = 0

def write_until(out, view):
    global left
    if len(view) > left:
        write(out, view[:left])
        os.kill(os.getpid(), signal.SIGKILL)
    left -= len(view)
    write(out, view)

file_fetch._write = write_until
wish = SnapshotWish(name, revision, HubSource(endpoint), reserve=0, workers=2)
store = SnapshotStore(Path(cache), name, revision)
for number in map(int, numbers):
    child = os.fork()
    if not child:
        left = number
        fetch(store, wish)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    held = sum(path.stat().st_size for path in store.partials())
    held += sum(path.stat().st_size for path in (store.repository / "blobs").glob("*"))
    print(json.dumps([status, held, store.snapshot.exists() or store.ref.exists()]))
"""


def test_twenty_kills_at_random_bytes_and_then_it_is_there(tmp_path: Path) -> None:
    chance = random.Random(20)
    with local_hub() as hub:
        site = WeightSite(hub, tmp_path / "hub")
        total = sum(map(len, site.wanted().values()))
        # Two files grow at once, so more may be written than counted, on a busy machine each time
        cuts = [0, *sorted(chance.randrange(total * 6 // 10) for _ in range(20))]
        numbers = [str(after - before) for before, after in zip(cuts, cuts[1:], strict=False)]
        done = subprocess.run(
            [sys.executable, "-c", _FETCHES, hub.endpoint, site.cache, NAME, REVISION, *numbers,
             str(1 << 40)],
            cwd=ROOT, check=True, capture_output=True, text=True,
        )  # fmt: skip
        *killed, last = map(json.loads, done.stdout.splitlines())
        assert [status for status, _, _ in killed] == [signal.SIGKILL] * 20
        assert not any(servable for _, _, servable in killed)
        held = [count for _, count, _ in killed]
        assert held == sorted(held), "no kill costs a byte that had come"
        assert last == [0, total, True]
        assert site.served() == site.wanted()
        assert site.look().complete
        resumed = [headers for _, _, headers in hub.requests if "Range" in headers]
        assert len(resumed) > 10
