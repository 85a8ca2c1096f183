"""Test that a failure at the gateway names the hosts that explain it."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.checks.replica_remedies import explain
from ansible.module_utils.tgi.checks.results import FAIL, NOT_JUDGED, PASS, Check
from ansible.module_utils.tgi.checks.selection import Model

OTHER = "max_total_tokens is 1960, 1970 is declared"


def check(observed: str, status: str = FAIL, model: str = "a") -> Check:
    return Check("model.info", "identity", "edge", model, status, "", observed, "", "old", 1)


def remedy(observed: str, **model: object) -> str:
    (one,) = explain([check(observed)], [Model("a", "x/a", **model)])  # type: ignore[arg-type]
    return one.remedy


@pytest.mark.parametrize("observed", ["HTTP 504", "HTTP 502 Bad", "no answer within 30 s"])
def test_a_model_whose_only_host_is_left_out(observed: str) -> None:
    said = remedy(observed, replicas=("gpu2",), absent=("gpu2",))
    assert said.startswith("Only gpu2 can serve it and is not in this run (--limit): if it is off")
    assert remedy(observed, replicas=("gpu1", "gpu2"), absent=("gpu2",)) == "old"
    assert remedy(observed, replicas=("gpu1",)) == "old"


def test_replicas_that_differ() -> None:
    both = ("gpu1", "gpu2")
    unlike = "max_total_tokens is 1970 on gpu1, 1960 on gpu2"
    assert remedy(OTHER, replicas=both, unlike=unlike) == (
        f"Its replicas differ: {unlike}. Declare the same for all of them"
    )
    said = remedy(OTHER, replicas=both, absent=("gpu2",))
    assert said.startswith("gpu2 is not in this run and may still have the old options")
    assert remedy(OTHER, replicas=both) == "old"
    assert remedy("identity differs", replicas=both, absent=("gpu2",)) == "old"


def test_other_checks_keep_their_remedy() -> None:
    model = Model("a", "x/a", replicas=("gpu2",), absent=("gpu2",))
    rows = [check("HTTP 504", PASS), check("HTTP 504", NOT_JUDGED), check("HTTP 504", model="")]
    assert explain(rows, [model]) == rows
