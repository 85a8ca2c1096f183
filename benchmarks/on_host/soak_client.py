"""Measure a client with a key while soak_attack.py attacks, and sample nginx meanwhile.

Reads a job from its input: {"name", "key", "attacker", "ca", "quiet", "seconds", "every", "idle",
"slow", "drips"}. Writes {"quiet": [ms], "windows": [[ms]], "failed": requests, "samples": [...],
"calm": {...}, "sent": {...}, "facts": {...}} as JSON: a window and a sample each ``every`` seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.support.live.load import Broken, Connection

ADDRESS = "127.0.0.1"
BODY = {"model": "short", "messages": [{"role": "user", "content": "hello"}]}
LOGS = Path("/var/log/nginx")
_PAUSE = 0.1
#: Seconds after the attack, until nginx has dropped what is left of it
_CALM = 15


def sample() -> dict[str, int]:
    """Return bytes of memory, open files and connections of nginx, and bytes of its logs."""
    master = Path("/run/nginx.pid").read_text(encoding="ascii").strip()
    children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()
    memory = files = 0
    for process in (master, *children):
        with contextlib.suppress(OSError):  # A worker that ends
            status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
            memory += int(status.partition("VmRSS:")[2].split()[0]) * 1024
            files += len(list(Path(f"/proc/{process}/fd").iterdir()))
    logs = sum(path.stat().st_blocks * 512 for path in LOGS.glob("tgi-gateway-*"))
    return {"memory": memory, "files": files, "logs": logs, "workers": len(children)}


async def ask(job: dict[str, Any], seconds: float) -> tuple[list[float], int]:
    """Ask ten times a second; return milliseconds of good answers, and how many were not."""
    context = ssl.create_default_context(cafile=job["ca"])
    connection = Connection(ADDRESS, job["name"], context)
    took, failed = [], 0
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        began = time.perf_counter()
        try:
            answer = await asyncio.wait_for(connection.ask(body=BODY, key=job["key"]), 30)
            good = answer.status == 200
        except (OSError, asyncio.TimeoutError, Broken):
            connection.close()
            good = False
        if good:
            took.append(round((time.perf_counter() - began) * 1000, 3))
        failed += not good
        await asyncio.sleep(_PAUSE)
    connection.close()
    return took, failed


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Measure quietly, under attack, and what is left after it."""
    asyncio.run(ask(job, 2))  # Workers and connections to the engine are fresh
    quiet, failed = asyncio.run(ask(job, job["quiet"]))
    samples, windows = [sample()], []
    attack = subprocess.Popen(
        [sys.executable, "soak_attack.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert attack.stdin and attack.stdout
        attack.stdin.write(json.dumps({**job, "key": job["attacker"]}))
        attack.stdin.close()
        ends = time.monotonic() + job["seconds"]
        while time.monotonic() < ends:
            took, lost = asyncio.run(ask(job, job["every"]))
            if attack.poll() is not None and time.monotonic() < ends - job["every"]:
                raise SystemExit(f"the attack ended too soon, with code {attack.returncode}")
            windows.append(took)
            failed += lost
            samples.append(sample())
        sent = json.loads(attack.stdout.read())
    finally:
        attack.kill()
        attack.wait()
    time.sleep(_CALM)
    return {
        "quiet": quiet,
        "windows": windows,
        "failed": failed,
        "samples": samples,
        "calm": sample(),
        "sent": sent,
        "facts": facts(),
    }


def facts() -> dict[str, Any]:
    """Return nginx's version, the cores, and the machine's memory in bytes."""
    said = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    cores = len(os.sched_getaffinity(0))
    return {"nginx": said.strip().rpartition("/")[2], "cores": cores, "memory": total}


if __name__ == "__main__":
    print(json.dumps(measure(json.load(sys.stdin))))
