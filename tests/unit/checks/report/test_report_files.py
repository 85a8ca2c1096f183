"""The report as JSON and JUnit XML, and how files get to their places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml
from ansible.module_utils.tgi.checks.report import report_files
from ansible.module_utils.tgi.checks.report.document import SCHEMA, answer, document, no_verdict
from ansible.module_utils.tgi.checks.report.junit import make_junit
from ansible.module_utils.tgi.checks.report.report_files import file_name, write_reports
from ansible.module_utils.tgi.checks.results import Report

from tests.support.reports import EVIL, FAILED, HOSTILE, PASSED, make, row
from tests.support.roots import ROOT

NO_VERDICT = no_verdict("direct", "gpu9", "unreachable")
SKIPPED = no_verdict("edge", "gw9", "nothing is published yet", skipped=True)
ALL = [PASSED, FAILED, HOSTILE, NO_VERDICT, SKIPPED]


@pytest.mark.parametrize("found", ALL)
def test_documents_are_of_the_documented_form(found: dict[str, Any]) -> None:
    schema = yaml.safe_load((ROOT / "docs" / "checks.schema.json").read_text())
    assert schema["properties"]["schema"]["const"] == SCHEMA
    jsonschema.Draft202012Validator.check_schema(schema)
    read = json.loads(report_files.make_json(found), parse_constant=pytest.fail)
    jsonschema.validate(read, schema)


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


@pytest.mark.parametrize(
    "code", [*range(0x20), 0x7F, 0x85, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x1F600]
)
def test_no_character_breaks_a_file(code: int, tmp_path: Path) -> None:
    word = f"a{chr(code)}b"
    found = make("direct", word, row("chat.basic", "fail", word, observed=word, evidence=word,
                                     expected=word, remedy=word))  # fmt: skip
    for path in write_reports(str(tmp_path), [found]):
        text = Path(path).read_text(encoding="utf-8")
        if path.endswith("xml"):
            ET.fromstring(text.encode())
        if path.endswith("json"):
            json.loads(text)


def test_names_are_stable_and_never_shared() -> None:
    assert file_name("gpu1.example.org") == "gpu1.example.org"
    names = ["gpu1", "gpu/1", "gpu:1", "gpu_1", "../gpu1", "[::1]:80", "g" * 300, "g" * 299 + "h"]
    made = [file_name(name) for name in names]
    assert len(set(made)) == len(names)
    assert all("/" not in one and len(one) < 120 for one in made)


def test_secrets_are_blotted_out_of_everything() -> None:
    report = Report("edge", "gw1", [("a.b", "")], [row("a.b", "fail", observed="sk-secret-1 seen")])
    assert "sk-secret-1" not in json.dumps(answer(report, ["sk-secret-1"]))
    assert "sk-secret-1" in json.dumps(answer(report))


def test_evidence_is_trimmed() -> None:
    text = json.dumps(HOSTILE["checks"][0])
    assert len(HOSTILE["checks"][0]["evidence"]) <= 1000 and EVIL not in text
