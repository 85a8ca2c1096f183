"""A body as a source of typed values: what of serde_json's Deserializer TGI's types call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from .fault import Fault, Names, Pairs, Step, variant_named, wrong_type
from .scan import ENDED, Scanner

_DEPTH = 128


class Text(Scanner):
    """The cursor is the place that a misfit names; `path` is how the types got there."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.depth, self.path = _DEPTH, list[Step]()

    def fault(self, message: str) -> Fault:
        return Fault(message, self.at)

    def null(self) -> bool:
        """Whether null stands here; then it is read."""
        return self.space() == b"n" and self._word() is None

    def string(self, expected: str = "a string") -> str:
        if self._start() != b'"':
            raise self._mismatch(expected)
        return self._string()

    def boolean(self) -> bool:
        if self._start() not in b"tf":
            raise self._mismatch("a boolean")
        return self._word() is True

    def number(self, expected: str) -> int | float:
        if self._start() not in b"-0123456789":
            raise self._mismatch(expected)
        return self._number()

    def sequence(self, expected: str) -> Items:
        if self._start() != b"[":
            raise self._mismatch(expected)
        return Items(self)

    def mapping(self, expected: str) -> Entries:
        if self._start() != b"{":
            raise self._mismatch(expected)
        return Entries(self)

    def struct(self, expected: str) -> Items | Entries:
        return Items(self) if self._start() == b"[" else self.mapping(expected)

    def variant(self, names: Names) -> str:
        """The name of an enum's unit variant: "json", or {"json": null}."""
        first = self._start()
        if first not in b'"{':
            raise self.unexpected("expected value")
        if first == b'"':
            return self.identifier(names)
        with Entries(self) as inside:
            name = self.identifier(names)
            inside.value(name)
            if self._start() != b"n":
                raise self._mismatch("unit")
            self._word()
            self.path.pop()
            if (found := self.space()) != b"}":
                raise Fault("expected value" if found else ENDED[b"}"], self.at, syntax=True)
        return name

    def identifier(self, names: Names) -> str:
        """A variant's name where nothing but a name may stand."""
        found, wrong = variant_named(self.string("variant identifier"), names)
        if wrong:
            raise self.fault(wrong)
        return found

    def any(self) -> Any:
        """Whatever stands here, objects as Pairs."""
        first = self._start()
        if first == b"[":
            with Items(self) as items:
                return [self.any() for _ in items]
        if first == b"{":
            with Entries(self) as entries:
                return Pairs((key, entries.value(key).any()) for key in entries)
        return self._scalar(first, keep=True)

    def _mismatch(self, expected: str) -> Fault:
        """serde_json reads a wrong value to name it, but not into a list or an object."""
        first = self.peek()
        found = {b"[": [], b"{": Pairs()}.get(first)
        if found is None:
            found = self._scalar(first, keep=True)
        return self.fault(wrong_type(found, expected))


class Inside:
    """Between the brackets of a list or an object.

    A fault gets its path here, and its place after the closing bracket when it has none.
    """

    def __init__(self, text: Text) -> None:
        self._text, self._base = text, len(text.path)

    def __enter__(self) -> Self:
        text = self._text
        text.depth -= 1
        if text.depth == 0:
            raise text.unexpected("recursion limit exceeded")
        text.at += 1
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, fault: BaseException | None, _trace: object
    ) -> None:
        text = self._text
        text.depth += 1
        if isinstance(fault, Fault) and fault.path is None:
            fault.path = list(text.path)
        del text.path[self._base :]
        try:
            self._close()
        except Fault:
            if fault is None:
                raise
        if isinstance(fault, Fault) and fault.at is None:
            fault.at = text.at

    def _close(self) -> None:
        raise NotImplementedError


class Items(Inside):
    """The elements of a list: one turn of the loop, one value to read."""

    def __iter__(self) -> Iterator[Text]:
        text, index = self._text, 0
        while (found := text.space()) != b"]":
            if found and index:
                if found != b",":
                    raise text.unexpected("expected `,` or `]`")
                text.at += 1
                found = text.space()
                if found == b"]":
                    raise text.unexpected("trailing comma")
                if found == b"":
                    raise text.unexpected("EOF while parsing a value")
            if found == b"":
                raise text.unexpected(ENDED[b"]"])
            text.path.append(index)
            yield text
            del text.path[self._base :]
            index += 1

    def _close(self) -> None:
        text = self._text
        found = text.space()
        if found == b"":
            raise text.unexpected(ENDED[b"]"])
        if found == b",":
            text.at += 1
            if text.space() == b"]":
                raise text.unexpected("trailing comma")
        if found != b"]":
            raise text.unexpected("trailing characters")
        text.at += 1


class Entries(Inside):
    """The keys of an object; each value is to be read, by `value`, before the next key."""

    def __iter__(self) -> Iterator[str]:
        text, first = self._text, True
        while True:
            # The path to a broken key ends in `?`
            text.path.append(None)
            if not self._another(first):
                del text.path[self._base :]
                return
            key = text.string()
            del text.path[self._base :]
            yield key
            del text.path[self._base :]
            first = False

    def _another(self, first: bool) -> bool:
        text = self._text
        found = text.space()
        if found == b"}":
            return False
        if found and not first:
            if found != b",":
                raise text.unexpected("expected `,` or `}`")
            text.at += 1
            if text.space() == b"}":
                raise text.unexpected("trailing comma")
            text.key_follows("EOF while parsing a value")
        text.key_follows(ENDED[b"}"])
        return True

    def value(self, key: str) -> Text:
        self._text.colon()
        self._text.path.append(key)
        return self._text

    def leave(self) -> None:
        """Step out of the value before the next key is read: a fault is the object's."""
        del self._text.path[self._base :]

    def _close(self) -> None:
        text = self._text
        found = text.space()
        if found == b"":
            raise text.unexpected(ENDED[b"}"])
        if found != b"}":
            raise text.unexpected("trailing comma" if found == b"," else "trailing characters")
        text.at += 1
