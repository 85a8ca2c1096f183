"""A value that serde has buffered (its Content), as a source of typed values: without a place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from .fault import Fault, Names, Pairs, variant_named, wrong_length, wrong_type


class Buffered:
    """The same questions as `text.Text`, asked of a value that was read before."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def fault(self, message: str) -> Fault:
        return Fault(message)

    def null(self) -> bool:
        return self._value is None

    def string(self, expected: str = "a string") -> str:
        return str(self._checked(isinstance(self._value, str), expected))

    def boolean(self) -> bool:
        return bool(self._checked(isinstance(self._value, bool), "a boolean"))

    def number(self, expected: str) -> int | float:
        numeric = isinstance(self._value, (int, float)) and not isinstance(self._value, bool)
        value: int | float = self._checked(numeric, expected)
        return value

    def sequence(self, expected: str) -> BufferedItems:
        is_list = isinstance(self._value, list) and not isinstance(self._value, Pairs)
        return BufferedItems(self._checked(is_list, expected))

    def mapping(self, expected: str) -> BufferedEntries:
        return BufferedEntries(self._checked(isinstance(self._value, Pairs), expected))

    def struct(self, expected: str) -> BufferedItems | BufferedEntries:
        is_map = isinstance(self._value, Pairs)
        return self.mapping(expected) if is_map else self.sequence(expected)

    def variant(self, names: Names) -> str:
        """The name of an enum's unit variant: "json", or {"json": null}."""
        name, inner = self._value, None
        if isinstance(name, Pairs) and len(name) == 1:
            ((name, inner),) = name
        if not isinstance(name, str) or inner is not None:
            raise Fault(wrong_type(self._value, "string or map"))
        return Buffered(name).identifier(names)

    def identifier(self, names: Names) -> str:
        """A variant's name, or its number: only what is buffered may have that."""
        value = self._value
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
            return names[value][0]
        found, wrong = variant_named(self.string("variant identifier"), names)
        if wrong:
            raise Fault(wrong)
        return found

    def any(self) -> Any:
        return self._value

    def ignore(self) -> None:
        pass

    def _checked(self, fits: bool, expected: str) -> Any:
        if not fits:
            raise Fault(wrong_type(self._value, expected))
        return self._value


class BufferedItems:
    """The elements of a list."""

    def __init__(self, values: list[Any]) -> None:
        self._values, self._read = values, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, _fault: object, _trace: object) -> None:
        if kind is None and self._read < len(self._values):
            expected = "{} in sequence"
            raise Fault(wrong_length(len(self._values), expected, self._read))

    def __iter__(self) -> Iterator[Buffered]:
        for value in self._values:
            self._read += 1
            yield Buffered(value)


class BufferedEntries:
    """The keys of an object; `value` is that of the last one."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs, self._value = pairs, Buffered(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[str]:
        for key, value in self._pairs:
            self._value = Buffered(value)
            yield key

    def value(self, _key: str) -> Buffered:
        return self._value

    def leave(self) -> None:
        pass
