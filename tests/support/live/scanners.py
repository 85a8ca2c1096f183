"""Run public scanners against a gateway, each in an environment of its own."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.live.sites import Site
from tests.support.roots import ROOT

CACHE = ROOT / ".cache" / "scanners"
#: What gixy is not asked, and why what it says is not so here
WAIVED = {
    "proxy_buffering_off": "a stream must not be buffered",
    "if_is_evil": "set, if and return are one module's, which runs them in order; what else is in "
    "the location holds within such an if as well, which test_replicas sees with flags set",
    "missing_resolver": "the variable comes from a map whose every value is an upstream of the "
    "same file: nothing is looked up while requests are served",
    "stale_dns_cache": "the same, as the other heir calls it",
}


def scanner(name: str, program: str) -> str:
    """Return the path of a pinned scanner's program; install it once for each set of pins."""
    pins = ROOT / "requirements" / "scanners" / f"{name}.txt"
    mark = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:12]
    place = CACHE / f"{name}-{mark}"
    if not (place / "ready").exists():
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        pip = [str(place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", str(pins)], check=True)
        (place / "ready").touch()
    return str(place / "bin" / program)


def sslyze(site: Site, profile: str) -> str:
    """Return what sslyze prints; a failed connection exits 0, so only its words count."""
    command = [scanner("sslyze", "sslyze"), "--sni", site.name, "--certinfo_ca_file", str(site.ca)]
    return said([*command, "--mozilla_config", profile, f"{site.address}:443"])


def graded(site: Site) -> list[dict[str, Any]]:
    """Return testssl.sh's findings, each with ``id``, ``severity`` and ``finding``.

    Debian's testssl.sh runs on the scenario's host beside the gateways. Its exit code also reports
    small troubles, such as a retried connection; a scan that ended has a grade.
    """
    beside, place = f"{site.prefix}-acme", f"/tmp/testssl-{site.host}"
    make = f"rm -rf {place}; mkdir {place}; cat > {place}/ca.crt"
    inside = ["docker", "exec", "-i", beside, "sh", "-c"]
    subprocess.run([*inside, make], check=True, input=site.ca.read_bytes())
    # All that the grade needs, and not what each of its simulated clients would choose
    scope = "--protocols --std --server-preference --fs --server-defaults --headers --vulnerable"
    options = f"{scope} --quiet --color 0 --warnings off --ip {site.address}"
    scan = f"testssl {options} --add-ca {place}/ca.crt --jsonfile {place}/out.json {site.name}:443"
    words = said([*inside, scan])
    found: list[dict[str, Any]] = json.loads(said([*inside, f"cat {place}/out.json"]))
    assert any(one["id"] == "overall_grade" for one in found), words[-2000:]
    return found


def gixy(name: str, configuration: str, folder: Path) -> tuple[int, str]:
    """Return exit code (0 is clean) and output of one of gixy's two successors."""
    program = {"gixy-ng": "gixy", "gixy-next": "gixy-next"}[name]
    file = folder / f"{name}.conf"
    file.write_text(configuration, encoding="utf-8")
    command = [scanner(name, program), "--skips", ",".join(WAIVED), str(file)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def s_client(site: Site, options: str) -> str:
    """Return what OpenSSL 3.5 prints of a handshake, made from the host beside the gateways."""
    ask = f"openssl s_client -connect {site.address}:443 -brief {options} </dev/null 2>&1 || true"
    return said(["docker", "exec", f"{site.prefix}-acme", "sh", "-c", ask])


def said(command: list[str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    return done.stdout + done.stderr
