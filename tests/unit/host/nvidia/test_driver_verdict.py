"""Test the preflight's verdict on recorded hosts: their commands' output and their files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.tgi.common.commands import CommandResult
from ansible.module_utils.tgi.host.nvidia.driver import look
from ansible.module_utils.tgi.host.nvidia.driver_verdict import judge
from ansible.module_utils.tgi.host.nvidia.gpus import LIST, QUERY

TABLE: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "nvidia_smi" / "verdicts.yml").read_text()
)
WISH = {"min_driver": "525.60.13", "recommended_driver": "550.54.14"}


class Host:
    """Return the case's recorded output, and count the runs of nvidia-smi."""

    def __init__(self, case: dict[str, Any], root: Path) -> None:
        self.case, self.root, self.runs = case, root, 0
        for name, content in case.get("files", {}).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content.startswith("-> "):
                path.symlink_to(content[3:])
            else:
                path.write_bytes(content.encode())

    def ask(self, command: Sequence[str]) -> CommandResult:
        if command[0] != "nvidia-smi":
            said = self.case.get("others", {}).get(command[0])
            return CommandResult(None, "") if said is None else CommandResult(0, said)
        self.runs += 1
        if command == QUERY:
            return CommandResult(self.case.get("rc", 0), self.case.get("smi", ""))
        return CommandResult(0, self.case.get("list" if command == LIST else "full", ""))


@pytest.mark.parametrize("case", TABLE, ids=lambda case: str(case["case"]))
def test_the_verdict(case: dict[str, Any], tmp_path: Path) -> None:
    host = Host(case, tmp_path)
    models = [
        {"name": f"m{place}", "gpus": gpus}
        for place, gpus in enumerate(case.get("models", [["0"]]))
    ]
    wish = {**WISH, "driver_install": case.get("install", False)}
    found = judge(models, wish, look(host.root), host.ask)
    for lines, starts in (
        (found.problems, case.get("problems", [])),
        (found.warnings, case.get("warnings", [])),
    ):
        assert len(lines) == len(starts), lines
        for line, start in zip(lines, starts, strict=True):
            assert line.startswith(start)
            assert "; " in line, "no remedy"
    assert host.runs <= 2, "nvidia-smi takes seconds where persistence mode is off"


def test_the_table_says_where_its_words_come_from() -> None:
    assert {case["origin"] for case in TABLE} == {"seen", "run", "program", "composed"}
    known = {"case", "origin", "rc", "smi", "list", "full", "others", "files", "install", "models"}
    assert [set(case) - known - {"problems", "warnings"} for case in TABLE] == [set()] * len(TABLE)
