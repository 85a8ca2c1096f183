"""Tell from the engine's version whether neighbours can reach containers past published ports."""

from __future__ import annotations

import re

from ..common.commands import Ask

#: From this release on, the engine itself drops what other hosts send to a container's own address
_CLOSED_SINCE = 28


def lets_neighbours_in(ask: Ask) -> bool | None:
    """Return whether a neighbour with a route reaches the containers' own addresses.

    None: there is no engine, or it does not answer.
    """
    code, text = ask(["docker", "version", "--format", "{{.Server.Version}}"])
    version = re.match(r"(\d+)\.", text)
    return int(version.group(1)) < _CLOSED_SINCE if code == 0 and version else None
