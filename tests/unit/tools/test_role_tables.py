"""Test that each role's README, specification and defaults agree."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support.roots import ROOT
from tools.role_tables import (
    BEGIN,
    END,
    disagreements,
    fill,
    main,
    read_role,
    tables,
)

ROLES = sorted(path.parent.parent for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))
by_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)

SPEC = """
argument_specs:
  main:
    options:
      x_image: {type: str, required: true, description: "The image, as C(name@digest)."}
      x_size: {type: int, description: Bytes., default: 5}
      x_mode: {type: str, choices: [fast, slow], description: How.}
      x_late: {type: str, description: When., default: at night}
      x_list:
        type: list
        elements: dict
        description: [What., 'And a | in it.']
        options:
          key: {type: str, required: true, no_log: true, description: The key}
"""
DEFAULTS = """---
# Bytes of a thing;
# 0 for any
x_size: 5
x_mode: ""

# Not of the next one

x_late: "{{ night }}"
x_list: []
"""


@pytest.fixture
def role(tmp_path: Path) -> Path:
    """Write a small role whose parts agree, and return its directory."""
    path = tmp_path / "x"
    for name, text in (("meta/argument_specs.yml", SPEC), ("defaults/main.yml", DEFAULTS)):
        (path / name).parent.mkdir(parents=True)
        (path / name).write_text(text)
    (path / "README.md").write_text(f"# x\n\n{BEGIN}\n{END}\n\nAfter.\n")
    return path


def edit(role: Path, name: str, before: str, after: str) -> None:
    text = (role / name).read_text()
    assert before in text
    (role / name).write_text(text.replace(before, after))


@by_role
def test_specification_and_defaults_agree(role: Path) -> None:
    assert list(disagreements(read_role(role))) == []


@by_role
def test_the_readme_is_up_to_date(role: Path) -> None:
    text = (role / "README.md").read_text()
    assert text == fill(text, tables(read_role(role))), "run make docs"


@by_role
def test_the_readme_says_more_than_its_table(role: Path) -> None:
    before = (role / "README.md").read_text().partition(BEGIN)[0]
    for heading in ("\n## Example", "\n## What it leaves alone", "\n## Undo", "\n## Variables"):
        assert heading in before


def test_a_table(role: Path) -> None:
    assert list(disagreements(read_role(role))) == []
    assert tables(read_role(role)).splitlines()[2:] == [
        "| `x_image` | str | **required** | The image, as `name@digest`. |",
        "| `x_size` | int | `5` | Bytes of a thing; 0 for any. |",
        "| `x_mode` | `fast` or `slow` | `''` | How. |",
        "| `x_late` | str | at night | When. |",
        "| `x_list` | list of dict | `[]` | What. And a \\| in it. |",
        "",
        "### Each entry of `x_list`",
        "",
        "| Option | Type | Meaning |",
        "|---|---|---|",
        "| `key` | str | Required. The key. Secret: belongs in a vault file. |",
    ]


@pytest.mark.parametrize(
    ("name", "before", "after", "line"),
    [
        ("defaults/main.yml", "x_size: 5", "x_size: 6", "x_size is 6 by default, documented is 5"),
        ("defaults/main.yml", "x_mode:", "x_mood:", "x_mood has a default, but the specification"),
        ("defaults/main.yml", 'x_mode: ""', "", "x_mode is neither required nor has it a default"),
        ("meta/argument_specs.yml", "x_size: {type: int, ", "x_size: {", "x_size has no type"),
        ("meta/argument_specs.yml", "elements: dict", "", "x_list does not say what its elements"),
        ("meta/argument_specs.yml", "description: The key", "", "x_list.key has no description"),
        ("meta/argument_specs.yml", "Bytes.", "Bytes, none", "x_size says 'none', which"),
    ],
)
def test_what_disagrees(role: Path, name: str, before: str, after: str, line: str) -> None:
    edit(role, name, before, after)
    assert any(line in found for found in disagreements(read_role(role)))
    readme = (role / "README.md").read_text()
    assert main([], role.parent) == 1
    assert (role / "README.md").read_text() == readme


def test_writing_and_checking(role: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], role.parent) == 1
    assert "out of date" in capsys.readouterr().out
    assert main([], role.parent) == 0
    assert main(["--check"], role.parent) == 0
    assert (role / "README.md").read_text().endswith(f"{END}\n\nAfter.\n")
    edit(role, "defaults/main.yml", "0 for any", "0 for none")
    assert main(["--check"], role.parent) == 1


def test_a_readme_without_a_place_for_the_table(
    role: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (role / "README.md").write_text("# x\n")
    assert main([], role.parent) == 1
    assert "has no place for its table" in capsys.readouterr().err


def test_every_role_is_documented() -> None:
    site = yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text())
    played = {entry["role"] for play in site for entry in play.get("roles", [])}
    assert played <= {role.name for role in ROLES}
