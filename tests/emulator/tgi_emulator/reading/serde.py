"""Types as serde derives them: how each is read from a body, with serde's words for a misfit.

A Reader takes its value from a source: the text itself, or what was buffered of it. serde
buffers where a type can only be told afterwards (`untagged`, `tagged`); places are lost there.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import Any

from .buffer import Buffered, BufferedItems
from .fault import Fault, Names, Pairs, wrong_length, wrong_type, wrong_value
from .text import Items, Text

Source = Text | Buffered
Reader = Callable[[Source], Any]
Fields = Mapping[str, tuple[Reader, Any]]

REQUIRED = object()
NONE = object()
"""The default of a Rust Option without `serde(default)`: an object may lack it, a list may not."""
_END = object()


def text(source: Source) -> str:
    return source.string()


def boolean(source: Source) -> bool:
    return source.boolean()


def null(source: Source) -> None:
    if not source.null():
        raise Fault("not null")


def integer(name: str, low: int, high: int) -> Reader:
    """A Rust integer; `name` as serde names it (u32, usize)."""

    def read(source: Source) -> int:
        value = source.number(name)
        if isinstance(value, float):
            raise source.fault(wrong_type(value, name))
        if not low <= value <= high:
            raise source.fault(wrong_value(value, name))
        return value

    return read


u32 = integer("u32", 0, 2**32 - 1)
u64 = integer("u64", 0, 2**64 - 1)
usize = integer("usize", 0, 2**64 - 1)
i32 = integer("i32", -(2**31), 2**31 - 1)


def f32(source: Source) -> float:
    """Rounded to 32 bits: 0.99999999999 is 1 to TGI, 1e300 infinite."""
    return ctypes.c_float(source.number("f32")).value


def anything(source: Source) -> Any:
    """serde_json's Value: of a key that comes twice, the last counts."""
    return plain(source.any())


def plain(value: Any) -> Any:
    if isinstance(value, Pairs):
        return {key: plain(inner) for key, inner in value}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def optional(inner: Reader) -> Reader:
    """Rust's Option: null is None."""
    return lambda source: None if source.null() else inner(source)


def sequence(inner: Reader) -> Reader:
    def read(source: Source) -> list[Any]:
        with source.sequence("a sequence") as items:
            return [inner(item) for item in items]

    return read


def mapped(inner: Reader, function: Callable[[Any], Any]) -> Reader:
    """What was read, in another shape; a ValueError of `function` is a misfit."""

    def read(source: Source) -> Any:
        value = inner(source)
        try:
            return function(value)
        except ValueError as error:
            raise Fault(str(error)) from None

    return read


def struct(name: str, table: Fields) -> Reader:
    """A Rust struct, from an object or from a list of its fields in their order.

    A field named "a|b" goes by both names; it is `a`.
    """
    told = f"struct {name}"
    known = {alias: key.split("|")[0] for key in table for alias in key.split("|")}
    fields = {key.split("|")[0]: field for key, field in table.items()}

    def read(source: Source) -> dict[str, Any]:
        out: dict[str, Any] = {}
        with source.struct(told) as inside:
            if isinstance(inside, (Items, BufferedItems)):
                items = iter(inside)
                for index, (key, (inner, default)) in enumerate(fields.items()):
                    item = next(items, _END)
                    if isinstance(item, (Text, Buffered)):
                        out[key] = inner(item)
                    elif default is REQUIRED or default is NONE:
                        raise Fault(wrong_length(index, told + " with {}", len(fields)))
                    else:
                        out[key] = _default(default)
                return out
            for given in inside:
                field = known.get(given)
                if field is None:
                    inside.value(given).ignore()
                    continue
                if field in out:
                    raise Fault(f"duplicate field `{field}`")
                out[field] = fields[field][0](inside.value(given))
            return {key: _or_default(key, out, default) for key, (_, default) in fields.items()}

    return read


def _or_default(key: str, read: dict[str, Any], default: Any) -> Any:
    if key in read:
        return read[key]
    if default is REQUIRED:
        raise Fault(f"missing field `{key}`")
    return _default(default)


def _default(default: Any) -> Any:
    if default is NONE:
        return None
    return default() if callable(default) else default


def untagged(name: str, *readers: Reader) -> Reader:
    """An enum told apart by its shape: the first that fits."""

    def read(source: Source) -> Any:
        value = source.any()
        for reader in readers:
            try:
                return reader(Buffered(value))
            except Fault:
                continue
        raise Fault(f"data did not match any variant of untagged enum {name}")

    return read


def _names(variants: Mapping[str, Reader]) -> Names:
    """A variant named "a|b" goes by both names."""
    return tuple(tuple(key.split("|")) for key in variants)


def tagged(name: str, variants: Mapping[str, Reader]) -> Reader:
    """An enum whose variant stands in `type`, beside its fields; gives (variant, value)."""
    names = _names(variants)

    def read(source: Source) -> tuple[str, Any]:
        value = source.any()
        if not isinstance(value, list):
            raise Fault(wrong_type(value, f"internally tagged enum {name}"))
        if isinstance(value, Pairs):
            tags = [inner for key, inner in value if key == "type"]
            rest: Any = Pairs(pair for pair in value if pair[0] != "type")
        else:
            tags, rest = value[:1], value[1:]
        if len(tags) != 1:
            raise Fault(f"{'duplicate' if tags else 'missing'} field `type`")
        tag = Buffered(tags[0]).identifier(names)
        return tag, variants[tag](Buffered(rest))

    return read


def adjacent(name: str, table: Mapping[str, Reader]) -> Reader:
    """An enum with its variant in `type` and its content in `value`, in any order."""
    names, told = _names(table), f"adjacently tagged enum {name}"
    variants = dict(zip((name[0] for name in names), table.values(), strict=True))

    def read(source: Source) -> dict[str, Any]:
        found: dict[str, Any] = {}
        with source.struct(told) as inside:
            if isinstance(inside, (Items, BufferedItems)):
                items = iter(inside)
                for index, key in enumerate(("type", "value")):
                    item = next(items, _END)
                    if not isinstance(item, (Text, Buffered)):
                        raise Fault(wrong_length(index, told, 2))
                    found[key] = variants[found["type"]](item) if index else item.identifier(names)
                return found
            for key in inside:
                if key not in ("type", "value"):
                    inside.value(key).ignore()
                elif key in found:
                    raise Fault(f"duplicate field `{key}`")
                elif key == "type":
                    found[key] = inside.value(key).variant(names)
                    if "value" in found:
                        inside.leave()
                        found["value"] = variants[found[key]](Buffered(found["value"]))
                else:
                    value = inside.value(key)
                    found[key] = variants[found["type"]](value) if "type" in found else value.any()
            for key in ("type", "value"):
                if key not in found:
                    raise Fault(f"missing field `{key}`")
            return found

    return read
