"""Test signs of a restarted container."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible.module_utils.tgi.checks import model_container
from ansible.module_utils.tgi.checks.model_container import restarted
from ansible.module_utils.tgi.docker.compose_containers import Container, DockerError

BOX = Container("a1", "tgi-1", "tgi", "running", 1.0, 2.0, 0.0, 0, "", False, 0)


@pytest.mark.parametrize(
    ("before", "after", "sign"),
    [
        (None, None, ""),
        (None, BOX, ""),
        (BOX, BOX, ""),
        (BOX, None, "is gone"),
        (BOX, replace(BOX, id="b2"), "was replaced"),
        (BOX, replace(BOX, restarts=1, started=9.0), "restart count 0, now 1"),
        (BOX, replace(BOX, started=9.0), "started again"),
        (BOX, replace(BOX, status="exited"), "it is exited"),
        (BOX, DockerError("no answer"), ""),
        (DockerError("no answer"), None, ""),
    ],
)
def test_container(before: model_container.Seen, after: model_container.Seen, sign: str) -> None:
    found = restarted(before, after)
    assert (sign in found) if sign else not found
