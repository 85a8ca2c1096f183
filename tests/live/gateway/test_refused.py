"""Check that values which nginx would misread are refused before any change."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

from tests.support.live.nginx_on_host import STATE
from tests.support.live.sites import Site
from tests.support.live.token_budget import BUDGET, FAST

HOSTILE: dict[str, Any] = {
    "gateway_server_name": "llm.test; return 200 $host",
    "gateway_tiers": {"free": FAST, 'a"; b': FAST, "$tier": FAST},
    "gateway_consumers": [{"name": 'x";\n}', "tier": "free$", "keys": ["k" * 64]}],
    "gateway_trusted_proxies": ["10.0.0.0/8; return 200"],
    "gateway_real_ip_header": "X-A; }",
    "gateway_backends": [
        {
            "name": 'm"; }',
            "model_id": "x\ny",
            "aliases": ['a$b"', "c\nd", "{{ '{{' }} 7 }}"],
            "replicas": [{"name": "one;", "address": "127.0.0.1:9001; }"}],
        }
    ],
}
# The places in it
NAMED = """
server_name tiers.a" tiers.$tier consumers[0].name consumers[0].tier trusted_proxies[0]
real_ip_header backends[0].name backends[0].model_id backends[0].aliases[0] backends[0].aliases[1]
backends[0].aliases[2] backends[0].replicas[0].name backends[0].replicas[0].address
"""


@pytest.mark.hosts("gw12")
@pytest.mark.enough("gw12")
def test_a_budget_is_refused_where_nothing_can_count_it(site: Site) -> None:
    before = site.run(STATE)
    tiers = {name: {**FAST, "tokens_per_minute": BUDGET} for name in ("free", "slow", "default")}
    done = site.play(gateway_tiers=tiers)
    assert done.returncode != 0
    assert told(done, "gateway_tiers.free.tokens_per_minute needs njs 0.8, this host has 0.7")
    assert " changed=0 " in done.stdout
    assert site.run(STATE) == before


def test_what_would_become_configuration_is_refused_by_its_name(site: Site) -> None:
    before = site.run(STATE)
    done = site.play(**HOSTILE)
    assert done.returncode != 0
    unnamed = [name for name in NAMED.split() if not told(done, f"gateway_{name}")]
    assert unnamed == []
    assert " changed=0 " in done.stdout
    assert site.run(STATE) == before


def told(done: subprocess.CompletedProcess[str], start: str) -> bool:
    """Tell whether some line says what is wrong there, and what to write instead."""
    lines = (line.strip().removeprefix("- ") for line in done.stdout.splitlines())
    return any(line.startswith(start) and re.search("; (write|leave) ", line) for line in lines)
