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


def test_a_consequence_names_its_cause_and_has_no_remedy() -> None:
    lost = replace(row("b", "not_judged", "m"), consequence_of="a m", remedy="",
                   observed="consequence of a")  # fmt: skip
    rows = [row("z", "fail", "m"), row("a", "fail", "m"), lost]
    table = make_table(Report("direct", "gpu1", [(one.id, "m") for one in rows], rows))
    lines = table.splitlines()
    assert "0 errors, 1 not judged, " in lines[0]
    assert lines[4].split() == ["m", "b", "not", "judged", "1", "consequence", "of", "a"]
    assert lines[5:] == ["remedy for a m: mend a", "remedy for z m: mend z"]
