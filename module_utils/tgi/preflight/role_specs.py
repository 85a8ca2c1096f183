"""Check a host's variables against the roles' argument specifications."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..common.problem import UNKNOWN, closest, problem
from .value_types import check_value, is_secret, is_unset, missing

# The fact tgi_host (a variable where inject_facts_as_vars is on) and what the role checks registers
_OURS = {"tgi_host", "checks_direct_result", "checks_edge_result", "preflight_result"}
# Required variables that site.yml itself passes to a role
_FROM_THE_PLAY = {"checks_view"}
# For one run, with -e NAME=true, which makes it a text: the playbooks convert these
_SWITCHES = {"rollout_plan_only", "rollout_take_over"}
_LONGEST_ERROR = 160


class Role(NamedTuple):
    """A role: its name, the options of its entry point main, its defaults (not templated), and
    the variables of all its entry points."""

    name: str
    options: dict[str, Any]
    defaults: dict[str, Any]
    known: frozenset[str]


def load_roles(roles_path: Path, load: Callable[[str], Any]) -> list[Role]:
    """Read the specification and the defaults of every role that has a specification.

    ``load`` parses a YAML file by its path; its errors reach the caller.
    """
    roles = []
    for path in sorted(roles_path.glob("*/meta/argument_specs.yml")):
        role_path = path.parent.parent
        entries = (load(str(path)) or {}).get("argument_specs") or {}
        options = {name: entry.get("options") or {} for name, entry in entries.items()}
        defaults = role_path / "defaults" / "main.yml"
        values = load(str(defaults)) if defaults.exists() else None
        known = frozenset(name for names in options.values() for name in names)
        roles.append(Role(role_path.name, options.get("main", {}), values or {}, known))
    return roles


def role_of(name: str, roles: list[Role]) -> Role | None:
    """Return the role whose prefix a variable's name carries (the longest one, if several)."""
    owners = [role for role in roles if name.startswith(f"{role.name}_")]
    return max(owners, key=lambda role: len(role.name), default=None)


def unknown_variables(
    names: Collection[str], roles: list[Role], ignored: Collection[str]
) -> list[str]:
    """Report names that carry a role's prefix but belong to no role."""
    known = {name for role in roles for name in role.known}
    found = []
    for name in sorted(set(names) - known - set(ignored) - _OURS):
        role = role_of(name, roles)
        if role is not None:
            near = _meant(name, role)
            remedy = f"write {near}" if near else f"see roles/{role.name}/defaults/main.yml"
            mine = "or list it in preflight_ignore_variables if it is your own"
            found.append(
                problem(name, f"is not a variable of the role {role.name}", f"{remedy}, {mine}")
            )
    return found


def _meant(name: str, role: Role) -> str:
    """Return the variable of ``role`` that is most like ``name``; ignore their common prefix."""
    prefix = f"{role.name}_"
    own = (known[len(prefix) :] for known in role.known if known.startswith(prefix))
    near = closest(name[len(prefix) :], own)
    return prefix + near if near else ""


def check_types(
    values: Mapping[str, Any], roles: list[Role], enforced: Collection[str]
) -> list[str]:
    """Check values against every role; report missing ones only for roles in ``enforced``."""
    found = []
    for role in roles:
        for name, spec in role.options.items():
            wanted = spec.get("required") and role.name in enforced and name not in _FROM_THE_PLAY
            if wanted and is_unset(values.get(name)):
                found.append(missing(name, spec))
            elif name not in _SWITCHES or values.get(name) not in ("true", "false"):
                found += check_value(spec, values.get(name), name)
    return found


def render(
    value: Any, path: str, template: Callable[[Any], Any], problems: list[str], secret: bool
) -> Any:
    """Return ``value`` with every template in it evaluated.

    A value that cannot be evaluated becomes UNKNOWN and one line in ``problems``.
    """
    try:
        result = value if isinstance(value, (dict, list)) else template(value)
        if isinstance(result, dict):
            return {
                str(key): render(item, f"{path}.{key}", template, problems, secret)
                for key, item in result.items()
            }
        if isinstance(result, list):
            return [
                render(item, f"{path}[{place}]", template, problems, secret)
                for place, item in enumerate(result)
            ]
    except Exception as error:
        problems.append(_failed_template(path, error, secret))
        return UNKNOWN
    return result


def _failed_template(path: str, error: Exception, secret: bool) -> str:
    text = " ".join(str(error).split())
    undefined = re.search(r"'([\w.]+)' is undefined", text)
    if undefined:
        name = undefined.group(1)
        what = f"uses {name}, which is not defined"
        if name == "vault_gateway_keys":
            return problem(path, what, "make the keys: ansible-playbook playbooks/secrets.yml")
        return problem(path, what, f"define {name} (in a vault file, if it is a secret)")
    file = re.search(r"Unable to access the file '([^']+)'", text)
    if file:
        what = f"needs the file {file.group(1)}, which the controller cannot read"
        return problem(path, what, "put the file there, or correct its path")
    # The error may repeat the template, and a secret in it
    reason = "" if secret else f": {text[:_LONGEST_ERROR].rstrip('. ')}"
    return problem(path, f"cannot be evaluated{reason}", "correct the expression or its source")


def render_role_variables(
    variables: Mapping[str, Any], roles: list[Role], template: Callable[[Any], Any]
) -> tuple[dict[str, Any], list[str]]:
    """Return the roles' variables that ``variables`` sets, evaluated, and the problems."""
    problems: list[str] = []
    values = {
        name: render(variables[name], name, template, problems, is_secret(spec))
        for role in roles
        for name, spec in role.options.items()
        if name in variables
    }
    return values, problems
