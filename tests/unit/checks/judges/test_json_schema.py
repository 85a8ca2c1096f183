"""Test how a value that does not fit its schema is reported."""

from __future__ import annotations

from ansible.module_utils.tgi.checks.judges.json_schema import schema_problem


def test_the_schema_says_where() -> None:
    schema = {"type": "object", "properties": {"a": {"items": {"type": "integer"}}}}
    assert schema_problem({"a": [1, 2]}, schema) == ""
    assert schema_problem({"a": [1, "x"]}, schema).startswith("a/1: 'x' is not of type")
    assert schema_problem([], schema).startswith("[] is not of type")
