"""Find every regular expression in our sources, and how each is used."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible.module_utils.tgi.checks.results import MOST_OBSERVED
from ansible.module_utils.tgi.engines.tgi.causes_search import LONGEST

from tests.support.roots import ROOT

FOLDERS = ("module_utils", "library", "plugins")
CALLS = {"compile", "search", "match", "fullmatch", "sub", "subn", "findall", "finditer", "split"}
#: Characters of a hostile text.
LENGTH = 10_000
#: Fields of our data classes that hold a pattern, and the longest text that it reads.
FIELDS = {
    **dict.fromkeys(("signs", "root_signs"), MOST_OBSERVED),
    **dict.fromkeys(("pattern", "where"), LONGEST),
}


@dataclass(frozen=True)
class Use:
    """A pattern, the method that reads foreign text with it, and where it stands."""

    place: str
    pattern: str
    flags: int
    method: str
    longest: int = LENGTH


def sources() -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def load(path: Path) -> ModuleType:
    """Import a source: those below module_utils under the name that Ansible gives them."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] == "module_utils":
        return importlib.import_module(".".join(("ansible", *parts)).removesuffix(".__init__"))
    spec = importlib.util.spec_from_file_location("_".join(parts), path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def uses(path: Path) -> Iterator[Use]:
    """Yield the uses of patterns in one source."""
    text = path.read_text()
    if not re.search(r"(?m)^\s*import re$|\bpattern=|Rule\(", text):
        return
    module, tree, where = load(path), ast.parse(text), str(path.relative_to(ROOT))
    methods = _methods(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        of, method = node.func.value, node.func.attr
        if not isinstance(of, ast.Name) or of.id != "re" or method not in CALLS - {"compile"}:
            continue
        if pattern := _text(node.args[0], module):
            flags = sum(_flag(one) for one in _flag_nodes(node))
            yield Use(f"{where}:{node.lineno}", pattern, flags, method)
    for name, value in vars(module).items():
        for pattern, flags, longest in _held(value, 0):
            for method in methods.get(name) or {"search"}:
                yield Use(f"{where} {name}", pattern, flags, method, longest)


def _methods(tree: ast.AST) -> dict[str, set[str]]:
    """Return by which methods each name's pattern is used."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            continue
        if node.attr in CALLS and node.value.id != "re":
            found.setdefault(node.value.id, set()).add(node.attr)
    return found


def _text(node: ast.expr, module: ModuleType) -> str:
    """Return a pattern's text; names of a function stand for a word."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(one, module) for one in node.values)
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, module) or "name"
    if isinstance(node, ast.Name):
        value = getattr(module, node.id, "")
        return value if isinstance(value, str) else ""
    return ""


def _flag_nodes(node: ast.Call) -> list[ast.expr]:
    given = [one.value for one in node.keywords if one.arg == "flags"]
    return given or [one for one in node.args[1:] if "re." in ast.unparse(one)[:3]]


def _flag(node: ast.expr) -> int:
    return int(eval(ast.unparse(node), {"re": re}))


def _held(value: Any, depth: int) -> Iterator[tuple[str, int, int]]:
    """Yield the patterns that a module's value holds."""
    if isinstance(value, re.Pattern):
        if isinstance(value.pattern, str):
            yield value.pattern, value.flags, LENGTH
    elif depth > 3:
        return
    elif isinstance(value, (list, tuple, set, frozenset)):
        for one in value:
            yield from _held(one, depth + 1)
    elif isinstance(value, dict):
        for one in [*value, *value.values()]:
            yield from _held(one, depth + 1)
    elif is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            held = getattr(value, one.name)
            if one.name in FIELDS and isinstance(held, str) and held:
                yield held, 0, FIELDS[one.name]
            else:
                yield from _held(held, depth + 1)
