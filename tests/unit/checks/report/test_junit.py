"""Test the report as JUnit XML."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from ansible.module_utils.tgi.checks.report.document import document
from ansible.module_utils.tgi.checks.report.junit import make_junit
from ansible.module_utils.tgi.checks.results import Report

from tests.support.checks.reports import ALL, CAUSED, FAILED, PASSED, row


def suites(found: dict[str, Any]) -> tuple[ET.Element, ET.Element]:
    root = ET.fromstring(make_junit(found))
    (suite,) = root.findall("testsuite")
    return root, suite


@pytest.mark.parametrize("found", ALL)
def test_junit_is_as_jenkins_and_gitlab_read_it(found: dict[str, Any]) -> None:
    root, suite = suites(found)
    assert root.tag == "testsuites"
    cases = suite.findall("testcase")
    assert [child.tag for child in suite] == ["properties"] + ["testcase"] * len(cases)
    assert len({(one.get("classname"), one.get("name")) for one in cases}) == len(cases)
    for element in (root, suite):
        counts = {name: int(element.get(name, "")) for name in
                  ("tests", "failures", "errors", "skipped")}  # fmt: skip
        assert counts["tests"] == len(cases)
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert counts[name] == len(suite.findall(f"testcase/{tag}"))
        float(element.get("time", ""))
    bad = suite.findall("testcase/failure") + suite.findall("testcase/error")
    assert bool(bad) == (found["summary"]["verdict"] == "failed")
    assert all(one.get("message") for one in (*bad, *suite.findall("testcase/skipped")))
    assert not suite.get("timestamp", "Z").endswith("Z")


def test_junit_says_what_and_what_to_do_in_seconds() -> None:
    _, suite = suites(FAILED)
    case = next(one for one in suite.iter("testcase") if one.get("name") == "chat.basic small")
    assert case.get("classname") == "edge.gw1.chat" and case.get("time") == "0.140"
    failure = case.find("failure")
    assert failure is not None and failure.get("message") == "HTTP 424"
    assert failure.get("type") == "critical"
    lines = (failure.text or "").splitlines()
    assert lines == ["expected: text", "observed: HTTP 424", "remedy: Read the log"]
    warned = suite.find("testcase[@name='auth.header']/system-out")
    assert warned is not None and (warned.text or "").startswith("warned")
    _, suite = suites(PASSED)
    left = suite.find("testcase[@name='tools.forced small']/skipped")
    assert left is not None and left.get("message") == "no tools (checks_without_tools)"


def test_junit_is_red_when_something_planned_did_not_run() -> None:
    found = document(Report("direct", "gpu1", [("a", ""), ("b", "")], [row("a")]))
    _, suite = suites(found)
    assert suite.get("errors") == "1" and suite.get("tests") == "2"


def test_junit_skips_a_consequence_and_names_its_cause() -> None:
    _, suite = suites(CAUSED)
    lost = suite.find("testcase[@name='chat.basic small']/skipped")
    assert lost is not None and lost.get("message") == "consequence of chat.template"
    assert suite.get("failures") == "2" and suite.get("skipped") == "1"
