"""The chain of links: every explanation leads to another link, and never back to itself."""

from __future__ import annotations

import re

from ansible.module_utils.tgi.checks.catalogue_direct import DIRECT
from ansible.module_utils.tgi.diagnose.chain import CHAIN, LINKS
from ansible.module_utils.tgi.diagnose.look.asked_checks import BY_LINK

from tests.support.roots import ROOT

TGI = ROOT / "module_utils/tgi"


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


def test_the_causes_of_a_log_are_those_that_it_is_read_for() -> None:
    """A cause that was renamed would explain nothing any more."""
    sources = [*(TGI / "engines/tgi").glob("*.py"), *(TGI / "readiness").glob("*.py")]
    known = set(re.findall(r'"([a-z_]+)"', "".join(path.read_text() for path in sources)))
    codes = {code for link in CHAIN for code in link.breaks.get("log", ())}
    assert codes - known == set()


def test_what_the_checks_are_asked_exists() -> None:
    ids = {one for many in BY_LINK.values() for one in many}
    assert ids <= {spec.id for spec in DIRECT} and set(BY_LINK) <= set(LINKS)
