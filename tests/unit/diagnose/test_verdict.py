"""Name the cause of each trouble in the tables, from the observations of all sides."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.diagnose.chain import CHAIN, LINKS
from ansible.module_utils.tgi.diagnose.look.asked_checks import NOT_ASKED
from ansible.module_utils.tgi.diagnose.verdict import judge, read_picture
from ansible.module_utils.tgi.diagnose.verdict_text import Verdict

from tests.support.diagnose import troubles_edge, troubles_host
from tests.support.diagnose.pictures import CARD, MACHINE, Case

TABLE = {**troubles_edge.TABLE, **troubles_host.TABLE}


def verdict_of(case: Case) -> Verdict:
    return judge(read_picture(case.results()))


def test_nothing_is_lost_between_the_tables() -> None:
    one, other = troubles_edge.TABLE, troubles_host.TABLE
    assert len(TABLE) == len(one) + len(other) >= 25


@pytest.mark.parametrize("trouble", TABLE)
def test_the_cause_is_named(trouble: str) -> None:
    put, link, host, remedy, breaks = TABLE[trouble]
    case = Case()
    put(case)
    verdict = verdict_of(case)
    assert verdict.cause is not None
    assert (verdict.cause.link, verdict.cause.host) == (link, host)
    assert remedy in verdict.cause.found.remedy
    assert {one.link for one in verdict.outward} == breaks
    assert verdict.others == []
    title = LINKS[link].title
    assert verdict.line.startswith(f"BROKEN: {title}") and f" on {host}: " in verdict.line
    assert ". Remedy: " in verdict.line and "\n" not in verdict.line
    assert not verdict.passed


def test_all_well() -> None:
    verdict = verdict_of(Case())
    assert verdict.passed and verdict.cause is None
    assert [one for one in verdict.findings if one.found.state != "ok"] == []
    all_of_them = f"Nothing is broken: {len(CHAIN)} of {len(CHAIN)} links are ok. "
    assert verdict.line == f"{all_of_them}Not asked here, but by playbooks/check.yml: {NOT_ASKED}."


def test_a_line_for_each_link_in_order() -> None:
    case = Case()
    TABLE["name does not resolve"][0](case)
    verdict = verdict_of(case)
    assert [row["link"] for row in verdict.rows()] == [link.id for link in CHAIN]
    states = {row["link"]: row["state"] for row in verdict.rows()}
    assert states["name"] == "broken" and states["connect"] == states["chat"] == "not reached"
    lines = verdict.table().splitlines()
    assert lines[0] == verdict.line and len(lines) == len(CHAIN) + 2


@pytest.mark.parametrize("side", ["clients", "gateways", "gpus"])
def test_a_side_that_was_not_asked_is_left_out(side: str) -> None:
    results = Case().results()
    results[side] = {"x": {}}
    verdict = judge(read_picture(results))
    assert "x" not in {one.host for one in verdict.findings}
    assert verdict.passed == (side != "clients")


def test_nothing_seen_is_not_well() -> None:
    verdict = judge(read_picture({"clients": {}, "gateways": {}, "gpus": {}}))
    assert not verdict.passed and verdict.line.startswith(
        "UNKNOWN: the endpoint could not be inspected"
    )


def test_an_unreadable_inventory_is_reported() -> None:
    results = Case().results()
    results["clients"] = {"gw1": {"failed": True, "msg": "'vault_key' is undefined"}}
    verdict = judge(read_picture(results))
    assert not verdict.passed and "'vault_key' is undefined" in verdict.line


def test_a_host_without_a_password_for_root_is_reported_too() -> None:
    case = Case()
    case.gpu = {"host": "gpu1", "blind": "Missing sudo password"}
    line = verdict_of(case).line
    assert "Not judged: which model answers, and its text, of small." in line
    assert line.endswith("Not inspected: gpu1.")
    case.chat_is(502)
    case.replica.update(ready=False, listening=False, detail="GET /health: Connection refused")
    line = verdict_of(case).line
    assert line.startswith("BROKEN: way to the engine of small on gw1")
    assert line.endswith("Not inspected: gpu1.")


def test_two_models_two_causes() -> None:
    case = Case()
    TABLE["out of GPU memory"][0](case)
    other = Case()
    other.loading()
    for mine, its in ((case.client, other.client), (case.gateway, other.gateway),
                      (case.gpu, other.gpu)):  # fmt: skip
        mine["models"].append({**its["models"][0], "name": "other"})
    verdict = verdict_of(case)
    assert verdict.cause and (verdict.cause.link, verdict.cause.model) == ("log", "small")
    assert {one.model for one in verdict.outward} == {"small"}
    assert [(one.link, one.model) for one in verdict.others] == [("log", "other")]
    assert "Also broken: log of other on gpu1" in verdict.line


def test_one_dead_replica_of_two_fails_no_request() -> None:
    case = Case()
    dead = Case()
    TABLE["gated model"][0](dead)
    dead.gpu["host"] = "gpu2"
    case.gateway["models"][0]["replicas"].append({**dead.replica, "name": "gpu2"})
    results = case.results()
    results["gpus"]["gpu2"] = {"seen": dead.gpu}
    verdict = judge(read_picture(results))
    assert verdict.cause and (verdict.cause.link, verdict.cause.host) == ("log", "gpu2")
    assert {one.link for one in verdict.outward} == {"upstream", "container"}


def test_an_old_trouble_is_history() -> None:
    case = Case()
    case.gateway["errors"] = [
        {"kind": "files", "age": 4000, "count": 2, "upstream": "", "line": "Too many open files"}
    ]
    case.gpu["kernel"] = {"readable": True, "oom": [{"age": 60, "what": "cc1plus"}],
                          "xid": [{"age": 90000, "gpu": "PCI", "number": 79}]}  # fmt: skip
    case.gpu["cards"] = [{**CARD, "throttled": ["the power cap"]}]
    assert verdict_of(case).passed


def line(kind: str, age: int) -> dict[str, Any]:
    return {"kind": kind, "age": age, "count": 1, "upstream": "", "line": f"a line of {kind}"}


def test_on_the_cpu_nothing_is_asked_of_gpus() -> None:
    case = Case()
    case.model["gpus"] = []
    case.gpu.update(gpus={"wanted": False, "problems": [], "count": 0}, cards=[], holders=[])
    assert verdict_of(case).passed


def test_the_machine_is_seen_on_both_kinds_of_hosts() -> None:
    assert set(MACHINE) <= set(Case().gateway) and set(MACHINE) <= set(Case().gpu)
