"""Reading JSON into typed fields with serde's words for what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Reader = Callable[[Any, str], Any]
Fields = Mapping[str, tuple[Reader, Any]]


class DataError(Exception):
    """`path` is where in the body, as serde_path_to_error writes it."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path, self.message = path, message


REQUIRED = object()


def _found(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    if isinstance(value, str):
        return f'string "{value}"'
    return "sequence" if isinstance(value, list) else "map"


def _wrong(value: Any, path: str, expected: str) -> DataError:
    return DataError(path, f"invalid type: {_found(value)}, expected {expected}")


def text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _wrong(value, path, "a string")
    return value


def boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(value, path, "a boolean")
    return value


def unsigned(name: str, bits: int) -> Reader:
    """An unsigned Rust integer; `name` as serde names it (u32, usize)."""

    def read(value: Any, path: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong(value, path, name)
        if not 0 <= value < 2**bits:
            raise DataError(path, f"invalid value: integer `{value}`, expected {name}")
        return value

    return read


u32 = unsigned("u32", 32)
u64 = unsigned("u64", 64)
usize = unsigned("usize", 64)


def i32(value: Any, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(value, path, "i32")
    return value


def f32(value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(value, path, "f32")
    return float(value)


def anything(value: Any, _path: str) -> Any:
    return value


def optional(inner: Reader) -> Reader:
    """Rust's Option: null is None."""
    return lambda value, path: None if value is None else inner(value, path)


def sequence(inner: Reader) -> Reader:
    def read(value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong(value, path, "a sequence")
        return [inner(item, f"{path}[{index}]") for index, item in enumerate(value)]

    return read


def struct(fields: Fields, name: str) -> Reader:
    """A Rust struct: unknown keys are ignored, missing ones get their default or fail."""

    def read(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong(value, path, f"struct {name}")
        out: dict[str, Any] = {}
        for key, (inner, default) in fields.items():
            if key in value:
                out[key] = inner(value[key], f"{path}.{key}" if path else key)
            elif default is REQUIRED:
                raise DataError(path, f"missing field `{key}`")
            else:
                out[key] = default() if callable(default) else default
        return out

    return read
