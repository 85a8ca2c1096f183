"""The result of one model as plain data."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.tgi.readiness.messages import as_result
from ansible.module_utils.tgi.readiness.state import Failure, Status

FAILURE = Failure("gated", "gated repository", "docker logs CONTAINER", 1, ("a line",))
STATUSES = [
    Status("m", "ready", True, 9.87, container="tgi-m-tgi-1"),
    Status("m", "load", elapsed=24.01, allowed=1200.0, detail="Starting shard", restarts=1),
    Status("m", "download", container="tgi-m-tgi-1", failure=FAILURE),
]


@pytest.mark.parametrize("status", STATUSES, ids=lambda one: one.phase)
def test_a_result_holds_plain_values_only(status: Status) -> None:
    assert json.loads(json.dumps(as_result("gpu1", status))) == as_result("gpu1", status)


def test_the_remedy_names_the_container() -> None:
    assert as_result("gpu1", STATUSES[2])["remedy"] == "docker logs tgi-m-tgi-1"
