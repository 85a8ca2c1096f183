"""A tier without limits, and a budget of tokens where njs can count one."""

from __future__ import annotations

from tests.support.live.sites import Site

# Three answers of 8 words are over it
BUDGET = 20
FAST = {"requests_per_second": 100000, "burst": 100000, "concurrent": 0}


#: Gateways of the scenario whose njs can count tokens; Debian 12's cannot.
WITH_BUDGETS = ("gw13", "gworg")


def budget(site: Site) -> dict[str, int]:
    """Return a budget of tokens, or {} where njs has no memory that workers share."""
    packages = {"distro": "libnginx-mod-http-js", "nginx_org": "nginx-module-njs"}
    said = site.run(f"dpkg-query -W -f '${{Version}}' {packages[site.source]}")
    # nginx.org's is nginx's version, and njs's after a plus
    version = said.partition("+")[2].split(".") if site.source == "nginx_org" else said.split(".")
    return {"tokens_per_minute": BUDGET} if (int(version[0]), int(version[1])) >= (0, 8) else {}
