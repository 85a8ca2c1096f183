"""Check the types of values against a role's argument specification.

Ansible's own validator checks each value. This file walks through lists and mappings, because
Ansible's messages name neither the place in a list nor a remedy. Where
Ansible would convert a value for a module, a role still sees it unconverted: text in place
of a number, a list, a mapping or true/false is therefore refused.
"""

from __future__ import annotations

import re
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ..common.problem import UNKNOWN, closest, problem, shown
from .secrets import check_secret

_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping",
    "str": "a text",
    "path": "a path",
}
_EXAMPLES = {
    "int": "a whole number such as {name}: 4096",
    "float": "a number such as {name}: 0.9",
    "bool": "{name}: true or {name}: false, without quotes",
    "list": 'a list such as {name}: ["a", "b"]',
    "dict": "a mapping, that is lines of key: value under {name}:",
    "str": 'a text such as {name}: "word", in quotes',
    "path": "an absolute path such as {name}: /srv/directory",
}
_SHAPES = {"list": list, "dict": dict, "bool": bool}
_NUMBERS = ("int", "float")
# Options of other programs and of older TGI versions
_HINTS = {
    "max_input_length": "write max_input_tokens, its new name",
    "flash_attention": "delete it: the launcher has no such option; flash attention is always on",
    "api_key": "delete it: keys belong to the gateway, in gateway_consumers",
    "tensor_parallel_size": "write num_shard",
    "max_model_len": "write max_total_tokens",
}


def is_secret(spec: dict[str, Any]) -> bool:
    """Return whether an option, or one inside it, is marked no_log."""
    return bool(spec.get("no_log")) or any(
        is_secret(inner) for inner in (spec.get("options") or {}).values()
    )


def check_options(options: dict[str, Any], values: dict[Any, Any], where: str) -> list[str]:
    """Return the problems of a mapping at ``where``, checked against ``options``."""
    found: list[str] = []
    for name in values:
        if name not in options:
            found.append(_unknown(str(name), options, where))
    for name, spec in options.items():
        path = f"{where}.{name}" if where else name
        if spec.get("required") and is_unset(values.get(name)):
            found.append(missing(path, spec))
        elif name in values:
            found += check_value(spec, values[name], path)
    return found


def is_unset(value: Any) -> bool:
    """Return whether a value is unset; an empty text counts as unset."""
    return value is None or (isinstance(value, str) and not value)


def missing(path: str, spec: dict[str, Any]) -> str:
    """Return the message for a missing required variable, with its description."""
    text = spec.get("description") or ""
    first = str(text[0] if isinstance(text, list) and text else text)
    meaning = re.sub(r"\b[A-Z]\(([^()]*)\)", r"\1", first).rstrip(".")
    name = path.rpartition(".")[2]
    return problem(path, "is missing", f"write {name}: {f'({meaning})' if meaning else ''}")


def check_value(spec: dict[str, Any], value: Any, path: str) -> list[str]:
    """Return the problems of one value, and of everything inside it."""
    if value is UNKNOWN or value is None:
        return []
    kind = str(spec.get("type", "str"))
    if not _has_shape(kind, value) or not _converts(kind, value):
        name = path.rpartition(".")[2].partition("[")[0]
        wanted = _EXAMPLES.get(kind, f"a value of type {kind}").format(name=name)
        what = f"is {shown(value, is_secret(spec))}, not {_NAMES.get(kind, 'of type ' + kind)}"
        if spec.get("choices"):
            wanted = f"one of {_choices(spec)}, in quotes"
        elif kind in _NUMBERS and isinstance(value, str) and _converts(kind, value):
            wanted = f"{value.strip()} without quotes; where a template makes it, add | {kind}"
        if kind != "str" and isinstance(value, str) and path == name:
            wanted += _elsewhere(kind, name, value)
        return [problem(path, what, f"write {wanted}")]
    if kind == "path" and not _is_absolute(value):
        wanted = _EXAMPLES[kind].format(name=path.rpartition(".")[2])
        return [problem(path, f"is {shown(value)}, not an absolute path", f"write {wanted}")]
    options = spec.get("options")
    if isinstance(value, dict):
        if kind == "dict" and spec.get("no_log") and not options:
            return [line for key in value for line in check_secret(value[key], f"{path}.{key}")]
        return check_options(options, value, path) if options else []
    if isinstance(value, list):
        element = {"type": spec.get("elements", "raw"), "options": options, **_kept(spec)}
        return [
            line
            for place, item in enumerate(value)
            for line in check_value(element, item, f"{path}[{place}]")
        ]
    # Gateway keys (raw) have rules of their own
    secret = kind == "str" and spec.get("no_log")
    return list(check_secret(value, path) if secret else ()) or _check_choice(spec, value, path)


def _elsewhere(kind: str, name: str, value: str) -> str:
    """Return what to write where every value is a text: in INI inventories and with -e NAME=…"""
    text = value.strip().lower()
    known = {"yes": "true", "on": "true", "no": "false", "off": "false"}
    literal = known.get(text, text) if kind == "bool" else text
    if kind not in ("bool", *_NUMBERS) or (kind == "bool" and literal not in ("true", "false")):
        return ""
    if not _converts(kind, value):
        return ""
    ini = f"; in an INI file {literal.capitalize()}" if kind == "bool" else ""
    return f"{ini}; on the command line -e '{{\"{name}\": {literal}}}'"


def _is_absolute(value: Any) -> bool:
    """Accept empty too; roles expand neither ~ nor variables of the environment."""
    text = str(value)
    return not text or (text.startswith("/") and text.isprintable() and text == text.strip())


def _kept(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: spec[key] for key in ("choices", "no_log") if key in spec}


def _check_choice(spec: dict[str, Any], value: Any, path: str) -> list[str]:
    choices = [str(choice) for choice in spec.get("choices") or []]
    if not choices or str(value) in choices:
        return []
    near = closest(str(value), choices)
    remedy = f"write {near}" if near else f"write one of {_choices(spec)}"
    return [problem(path, f"is {shown(value, is_secret(spec))}, not an allowed value", remedy)]


def _choices(spec: dict[str, Any]) -> str:
    return ", ".join(str(choice) for choice in spec["choices"])


def _has_shape(kind: str, value: Any) -> bool:
    """Refuse values that Ansible converts for modules, but not for roles."""
    if kind in _SHAPES:
        return isinstance(value, _SHAPES[kind])
    if kind in _NUMBERS:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind in ("str", "path"):
        return not isinstance(value, (list, dict, bool))
    return True


def _converts(kind: str, value: Any) -> bool:
    spec = {"value": {"type": kind}}
    return not ArgumentSpecValidator(spec).validate({"value": value}).error_messages


def _unknown(name: str, options: dict[str, Any], where: str) -> str:
    near = closest(name, options)
    remedy = _HINTS.get(name) or (f"write {near}" if near else "")
    remedy = remedy or f"delete it, or write one of: {', '.join(sorted(options))}"
    return problem(f"{where}.{name}" if where else name, "is not a known option", remedy)
