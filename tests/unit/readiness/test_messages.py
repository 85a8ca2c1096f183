"""The result of one model as plain data."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.tgi.readiness.messages import as_result, failure_text, progress_line
from ansible.module_utils.tgi.readiness.state import Failure, Status

FAILURE = Failure("gated", "gated repository", "docker logs CONTAINER", 1, ("a line",))
STATUSES = [
    Status("m", "ready", True, 9.87, container="tgi-m-tgi-1"),
    Status("m", "load", elapsed=24.01, allowed=1200.0, detail="Starting shard", restarts=1),
    Status("m", "download", container="tgi-m-tgi-1", failure=FAILURE),
    Status("m", "steady", elapsed=12.4, allowed=45.0),
]


@pytest.mark.parametrize("status", STATUSES, ids=lambda one: one.phase)
def test_a_result_holds_plain_values_only(status: Status) -> None:
    assert json.loads(json.dumps(as_result("gpu1", status))) == as_result("gpu1", status)


def test_a_model_that_is_watched_says_for_how_long() -> None:
    assert progress_line("gpu1", STATUSES[3]) == "gpu1 m: ready, watched for 12 of 45 s"


def test_a_failure_says_when_it_came() -> None:
    phases = {"absent": " failed: ", "load": " failed while loading shards: ",
              "steady": " failed after it was ready: "}  # fmt: skip
    for phase, words in phases.items():
        said = failure_text("gpu1", [Status("m", phase, failure=FAILURE)])
        assert f"model m{words}gated repository (exit code 1). Remedy: docker logs m." in said


def test_the_remedy_names_the_container() -> None:
    assert as_result("gpu1", STATUSES[2])["remedy"] == "docker logs tgi-m-tgi-1"
