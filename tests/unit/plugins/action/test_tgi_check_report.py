"""Test the role with Ansible: it writes the reports before a bad verdict fails."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from ansible.plugins.action import tgi_check_report

from tests.support.checks.reports import FAILED, PASSED
from tests.support.emulator_process import MODEL, Running, running
from tests.support.playbook import ansible_playbook

REVISION = "0123456789abcdef0123456789abcdef01234567"
HOUSE = {
    "name": "house",
    "model_id": "{{ tgi_models[0].model_id }}",
    "revision": REVISION,
    "aliases": [],
    "port": "{{ tgi_base_port }}",
    "project": "tgi-house",
    "gpus": [],
    "options": {},
}
FACT = {"checks_ready": True, "models": [HOUSE], "deployed": ["house"]}
PLAYS = [
    {
        "hosts": "gpu_hosts",
        "gather_facts": False,
        "tasks": [
            {"ansible.builtin.set_fact": {"tgi_host": FACT, "cacheable": True}},
            {
                "ansible.builtin.fail": {"msg": "the disk is full"},
                "when": "broken | default(false)",
            },
            {"ansible.builtin.import_role": {"name": "checks"}, "vars": {"checks_view": "direct"}},
        ],
    }
]
LATER = [
    {**PLAYS[0], "vars": {"checks_enforce": False}},
    {
        "hosts": "gpu_hosts",
        "gather_facts": False,
        "tasks": [
            {"ansible.builtin.debug": {"msg": "the other view"}},
            {"ansible.builtin.import_role": {"name": "checks", "tasks_from": "verdict"}},
        ],
    },
]


@pytest.fixture(scope="module")
def engine() -> Iterator[Running]:
    with running("--revision", REVISION) as one:
        yield one


def play(
    folder: Path, engine: Running, hosts: dict[str, Any], plays: Any = PLAYS, **more: Any
) -> subprocess.CompletedProcess[str]:
    """Run the role on ``hosts``, which are all this machine; reports go to folder/reports."""
    port = int(engine.url.rpartition(":")[2])
    every = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "tgi_base_port": port,
        "tgi_models": [{"name": "house", "model_id": MODEL, "revision": REVISION}],
        "checks_report_dir": str(folder / "reports"),
        "checks_select": ["health", "identity"],
        "checks_timeout": 5,
        **more,
    }
    inventory = {"gpu_hosts": {"hosts": hosts, "vars": every}, "gateways": {"hosts": {"gw1": {}}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    (folder / "play.yml").write_text(yaml.safe_dump(plays))
    words = ["-i", str(folder / "hosts.yml"), str(folder / "play.yml")]
    return ansible_playbook(*words, ANSIBLE_HOME=str(folder / "home"))


def test_a_passed_run_leaves_reports_and_changes_nothing(tmp_path: Path, engine: Running) -> None:
    done = play(tmp_path, engine, {"gpu1": {}})
    assert done.returncode == 0, done.stdout
    assert "changed=0" in done.stdout
    folder = tmp_path / "reports"
    names = {"index.html", "report-direct-gpu1.json", "junit-direct-gpu1.xml"}
    assert {one.name for one in folder.iterdir()} == names
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o644}
    found = json.loads((folder / "report-direct-gpu1.json").read_text())
    assert found["summary"]["verdict"] == "passed" and found["target"] == "gpu1"
    page = (folder / "index.html").read_text()
    assert "Passed" in page and "Not in this report: the edge view of gw1." in page


def test_an_engine_that_repeats_the_hub_token_is_not_repeated(tmp_path: Path) -> None:
    token = "hf_a-token-never-to-be-shown"
    fault = {"HF_TOKEN": token, "TGI_EMULATOR_FAULTS": "leak-key"}
    with running("--revision", REVISION, env=fault) as engine:
        done = play(
            tmp_path, engine, {"gpu1": {}}, tgi_hf_token=token, checks_select=["generate.reject"]
        )
    assert done.returncode == 0, done.stdout
    assert "hf_token=********" in (tmp_path / "reports/report-direct-gpu1.json").read_text()
    written = "".join(one.read_text() for one in (tmp_path / "reports").iterdir())
    assert token not in done.stdout + written


def test_a_bad_verdict_fails_after_all_is_written(tmp_path: Path, engine: Running) -> None:
    other = [{"name": "house", "model_id": "acme/other", "revision": REVISION}]
    hosts = {"gpu1": {}, "gpu2": {"tgi_models": other}, "gpu3": {"broken": True}}
    done = play(tmp_path, engine, hosts)
    assert done.returncode == 2, done.stdout
    said = " ".join(done.stdout.split())
    assert "Task failed" in said and f"serves {MODEL}, not acme/other" in said
    assert "failed_checks" in said and "tgi-check/1" not in said, "the long report is not printed"
    folder = tmp_path / "reports"
    verdicts = {}
    for host in ("gpu1", "gpu2", "gpu3"):
        found = json.loads((folder / f"report-direct-{host}.json").read_text())
        verdicts[host] = found["summary"]["verdict"]
        suite = ET.parse(folder / f"junit-direct-{host}.xml").getroot()
        bad = int(suite.get("failures", "")) + int(suite.get("errors", ""))
        assert bool(bad) == (verdicts[host] == "failed")
    assert verdicts == {"gpu1": "passed", "gpu2": "failed", "gpu3": "failed"}
    page = (folder / "index.html").read_text()
    assert "Failed" in page and "gpu3 has no verdict" in page


def test_a_verdict_can_wait_for_the_last_play(tmp_path: Path, engine: Running) -> None:
    """Run the other view before the verdict, as playbooks/check.yml does.

    A bad verdict that is not enforced is written and let pass.
    """
    other = [{"name": "house", "model_id": "acme/other", "revision": REVISION}]
    done = play(tmp_path, engine, {"gpu1": {"tgi_models": other}, "gpu2": {}}, plays=LATER)
    assert done.returncode == 2, done.stdout
    assert done.stdout.count("msg: the other view") == 2
    said = " ".join(done.stdout.partition("the other view")[2].split())
    assert f"serves {MODEL}, not acme/other" in said
    recap = dict(re.findall(r"(?m)^(gpu\d).*failed=(\d)", done.stdout))
    assert recap == {"gpu1": "1", "gpu2": "0"}
    found = json.loads((tmp_path / "reports" / "report-direct-gpu1.json").read_text())
    assert found["summary"]["verdict"] == "failed"


def test_a_run_in_which_nothing_was_checked_is_no_pass(tmp_path: Path, engine: Running) -> None:
    """Select only checks of the edge, as with check.yml --tags direct, and write no report."""
    nothing = {"checks_select": ["rate"], "checks_report_dir": ""}
    done = play(tmp_path, engine, {"gpu1": {}}, plays=LATER, **nothing)
    assert done.returncode == 2, done.stdout
    said = " ".join(done.stdout.split())
    assert "nothing was checked; tgi_check (direct): rate selects no check of this view" in said
    assert not (tmp_path / "reports").exists()


def test_any_verdict_of_any_host_is_one_for_the_run() -> None:
    skipped = {"checks_direct_result": {"skipped": True, "msg": "not selected"}}
    passed = {"checks_edge_result": {"summary": {"verdict": "passed"}}}
    assert tgi_check_report.unchecked({"gpu1": skipped, "gw1": passed}) == ""
    assert tgi_check_report.unchecked({"gpu1": skipped, "gpu2": skipped, "gw1": {}}) == (
        "nothing was checked; not selected"
    )


def test_the_verdict_over_both_views_holds_both() -> None:
    def found(view: str, state: str) -> dict[str, Any]:
        shown = {"msg": view, "checks": [view], "failed_checks": [view], "table": view}
        return {**shown, "summary": {"verdict": state, "view": view}}

    direct, edge = found("direct", "failed"), found("edge", "failed")
    assert tgi_check_report.verdict([{}, found("edge", "passed")]) == {}
    assert tgi_check_report.verdict([direct, found("edge", "passed")]) == {"failed": True, **direct}
    both = tgi_check_report.verdict([direct, edge])
    assert both["failed"] and both["msg"] == "direct; edge"
    assert both["failed_checks"] == ["direct", "edge"]


def test_the_page_is_over_both_views_of_this_run(tmp_path: Path) -> None:
    """Write the page in the play of the edge: one host in both groups, some without a verdict."""
    hostvars: dict[str, dict[str, Any]] = {
        "both": {
            "checks_direct_result": {"report": PASSED},
            "checks_edge_result": {"report": FAILED},
        },
        "gw2": {"checks_edge_result": {"unreachable": True, "msg": "no route to host"}},
        "gw3": {
            "checks_edge_result": {"skipped": True, "skip_reason": "Conditional result was False"}
        },
        "gpu2": {},
    }
    gateways = ["both", "gw2", "gw3"]
    variables = {
        "hostvars": hostvars,
        "inventory_hostname": "both",
        "ansible_play_hosts_all": gateways,
        "groups": {"gpu_hosts": ["both", "gpu2"], "gateways": gateways},
    }
    files = tgi_check_report.write(str(tmp_path), "edge", variables)
    names = {Path(one).name for one in files}
    assert {one for one in names if one.startswith("report")} == {
        "report-edge-gw1.json",  # the target in the fake report of "both"
        "report-edge-gw2.json",
        "report-edge-gw3.json",
    }
    page = (tmp_path / "index.html").read_text()
    assert "direct · gpu1" in page and "edge · gw1" in page
    assert "no route to host" in page and "has no verdict" in page
    assert "Not in this report: the direct view of gpu2." in page
    verdicts = [json.loads((tmp_path / f"report-edge-{one}.json").read_text())["summary"]
                for one in ("gw2", "gw3")]  # fmt: skip
    assert [one["verdict"] for one in verdicts] == ["failed", "skipped"]


def test_a_directory_that_cannot_be_written_fails(tmp_path: Path, engine: Running) -> None:
    (tmp_path / "reports").write_text("a file")
    done = play(tmp_path, engine, {"gpu1": {}})
    assert done.returncode == 2 and "cannot write the report" in " ".join(done.stdout.split())
