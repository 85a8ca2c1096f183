"""Unmodified clients at the gateways and on TGI's own port, as docs/clients.md says.

Python's ask the gateway on Debian 12, whose njs is the oldest, and Node's the one on Debian 13.
"""

from __future__ import annotations

import pytest

from tests.support.clients import expectations, programs
from tests.support.live.endpoints import load_endpoints

ASKS = {"python": "edge12", "node": "edge13"}


@pytest.mark.parametrize("program", programs.PROGRAMS)
def test_every_row_is_right_or_refused_in_words(inventory: str, program: str) -> None:
    found = {endpoint.host: endpoint for endpoint in load_endpoints(inventory)}
    gateway = programs.edge(found[ASKS[program]], "scribe")
    with programs.engine() as engine:
        outcomes = programs.outcomes({"engine": engine, "edge": gateway}, program)
    wrong = [line for side in outcomes for line in expectations.surprises(outcomes[side], side)]
    assert not wrong, "\n".join(wrong)
