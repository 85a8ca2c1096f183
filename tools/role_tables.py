"""Write the variable table of every role's README from its specification and its defaults.

The specification (meta/argument_specs.yml) gives the types, defaults/main.yml the values that
really apply and, in its comments, what they mean. ``make docs`` writes; ``--check`` only says
what is out of date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parents[1] / "roles"
BEGIN = "<!-- variables: written by make docs -->"
END = "<!-- end of variables -->"

# What an option may say; anything else is a slip of the pen, such as a comma in a flow mapping
_KEYS = {"type", "description", "default", "required", "choices", "elements", "options", "no_log"}

Options = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Role:
    """The options of a role's entry point main; its defaults, and the comment above each."""

    options: Options
    defaults: Mapping[str, Any]
    comments: Mapping[str, str]


def read_role(path: Path) -> Role:
    """Read a role's directory."""
    specs = yaml.safe_load((path / "meta" / "argument_specs.yml").read_text())
    text = (path / "defaults" / "main.yml").read_text()
    comments = {
        name: " ".join(re.findall(r"(?m)^# ?(.*)$", above))
        for above, name in re.findall(r"(?m)((?:^#.*\n)+)^(\w+):", text)
    }
    options = specs["argument_specs"]["main"].get("options") or {}
    return Role(options, yaml.safe_load(text) or {}, comments)


def disagreements(role: Role) -> Iterator[str]:
    """Say where specification and defaults contradict each other, or leave something out."""
    options, defaults = role.options, role.defaults
    for name in defaults:
        if name not in options:
            yield f"{name} has a default, but the specification lacks it"
    for name, spec in options.items():
        if name not in defaults and not spec.get("required"):
            yield f"{name} is neither required nor has it a default"
        literal = name in defaults and not _is_template(defaults[name])
        if literal and "default" in spec and spec["default"] != defaults[name]:
            yield f"{name} is {defaults[name]!r} by default, documented is {spec['default']!r}"
    yield from _incomplete(options, "")


def _incomplete(options: Options, prefix: str) -> Iterator[str]:
    for name, spec in options.items():
        for key in sorted(map(str, set(spec) - _KEYS)):
            yield f"{prefix}{name} says {key!r}, which means nothing"
        for key in ("type", "description"):
            if not spec.get(key):
                yield f"{prefix}{name} has no {key}"
        if spec.get("type") == "list" and not spec.get("elements"):
            yield f"{prefix}{name} does not say what its elements are"
        yield from _incomplete(spec.get("options") or {}, f"{prefix}{name}.")


def tables(role: Role) -> str:
    """Give the table of variables, and one more for what each nested one holds."""
    rows = [
        f"| `{name}` | {_type(spec)} | {_default(name, spec, role.defaults)} "
        f"| {_meaning(spec, role.comments.get(name, ''))} |"
        for name, spec in role.options.items()
    ]
    parts = ["\n".join(["| Variable | Type | Default | Meaning |", "|---|---|---|---|", *rows])]
    for name, spec in role.options.items():
        if spec.get("options"):
            title = "Each entry of" if spec.get("type") == "list" else "In"
            parts += [f"### {title} `{name}`", _nested(spec["options"])]
    return "\n\n".join(parts)


def _nested(options: Options) -> str:
    rows = [
        f"| `{name}` | {_type(spec)} | {'Required. ' if spec.get('required') else ''}"
        f"{_meaning(spec)} |"
        for name, spec in options.items()
    ]
    return "\n".join(["| Option | Type | Meaning |", "|---|---|---|", *rows])


def _type(spec: Mapping[str, Any]) -> str:
    if spec.get("choices"):
        return " or ".join(f"`{choice}`" for choice in spec["choices"])
    kind = str(spec.get("type", ""))
    return f"{kind} of {spec['elements']}" if spec.get("elements") else kind


def _default(name: str, spec: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    if spec.get("required"):
        return "**required**"
    value = defaults[name]
    if _is_template(value):
        return _escape(str(spec.get("default", "computed")))
    text = yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False)
    return f"`{_escape(text.removesuffix('...' + chr(10)).strip())}`"


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value


def _meaning(spec: Mapping[str, Any], comment: str = "") -> str:
    text = comment or spec.get("description", "")
    line = " ".join(" ".join(text if isinstance(text, list) else [str(text)]).split())
    # Ansible's markup: V(value), C(code), O(option)
    line = re.sub(r"\b[VCO]\(([^)]*)\)", r"`\1`", line)
    line += "" if line.endswith((".", "…")) else "."
    return _escape(line + (" Secret: belongs in a vault file." if spec.get("no_log") else ""))


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def fill(readme: str, table: str) -> str:
    """Put the table between the markers of a README; ValueError where there are none."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"has no place for its table: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def main(arguments: list[str], roles: Path = ROLES) -> int:
    """Write every README, or with --check report the stale ones; 1 when something is wrong."""
    wrong = 0
    for role in sorted(path.parent.parent for path in roles.glob("*/meta/argument_specs.yml")):
        readme = role / "README.md"
        content = read_role(role)
        found = list(disagreements(content))
        try:
            before = readme.read_text()
            after = "" if found else fill(before, tables(content))
        except (OSError, ValueError) as error:
            found.append(f"README.md: {error}")
        for line in found:
            print(f"{role.name}: {line}", file=sys.stderr)
        if not found and after != before:
            print(f"{role.name}: README.md is {'out of date' if arguments else 'rewritten'}")
            if arguments:
                found = ["stale"]
            else:
                readme.write_text(after)
        wrong += bool(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
