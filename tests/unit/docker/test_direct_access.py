"""Test which engines let neighbours reach the containers' own addresses."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.common.commands import CommandResult
from ansible.module_utils.tgi.docker.direct_access import lets_neighbours_in


@pytest.mark.parametrize(
    ("said", "open_"),
    [
        ((0, "26.1.5+dfsg1\n"), True),
        ((0, "20.10.24\n"), True),
        ((0, "28.0.0-rc.1\n"), False),
        ((0, "29.7.2\n"), False),
        ((1, "27.0.1\nCannot connect to the Docker daemon"), None),
        ((0, "<no value>\n"), None),
        ((None, ""), None),
    ],
)
def test_which_engines_let_neighbours_in(said: tuple[int | None, str], open_: bool | None) -> None:
    assert lets_neighbours_in(lambda _: CommandResult(*said)) is open_
