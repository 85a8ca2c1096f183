"""The pieces of JSON text, as serde_json 1.0.140 walks them: same words and places of errors."""

from __future__ import annotations

import math
import re
from typing import Any

from .fault import Fault

_SPACE = re.compile(rb"[ \n\t\r]*")
_DIGITS = re.compile(rb"[0-9]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_HEX = re.compile(rb"[0-9a-fA-F]{4}")
_WORDS = {b"n": (b"null", None), b"t": (b"true", True), b"f": (b"false", False)}
_SIMPLE = dict(zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True))
_U64, _I32 = 2**64 - 1, 2**31 - 1
_EOF_VALUE = "EOF while parsing a value"
_EOF_STRING = "EOF while parsing a string"
_OUT_OF_RANGE = "number out of range"
ENDED = {b"]": "EOF while parsing a list", b"}": "EOF while parsing an object"}


class Scanner:
    """A cursor in a body."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0

    def _run(self, pattern: re.Pattern[bytes]) -> bytes:
        """Read what a pattern that may be empty matches."""
        found = pattern.match(self.raw, self.at)
        assert found is not None
        self.at = found.end()
        return found[0]

    def peek(self) -> bytes:
        return self.raw[self.at : self.at + 1]

    def space(self) -> bytes:
        """Skip white space; what follows, b"" at the end."""
        self._run(_SPACE)
        return self.peek()

    def unexpected(self, message: str) -> Fault:
        """A fault at the next byte, which is not read."""
        return Fault(message, min(len(self.raw), self.at + 1), syntax=True)

    def key_follows(self, at_end: str) -> None:
        found = self.space()
        if found != b'"':
            raise self.unexpected("key must be a string" if found else at_end)

    def colon(self) -> None:
        found = self.space()
        if found != b":":
            raise self.unexpected("expected `:`" if found else ENDED[b"}"])
        self.at += 1

    def _start(self) -> bytes:
        first = self.space()
        if first == b"":
            raise self.unexpected(_EOF_VALUE)
        return first

    def _scalar(self, first: bytes, *, keep: bool) -> Any:
        if first in _WORDS:
            return self._word()
        if first in b"-0123456789":
            return self._number(keep=keep)
        if first == b'"':
            return self._string(keep=keep)
        raise self.unexpected("expected value")

    def _word(self) -> bool | None:
        word, value = _WORDS[self.peek()]
        for letter in word:
            found, self.at = self.peek(), min(len(self.raw), self.at + 1)
            if found != bytes([letter]):
                said = "expected ident" if found else _EOF_VALUE
                raise Fault(said, self.at, syntax=True)
        return value

    def _broken(self, keep: bool, read: bool) -> Fault:
        """A digit is missing. serde_json names another byte when it has `read` the next one."""
        ended = self.peek() == b""
        said = _EOF_VALUE if ended and keep else "invalid number"
        at = self.at + (not ended) if read else self.unexpected("").at
        return Fault(said, at, syntax=True)

    def _number(self, *, keep: bool = True) -> int | float:
        negative = self.peek() == b"-"
        self.at += negative
        start, whole = self.at, self._run(_DIGITS)
        if not whole:
            raise self._broken(keep, read=True)
        if whole[:1] == b"0" and len(whole) > 1:
            raise Fault("invalid number", start + 2, syntax=True)
        significand, taken = _take(0, whole)
        exponent, exact = len(whole) - taken, taken == len(whole)
        if self.peek() == b".":
            self.at, exact = self.at + 1, False
            fraction = self._run(_DIGITS)
            if not fraction:
                raise self._broken(keep, read=False)
            significand, taken = _take(significand, fraction)
            exponent -= taken
        if self.peek() in (b"e", b"E"):
            exact = False
            exponent += self._exponent(keep, significand)
        if exact:
            if not negative:
                return significand
            # -0 and what is below an i64 becomes a float
            return -significand if 0 < significand <= 2**63 else -float(significand)
        if not keep:
            return 0
        value = _float(significand, exponent)
        if value is None:
            raise Fault(_OUT_OF_RANGE, self.at, syntax=True)
        return -value if negative else value

    def _exponent(self, keep: bool, significand: int) -> int:
        self.at += 1
        sign, start = self.peek(), self.at + (self.peek() in (b"+", b"-"))
        self.at = start
        digits = self._run(_DIGITS)
        if not digits:
            raise self._broken(keep, read=True)
        figures = digits.lstrip(b"0")
        if keep and significand and sign != b"-" and int(figures[:11] or b"0") > _I32:
            # serde_json names the digit that an i32 does not hold any more
            held = 10 if int(figures[:10]) > _I32 else 11
            raise Fault(_OUT_OF_RANGE, start + len(digits) - len(figures) + held, syntax=True)
        power = min(int(figures[:11] or b"0"), _I32)
        return -power if sign == b"-" else power

    def _string(self, *, keep: bool = True) -> str:
        """A string from its opening quote on; skipped ones (not `keep`) may hold any bytes."""
        self.at += 1
        parts = bytearray()
        while True:
            plain = self._run(_PLAIN)
            parts += plain if keep else b""
            special = self.peek()
            if special == b"":
                raise Fault(_EOF_STRING, self.at, syntax=True)
            if special == b'"':
                self.at += 1
                try:
                    return parts.decode()
                except UnicodeDecodeError:
                    raise Fault("invalid unicode code point", self.at, syntax=True) from None
            if special != b"\\":
                said = "control character (\\u0000-\\u001F) found while parsing a string"
                raise Fault(said, self.at + keep, syntax=True)
            self.at += 1
            escaped = self._escape(keep)
            parts += escaped if keep else b""

    def _escape(self, keep: bool) -> bytes:
        kind = self._next()
        if kind != b"u":
            if kind[0] not in _SIMPLE:
                raise Fault("invalid escape", self.at, syntax=True)
            return bytes([_SIMPLE[kind[0]]])
        code = self._hex()
        if not keep or not 0xD800 <= code < 0xE000:
            return chr(code).encode(errors="surrogatepass")
        if code >= 0xDC00:
            raise Fault("lone leading surrogate in hex escape", self.at, syntax=True)
        for wanted in (b"\\", b"u"):
            if self._next() != wanted:
                raise Fault("unexpected end of hex escape", self.at, syntax=True)
        second = self._hex()
        if not 0xDC00 <= second < 0xE000:
            raise Fault("lone leading surrogate in hex escape", self.at, syntax=True)
        return chr(0x10000 + ((code - 0xD800) << 10) + second - 0xDC00).encode()

    def _next(self) -> bytes:
        found = self.peek()
        if found == b"":
            raise Fault(_EOF_STRING, self.at, syntax=True)
        self.at += 1
        return found

    def _hex(self) -> int:
        if len(self.raw) - self.at < 4:
            raise Fault(_EOF_STRING, len(self.raw), syntax=True)
        found = _HEX.match(self.raw, self.at)
        self.at += 4
        if found is None:
            raise Fault("invalid escape", self.at, syntax=True)
        return int(found[0], 16)

    def ignore(self) -> None:
        """Skip a value: without a limit of depth, without looking at its characters."""
        closers: list[bytes] = []
        while True:
            first = self._start()
            fresh = first in b"[{"
            if fresh:
                self.at += 1
                closers.append(b"]" if first == b"[" else b"}")
            else:
                self._scalar(first, keep=False)
            while closers:
                found, kind = self.space(), closers[-1]
                if found == b"":
                    raise self.unexpected(ENDED[kind])
                if found == b"," and not fresh:
                    self.at += 1
                    break
                if found == kind:
                    self.at += 1
                    closers.pop()
                    fresh = False
                elif fresh:
                    break
                else:
                    raise self.unexpected(f"expected `,` or `{kind.decode()}`")
            else:
                return
            if closers[-1] == b"}":
                self.key_follows(ENDED[b"}"])
                self._string(keep=False)
                self.colon()


def _take(significand: int, digits: bytes) -> tuple[int, int]:
    """Add digits as long as a u64 holds them; how many they were."""
    for taken, digit in enumerate(digits):
        grown = significand * 10 + digit - 48
        if grown > _U64:
            return significand, taken
        significand = grown
    return significand, len(digits)


def _float(significand: int, exponent: int) -> float | None:
    """serde_json's own arithmetic, which is off by a last digit now and then; None is infinite."""
    value = float(significand)
    while value and exponent < -308:
        value, exponent = value / 1e308, exponent + 308
    if exponent < 0 or not value:
        return value / float(f"1e{-exponent}") if value else value
    value = value * float(f"1e{exponent}") if exponent <= 308 else math.inf
    return None if math.isinf(value) else value
