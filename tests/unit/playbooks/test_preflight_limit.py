"""Test what the preflight says of gateways that --limit leaves out."""

from __future__ import annotations

from pathlib import Path

from tests.support.preflight import good_hosts
from tests.support.roots import ROOT


def preflight(folder: Path, *words: str) -> str:
    """Return what playbooks/preflight.yml prints."""
    folder.mkdir()
    playbook = ROOT / "playbooks/preflight.yml"
    return good_hosts.run(folder, playbook, *words, sources=()).stdout


def test_a_bundle_is_proven_also_where_the_limit_leaves_localhost_out(tmp_path: Path) -> None:
    given = ("--limit", "gpu1", "-e", f"bundle={tmp_path}")
    said = " ".join(preflight(tmp_path / "one", *given).split())
    assert "bundle_public_key is empty, so" in said
    assert "Check the inventory and the host" not in said


def test_a_firewall_that_would_block_a_gateway_is_refused_at_once(tmp_path: Path) -> None:
    refused = preflight(tmp_path / "one", "--limit", "gpu1")
    assert "tgi_allowed_sources: the address of edge1, edge2 is unknown, because" in refused
    assert "; run without --limit, or write gateway_address for it" in refused
    assert "tgi_allowed_sources" not in preflight(tmp_path / "all", "--limit", "gpu1,gateways")
    given = ("--limit", "gpu1", "-e", "tgi_allowed_sources=['10.0.0.9']")
    assert "is unknown" not in preflight(tmp_path / "given", *given)
