"""Read which nginx a host has, and check that it can do what the variables ask."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...common.commands import Run
from ...common.places import GATEWAY_ACME, GATEWAY_CONFIGURATION
from ...common.problem import problem
from .edited import origin_of
from .release import ReleaseLink

#: The first njs with a dictionary that nginx's workers share
SHARED_MEMORY = (0, 8)
_NJS_PACKAGES = ("libnginx-mod-http-js", "nginx-module-njs")
# nginx.org's packages have nginx's own version before njs's
_NJS = re.compile(r"^\S*(?:njs|http-js) (?:[0-9]:)?(?:\S+\+)?([0-9]+\.[0-9.]+)", re.M)


def inspect_nginx(
    run: Run,
    njs_module: str,
    oldest: str,
    source: str,
    acme_packages: Iterable[str],
    root: Path = Path("/"),
) -> dict[str, Any]:
    """Return what the gateway's templates and tasks need to know of the host.

    Keys: those of :func:`read_versions`; installed (nginx and njs are), ipv6 (the host has it),
    ours (a gateway is in force), acme (certbot's files for it exist), certificates (their
    names), certbot (all ``acme_packages`` are installed). ``root`` is where etc and proc are.
    """
    build = "".join(run(["sh", "-c", "nginx -V"])[1:])
    show = ["dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\\n"]
    wanted = list(acme_packages)
    packages = run([*show, *_NJS_PACKAGES, *wanted])[1]
    here = {line.split()[0] for line in packages.splitlines() if line.endswith(" installed")}
    found = read_versions(build, packages, oldest, source)
    main = root / "etc/nginx/nginx.conf"
    link = ReleaseLink(main, Path(GATEWAY_CONFIGURATION))
    ours = link.version() or origin_of(link)
    acme = root / GATEWAY_ACME.lstrip("/")
    return {
        **found,
        "installed": found["present"] and (root / njs_module.lstrip("/")).exists(),
        "ipv6": (root / "proc/net/if_inet6").exists(),
        "ours": bool(ours),
        "acme": (acme / "cli.ini").exists(),
        "certificates": sorted(path.stem for path in (acme / "renewal").glob("*.conf")),
        "certbot": here.issuperset(wanted),
    }


def read_versions(build: str, packages: str, oldest: str, source: str) -> dict[str, Any]:
    """Return the versions in the output of ``nginx -V`` and in lines of "package version …".

    Keys: present (nginx is installed), nginx (``oldest`` when it is not), openssl (the one it
    runs with), njs (empty when its package is unknown), layout (distro or nginx_org: the source
    of its package, ``source`` when there is none).
    """
    nginx = re.search(r"^nginx version: nginx/([0-9.]+)", build, re.M)
    running = re.search(r"running with OpenSSL ([0-9.]+)", build)
    openssl = running or re.search(r"built with OpenSSL ([0-9.]+)", build)
    njs = _NJS.search(packages)
    if nginx:
        theirs = "--user=nginx" in build or re.search(r"^nginx-module-njs ", packages, re.M)
        source = "nginx_org" if theirs else "distro"
    return {
        "present": bool(nginx),
        "nginx": nginx.group(1) if nginx else oldest,
        "openssl": openssl.group(1) if openssl else "3.0.0",
        "njs": njs.group(1) if njs else "",
        "layout": source,
    }


def nginx_host_problems(tiers: Any, nginx: Mapping[str, Any]) -> list[str]:
    """Return the reasons why ``nginx`` (of :func:`inspect_nginx`) cannot do what is asked.

    Token budgets need memory that nginx's workers share. An njs that is not installed yet passes.
    """
    parts = [int(part) for part in str(nginx["njs"]).split(".")[:2] if part]
    if not parts or tuple(parts) >= SHARED_MEMORY:
        return []
    return [
        problem(
            f"gateway_tiers.{name}.tokens_per_minute",
            f"needs njs 0.8, this host has {nginx['njs']}",
            "leave it out, use Debian 13 or Ubuntu 24.04, or write gateway_nginx_source: nginx_org",
        )
        for name, tier in (tiers.items() if isinstance(tiers, dict) else ())
        if isinstance(tier, dict) and tier.get("tokens_per_minute")
    ]
