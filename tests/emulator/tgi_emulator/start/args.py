"""Command line and environment to values, with clap's words and exit code 2 for bad input."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .flags import FLAGS, Flag, Value

_HELP = "\n\nFor more information, try '--help'.\n"
_USAGE = "\n\nUsage: text-generation-launcher [OPTIONS]" + _HELP


class UsageError(Exception):
    """Text for stderr; the process exits 2, as clap does."""


@dataclass
class Args:
    """Values by snake_case name; `text`/`number` give them typed."""

    values: dict[str, Value] = field(default_factory=dict)

    def text(self, key: str) -> str | None:
        value = self.values[key]
        return None if value is None else str(value)

    def number(self, key: str) -> int | None:
        value = self.values[key]
        return value if isinstance(value, int) else None

    def count(self, key: str) -> int:
        """An integer option that has a default, so is never unset."""
        value = self.values[key]
        assert isinstance(value, int), key
        return value

    def on(self, key: str) -> bool:
        return self.values[key] is True


def parse(argv: Sequence[str], env: Mapping[str, str]) -> Args:
    """Read TGI's options; the command line wins over the environment.

    Raises UsageError for what clap refuses. An empty environment value counts as a value.
    """
    args = Args({flag.key: flag.default for flag in FLAGS})
    for flag in FLAGS:
        if flag.has_env and flag.env in env:
            args.values[flag.key] = _convert(flag, env[flag.env])
    given: dict[str, Value] = {}
    words = list(argv)
    while words:
        flag, inline = _lookup(words.pop(0))
        if flag.kind == "switch":
            if inline is not None:
                raise UsageError(
                    f"error: unexpected value '{inline}' for '--{flag.name}' found; "
                    f"no more were expected{_USAGE}"
                )
            value: Value = True
        else:
            if inline is None:
                if not words or re.match(r"-\D|-.*[^\d.]", words[0]):
                    raise UsageError(_value_required(flag))
                inline = words.pop(0)
            value = _convert(flag, inline)
        if flag.kind == "list" and isinstance(value, list):
            earlier = given.get(flag.key)
            value = [*map(str, earlier if isinstance(earlier, list) else []), *map(str, value)]
        elif flag.key in given:
            raise UsageError(
                f"error: the argument '{flag.shown}' cannot be used multiple times{_USAGE}"
            )
        given[flag.key] = value
    args.values.update(given)
    return args


def _lookup(word: str) -> tuple[Flag, str | None]:
    name, eq, inline = word.partition("=")
    for flag in FLAGS:
        if name == f"--{flag.name}" or (flag.short and name == f"-{flag.short}"):
            return flag, inline if eq else None
    near = difflib.get_close_matches(name, [f"--{flag.name}" for flag in FLAGS], 1, 0.8)
    tip = f"\n\n  tip: a similar argument exists: '{near[0]}'" if near else ""
    raise UsageError(f"error: unexpected argument '{name}' found{tip}{_USAGE}")


def _value_required(flag: Flag) -> str:
    choices = f"\n  [possible values: {', '.join(flag.choices)}]" if flag.choices else ""
    return f"error: a value is required for '{flag.shown}' but none was supplied{choices}{_HELP}"


def _choices(flag: Flag, raw: str, choices: Sequence[str]) -> UsageError:
    if not raw and flag.kind != "switch":
        return UsageError(_value_required(flag))
    return UsageError(
        f"error: invalid value '{raw}' for '{flag.shown}'\n"
        f"  [possible values: {', '.join(choices)}]{_HELP}"
    )


def _convert(flag: Flag, raw: str) -> Value:
    if flag.kind in ("switch", "bool"):
        if raw not in ("true", "false"):
            raise _choices(flag, raw, ("true", "false"))
        return raw == "true"
    if flag.kind == "enum":
        if raw not in flag.choices:
            raise _choices(flag, raw, flag.choices)
        return raw
    if flag.kind == "ints":
        return [_integer(flag, part) for part in raw.split(",")]
    if flag.kind == "list":
        return [raw]
    if flag.kind in ("int", "port"):
        return _integer(flag, raw)
    if flag.kind == "float":
        try:
            return float(raw)
        except ValueError:
            raise _invalid(flag, raw, "float" if not raw else "invalid float literal") from None
    return raw


def _integer(flag: Flag, raw: str) -> int:
    if not re.fullmatch(r"\+?[0-9]+", raw):
        raise _invalid(flag, raw, "integer" if not raw else "invalid digit found in string")
    if flag.kind == "port" and int(raw) > 65535:
        raise _invalid(flag, raw, f"{int(raw)} is not in 0..=65535")
    return int(raw)


def _invalid(flag: Flag, raw: str, why: str) -> UsageError:
    if why in ("integer", "float"):
        why = f"cannot parse {why} from empty string"
    return UsageError(f"error: invalid value '{raw}' for '{flag.shown}': {why}{_HELP}")
