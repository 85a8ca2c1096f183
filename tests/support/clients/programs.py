"""Run the unmodified clients of tests/clients, each in the environment that its lock file names."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.emulator_process import running
from tests.support.live.endpoints import Endpoint
from tests.support.roots import ROOT

FOLDER = ROOT / "tests" / "clients"
LOCK = ROOT / "requirements" / "clients.txt"
CACHE = ROOT / ".cache" / "clients"
#: Litellm would else ask the internet for prices, and wait.
_QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_COLOR": "1"}
PROGRAMS = ("python", "node")


@dataclass(frozen=True)
class Side:
    """Where clients ask: with a CA of its own, and a name that resolves to loopback."""

    url: str
    model: str
    key: str = "sk-unused"
    ca: Path | None = None
    name: str = ""

    def asked(self) -> dict[str, str]:
        return {"url": self.url, "model": self.model, "key": self.key}


def environment(sides: Iterable[Side]) -> dict[str, str]:
    """Return what a client gets besides URL and key: the CA to trust."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    for ca in {side.ca for side in sides if side.ca}:
        kept |= {"SSL_CERT_FILE": str(ca), "NODE_EXTRA_CA_CERTS": str(ca)}
    return {**kept, **_QUIET}


def python() -> Path:
    """Return the interpreter with the Python clients; make it once for each lock file."""
    mark = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:12]
    place = CACHE / f"python-{mark}"
    if not (place / "ready").exists():
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
        # 85 packages: uv takes seconds where pip takes more than a minute
        install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"]
        into = ["--python", str(place / "bin" / "python"), "--require-hashes", "-r", str(LOCK)]
        subprocess.run([*install, *into], check=True)
        (place / "ready").touch()
    return place / "bin" / "python"


def node() -> Path:
    """Return a folder with the Node clients and our programs; install once for each lock file."""
    lock = FOLDER / "package-lock.json"
    place = CACHE / f"node-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    place.mkdir(parents=True, exist_ok=True)
    for file in (*FOLDER.glob("*.mjs"), FOLDER / "package.json", lock, FOLDER / ".npmrc"):
        shutil.copy(file, place)
    if not (place / "ready").exists():
        install = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        subprocess.run(install, cwd=place, check=True)
        (place / "ready").touch()
    return place


def outcomes(sides: Mapping[str, Side], program: str) -> dict[str, dict[tuple[str, str], str]]:
    """Run the clients of one language; return what came by side, then by row and client."""
    if program == "python":
        command, folder = [str(python()), "-m", "tests.clients.python_clients"], ROOT
    else:
        folder = node()
        command = ["node", "node_clients.mjs"]
    asked = json.dumps({side: one.asked() for side, one in sides.items()})
    with resolving(next((one.name for one in sides.values() if one.name), "")) as before:
        done = subprocess.run(
            [*before, *command], input=asked, cwd=folder, env=environment(sides.values()),
            text=True, capture_output=True, check=False, timeout=600,
        )  # fmt: skip
    found: dict[str, dict[tuple[str, str], str]] = {side: {} for side in sides}
    for line in done.stdout.splitlines():
        if line.startswith('{"side"'):
            one = json.loads(line)
            found[one["side"]][one["row"], one["client"]] = one["outcome"]
    if done.returncode or not all(found.values()):
        raise RuntimeError(f"the clients broke off: {done.stderr[-2000:]}")
    return found


@contextlib.contextmanager
def resolving(name: str) -> Iterator[list[str]]:
    """Yield what stands before a command so that, for it alone, the name is 127.0.0.1 (as root)."""
    if not name:
        yield []
        return
    with tempfile.NamedTemporaryFile("w", prefix="hosts-") as file:
        file.write(f"127.0.0.1 localhost {name}\n")
        file.flush()
        Path(file.name).chmod(0o644)
        script = 'mount --bind "$0" /etc/hosts && exec "$@"'
        yield ["unshare", "--mount", "sh", "-c", script, file.name]


@contextlib.contextmanager
def engine() -> Iterator[Side]:
    """Yield TGI's own port: the emulator, in a process of its own."""
    limits = ("--max-input-tokens", "1024", "--max-total-tokens", "2048")
    with running(*limits) as tgi:
        yield Side(tgi.url, "scribe")


def edge(endpoint: Endpoint, model: str) -> Side:
    """Return a gateway as its clients reach it: by its name, with a key, trusting the site's CA."""
    url = f"https://{endpoint.server_name}:{endpoint.https_port}"
    ca = endpoint.state / "ca" / "ca.crt"
    return Side(url, model, endpoint.key, ca, endpoint.server_name)
