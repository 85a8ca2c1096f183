"""Test that one run of the preflight names each wrong value that the types admit."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.support.preflight.playbook_hosts import problems, run, variables
from tests.support.roots import ROOT

WRONG = yaml.safe_load((ROOT / "tests/support/preflight/wrong_values.yml").read_text())


def test_each_wrong_value_is_one_line(tmp_path: Path) -> None:
    output = run(tmp_path, yaml.safe_dump(variables(**WRONG["inventory"])))
    assert sorted(problems(output)) == WRONG["lines"]
    assert not any(secret in output for secret in ("AbCdEf", "CHANGE_ME", "long_key", "YOUR-KEY"))
