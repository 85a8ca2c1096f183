"""Measure how long nginx takes to load the configuration, and to serve it after a reload.

usage: python3 reload.py ROUNDS STATUS_PORT    prints {"load": [seconds], "reload": [seconds]}

To tell a reload from the last one, the script links a copy of the release under another version,
and then the release itself, by turns, as the role does.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

MAIN = Path("/etc/nginx/nginx.conf")
_PATIENCE = 20.0


def copy_of(release: Path) -> Path:
    """Return the same configuration under another version, with all paths in it."""
    version = release.parent.name
    other = version[::-1] if version != version[::-1] else "0123456789abcdef"
    copy = release.parent.with_name(other)
    shutil.copytree(release.parent, copy, dirs_exist_ok=True)
    main = copy / release.name
    main.write_text(main.read_text(encoding="utf-8").replace(version, other), encoding="utf-8")
    return main


def timed_load() -> float:
    """Return the seconds of nginx -t."""
    began = time.perf_counter()
    subprocess.run(["nginx", "-t", "-q"], check=True)
    return time.perf_counter() - began


def timed_reload(target: Path, port: str) -> float:
    """Return the seconds from the reload until the status port shows the target's version."""
    new = MAIN.with_name("nginx.conf.bench")
    new.symlink_to(target)
    new.replace(MAIN)
    began = time.perf_counter()
    subprocess.run(["systemctl", "reload", "nginx"], check=True)
    while told(port) != target.parent.name:
        if time.perf_counter() - began > _PATIENCE:
            raise TimeoutError("the new configuration is not served")
        time.sleep(0.005)
    return time.perf_counter() - began


def told(port: str) -> str:
    """Return the version that a new connection gets."""
    url = f"http://127.0.0.1:{port}/config-version"
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode().strip())


def main(rounds: int, port: str) -> None:
    """Measure, and leave all as it was."""
    link, release = MAIN.readlink(), MAIN.resolve()
    copy = copy_of(release)
    times: dict[str, list[float]] = {"load": [], "reload": []}
    try:
        for number in range(2 * rounds):
            times["load"].append(timed_load())
            times["reload"].append(timed_reload(release if number % 2 else copy, port))
    finally:
        new = MAIN.with_name("nginx.conf.bench")
        new.symlink_to(link)
        new.replace(MAIN)
        shutil.rmtree(copy.parent)
    print(json.dumps(times))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
