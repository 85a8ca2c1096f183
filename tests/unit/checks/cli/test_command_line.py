"""Test the command's options and the sources of its key."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible.module_utils.tgi.checks.cli import command_line

from tests.support.fakes.gateway import KEY


def test_no_option_takes_the_key_itself() -> None:
    parser = command_line.make_parser()
    named = [word for action in parser._actions for word in action.option_strings]
    assert [word for word in named if "key" in word] == ["--key-file", "--key-env"]


def test_a_key_comes_from_file_input_or_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = command_line.make_parser().parse_args
    (tmp_path / "key").write_text(f"{KEY}\n")
    assert command_line.read_key(parse(["u", "--key-file", str(tmp_path / "key")]), {}) == KEY
    assert command_line.read_key(parse(["u", "--key-env", "X"]), {"X": KEY}) == KEY
    assert command_line.read_key(parse(["u"]), {"TGI_CHECK_KEY": KEY}) == KEY
    assert command_line.read_key(parse(["u"]), {}) == ""
    monkeypatch.setattr(sys, "stdin", (tmp_path / "key").open())
    assert command_line.read_key(parse(["u", "--key-file", "-"]), {}) == KEY
