"""Test the real roles: defaults satisfy the specifications, and both have the same names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.tgi.common.places import GATEWAY_CONFIGURATION
from ansible.module_utils.tgi.preflight.inventory import _JUDGED, _ROLES_OF_GROUP
from ansible.module_utils.tgi.preflight.role_specs import Role, load_roles
from ansible.module_utils.tgi.preflight.value_types import check_options

from tests.support.roots import ROOT

ROLES_PATH = ROOT / "roles"
ROLES: list[Role] = load_roles(ROLES_PATH, lambda path: yaml.safe_load(Path(path).read_text()))
by_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def plain(value: Any) -> Any:
    """Replace each template with None: only a run can evaluate it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return None if isinstance(value, str) and "{{" in value else value


@by_role
def test_defaults_satisfy_the_specification(role: Role) -> None:
    options = {name: {**spec, "required": False} for name, spec in role.options.items()}
    assert check_options(options, plain(role.defaults), "") == []


@by_role
def test_names_carry_the_roles_prefix(role: Role) -> None:
    # The subject of a role may have its name alone
    others = [name for name in role.known if name != role.name]
    assert [name for name in others if not name.startswith(f"{role.name}_")] == []


@by_role
def test_every_variable_has_its_comment(role: Role) -> None:
    lines = (ROLES_PATH / role.name / "defaults" / "main.yml").read_text().splitlines()
    names = [f"{name}:" for name in role.options]
    bare = [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if line.startswith(tuple(names)) and not before.startswith("#")
    ]
    assert bare == []


def test_the_plays_roles_are_there() -> None:
    wanted = {name for names in _ROLES_OF_GROUP.values() for name in names}
    assert wanted | {"preflight"} <= {role.name for role in ROLES}


def test_what_is_judged_exists() -> None:
    assert set(_JUDGED) <= {name for role in ROLES for name in role.options}


def test_the_gateway_keeps_its_configuration_where_it_is_looked_for() -> None:
    text = (ROLES_PATH / "gateway" / "vars" / "main.yml").read_text()
    assert yaml.safe_load(text)["__gateway_directory"] == GATEWAY_CONFIGURATION
