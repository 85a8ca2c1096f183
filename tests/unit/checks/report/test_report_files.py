"""Test how the reports are written as files."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from ansible.module_utils.tgi.checks.report.report_files import file_name, write_reports

from tests.support.checks.reports import make, row


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
