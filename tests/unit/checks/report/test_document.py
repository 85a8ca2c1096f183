"""Test the report as data."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml
from ansible.module_utils.tgi.checks.report import report_files
from ansible.module_utils.tgi.checks.report.document import SCHEMA, answer
from ansible.module_utils.tgi.checks.results import Report

from tests.support.checks.reports import ALL, EVIL, HOSTILE, row
from tests.support.roots import ROOT


@pytest.mark.parametrize("found", ALL)
def test_documents_are_of_the_documented_form(found: dict[str, Any]) -> None:
    schema = yaml.safe_load((ROOT / "docs" / "checks.schema.json").read_text())
    assert schema["properties"]["schema"]["const"] == SCHEMA
    jsonschema.Draft202012Validator.check_schema(schema)
    read = json.loads(report_files.make_json(found), parse_constant=pytest.fail)
    jsonschema.validate(read, schema)


def test_secrets_are_blotted_out_of_everything() -> None:
    report = Report("edge", "gw1", [("a.b", "")], [row("a.b", "fail", observed="sk-secret-1 seen")])
    assert "sk-secret-1" not in json.dumps(answer(report, ["sk-secret-1"]))
    assert "sk-secret-1" in json.dumps(answer(report))


def test_evidence_is_trimmed() -> None:
    text = json.dumps(HOSTILE["checks"][0])
    assert len(HOSTILE["checks"][0]["evidence"]) <= 1000 and EVIL not in text
