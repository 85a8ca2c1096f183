"""Start a second daemon for a moment, to check whether dockerd starts with new settings.

A dockerd that fails early unmounts the root file systems of running containers (moby's NewDaemon
shuts down before it has loaded them). They still serve, but no command runs in them. So a second
daemon must fail first. It has its own directories, socket, containerd namespace and network: in the
host's network it would delete docker0 (bridge: none) or take it over.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from .daemon_json import NETWORK
from .daemon_rules import LOG_DRIVERS
from .unit_flags import options

SECONDS = 20
_APART = ["unshare", "--net", "--"]
# Options, as 26.1 cannot read one of them from a file
_NAMESPACES = [
    "--containerd-namespace=tgi-trial",
    "--containerd-plugins-namespace=tgi-trial-plugins",
]
# Settings that two daemons cannot share, or that need plugins of the first one's directory
_LEFT_OUT = NETWORK - {"default-address-pools"} | {"authorization-plugins", "ip6tables"}
_LEFT_OUT |= {"metrics-addr", "graph", "swarm-default-advertise-addr"}
#: Options of the unit on which it depends whether the daemon starts with the file
_PASSED = frozenset({"log-driver", "log-opt", "storage-driver", "storage-opt", "exec-opt"})
_PASSED |= {"add-runtime", "default-runtime", "userns-remap"}


def stage(config: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Return the settings for a second daemon below ``root``."""
    own = {key: value for key, value in config.items() if key not in _LEFT_OUT}
    if str(own.get("log-driver", "local")) not in LOG_DRIVERS:
        own.pop("log-driver")
        own.pop("log-opts", None)
    return {
        **own,
        "data-root": f"{root}/data",
        "exec-root": f"{root}/exec",
        "pidfile": f"{root}/pid",
        "hosts": [f"unix://{root}/sock"],
        "iptables": False,
        "ip6tables": False,
    }


def objection(
    dockerd: str, before: Mapping[str, Any], after: Mapping[str, Any], flags: Collection[str] = ()
) -> str:
    """Return why the daemon would not start with ``after``; "" if it starts, or if unknown.

    ``flags`` are what the unit passes. If it does not start with ``before`` either, the trial
    itself is at fault, not the settings.
    """
    words = try_start(dockerd, after, flags)
    return words if words and not try_start(dockerd, before, flags) else ""


def try_start(dockerd: str, config: Mapping[str, Any], flags: Collection[str] = ()) -> str:
    """Return why the second daemon failed; "" if it started or was too slow."""
    # On the file system of the real one, as storage drivers depend on it
    place = Path(str(config.get("data-root") or "/var/lib/docker"))
    while not place.is_dir():
        place = place.parent
    root = Path(tempfile.mkdtemp(prefix=".tgi-trial-", dir=place))
    try:
        (root / "daemon.json").write_text(json.dumps(stage(config, root)))
        file = str(root / "daemon.json")
        passed = [word for name, words in options(flags) if name in _PASSED for word in words]
        command = [*_APART, dockerd, "--config-file", file, *_NAMESPACES, *passed]
        return _watch(command, root / "log")
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _watch(command: list[str], log: Path) -> str:
    deadline = time.monotonic() + SECONDS
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        while time.monotonic() < deadline:
            died = daemon.poll() is not None
            said = log.read_text(errors="replace")
            if "completed initialization" in said or "API listen on" in said:
                return ""
            if died:
                return _last_words(said)
            time.sleep(0.1)
        return ""
    finally:
        daemon.terminate()
        try:
            daemon.wait(15)
        except subprocess.TimeoutExpired:
            daemon.kill()


def _last_words(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    found = [line for line in lines if "failed to start" in line] or lines
    last = found[-1] if found else "it ended without a word"
    return re.sub(r"/\S{0,500}/\.tgi-trial-\w+/", "", last)
