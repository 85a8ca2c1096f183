"""The chain of links: every explanation leads to another link, and never back to itself."""

from __future__ import annotations

from ansible.module_utils.tgi.diagnose.chain import CHAIN, LINKS


def test_what_explains_leads_somewhere() -> None:
    ids = [link.id for link in CHAIN]
    assert len(ids) == len(set(ids))
    for link in CHAIN:
        assert set(link.breaks) <= set(ids), link.id
    # No link explains itself, on any way
    for link in CHAIN:
        ways, seen = [link.id], set()
        while ways:
            for effect in LINKS[ways.pop()].breaks:
                assert effect != link.id, link.id
                if effect not in seen:
                    seen.add(effect)
                    ways.append(effect)
