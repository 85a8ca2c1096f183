"""Test the report as a table of text."""

from __future__ import annotations

from dataclasses import replace

import yaml
from ansible.module_utils.tgi.checks.report.text_table import make_table
from ansible.module_utils.tgi.checks.results import Check, Report


def row(name: str, status: str, model: str = "") -> Check:
    return Check(name, "g", "direct", model, status, "e", "seen", "", f"mend {name}", 1)


def test_the_table_is_a_block_of_text_for_ansible_too() -> None:
    ship = replace(row("a", "pass"), observed="\u65e5\u672c \U0001f6a2")
    table = make_table(Report("direct", "gpu1", [("a", "")], [ship]))
    assert table.endswith("\u65e5\u672c U+1F6A2")
    assert (
        yaml.dump(table, allow_unicode=True, default_style="|", Dumper=yaml.CSafeDumper)[0] == "|"
    )
