"""Test that deployed.json is read as it was written, and that anything else is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible.module_utils.tgi.models.record import SCHEMA, Record, from_text, to_text

RECORD = Record(
    name="llama-3.1-8b",
    project="tgi-llama-31-8b",
    port=8081,
    gpus=["0", "GPU-5f1c"],
    image="x@sha256:" + "0" * 64,
    model_id="acme/llama",
    revision="1" * 40,
    aliases=["llama", "größer"],
    options_digest="2" * 64,
    deployed_at="2026-11-28T22:00:00Z",
    commit="3" * 40,
)
FIELDS: dict[str, Any] = json.loads(to_text(RECORD))


@pytest.mark.parametrize("record", [RECORD, Record("a", "tgi-a", 1, [])])
def test_everything_written_can_be_read_back(record: Record) -> None:
    assert from_text(to_text(record), "deployed.json") == record


def test_a_field_of_a_later_release_is_no_obstacle() -> None:
    text = json.dumps({**FIELDS, "previous": {}})
    assert from_text(text, "deployed.json") == RECORD


def test_when_and_from_where_it_was_written_makes_no_difference() -> None:
    assert RECORD.same_as(replace(RECORD, deployed_at="later", commit="other"))
    changes: list[dict[str, Any]] = [{"port": 8082}, {"gpus": ["1"]}, {"options_digest": ""}]
    for change in changes:
        assert not RECORD.same_as(replace(RECORD, **change))


WRONG = {
    "nothing": "",
    "half a file": to_text(RECORD)[:100],
    "a list": "[]",
    "no schema": json.dumps({**FIELDS, "schema": None}),
    "schema 0": json.dumps({**FIELDS, "schema": 0}),
    **{f"no {name}": json.dumps({**FIELDS, name: None}) for name in FIELDS if name != "schema"},
    "no name": json.dumps({**FIELDS, "name": ""}),
    "port in quotes": json.dumps({**FIELDS, "port": "8081"}),
    "port that is no port": json.dumps({**FIELDS, "port": 65536}),
    "port true": json.dumps({**FIELDS, "port": True}),
    "GPU that is a number": json.dumps({**FIELDS, "gpus": [0]}),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_damaged_file_is_refused_with_a_remedy(case: str) -> None:
    with pytest.raises(ValueError, match=r"^/opt/x/deployed.json is damaged \(.*\); delete this"):
        from_text(WRONG[case], "/opt/x/deployed.json")


def test_a_newer_schema_is_refused_with_a_remedy() -> None:
    # Whatever other fields the file has
    text = json.dumps({"schema": SCHEMA + 1})
    with pytest.raises(
        ValueError, match=r"^here has schema 2, but this version knows 1 at most; d"
    ):
        from_text(text, "here")
