"""Requests as hyper 1.6 takes them apart: what it accepts, and the status of what it does not."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_HEADERS = 100
MOST_BYTES = 8192 + 4096 * 100
_MOST_TARGET = 2**16 - 2
_TOKEN = re.compile(rb"[A-Za-z0-9!#$%&'*+\-.^_`|~]*")
_TARGET = re.compile(rb"[\x21-\x7e\x80-\xff]*")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_URI = re.compile(
    rb"\*|(?:[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]+)?"
    rb"(?P<path>(?:/[^\x00-\x20#<>?`]*)?)(?:\?(?P<query>[^\x00-\x20\"#<>]*))?(?:#.*)?"
)
_VERSIONS = {b"HTTP/1.0": "1.0", b"HTTP/1.1": "1.1"}


class Refused(Exception):
    """A request that is answered with a status alone, and the connection closed."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Partial(Exception):
    """The rest has not come yet."""


@dataclass(frozen=True)
class Head:
    """One request without its body; `length` is None when that comes in chunks."""

    method: str
    path: bytes
    query: bytes
    version: str
    headers: list[tuple[bytes, bytes]]
    keep_alive: bool
    length: int | None
    expects_continue: bool


def parse(raw: bytes) -> tuple[Head, int] | None:
    """The head at the beginning of `raw` and its size, None when it is not complete."""
    try:
        at = 0
        while raw[at : at + 1] in (b"\r", b"\n"):
            at = _line_end(raw, at)
        method, at = _until(raw, at, _TOKEN, b" ")
        target, at = _until(raw, at, _TARGET, b" ")
        target.decode()
        version, at = _version(raw, at)
        headers: list[tuple[bytes, bytes]] = []
        at = _line_end(raw, at)
        while raw[at : at + 1] not in (b"\r", b"\n"):
            name, at = _until(raw, at, _TOKEN, b":")
            value, at = _match(_VALUE, raw, at)
            at = _line_end(raw, at)
            headers.append((name.lower(), value.strip(b" \t")))
            if len(headers) > MOST_HEADERS:
                raise Refused(431)
        at = _line_end(raw, at)
    except UnicodeDecodeError:
        raise Refused(400) from None
    except _Partial:
        if len(raw) >= MOST_BYTES:
            raise Refused(431) from None
        return None
    return _head(method.decode(), target, version, headers), at


def _match(pattern: re.Pattern[bytes], raw: bytes, at: int) -> tuple[bytes, int]:
    found = pattern.match(raw, at)
    assert found is not None
    if found.end() == len(raw):
        raise _Partial
    return found[0], found.end()


def _until(raw: bytes, at: int, pattern: re.Pattern[bytes], closing: bytes) -> tuple[bytes, int]:
    found, end = _match(pattern, raw, at)
    if not found or raw[end : end + 1] != closing:
        raise Refused(400)
    return found, end + 1


def _line_end(raw: bytes, at: int) -> int:
    if raw[at : at + 1] == b"\n":
        return at + 1
    if raw[at : at + 2] in (b"", b"\r"):
        raise _Partial
    if raw[at : at + 2] != b"\r\n":
        raise Refused(400)
    return at + 2


def _version(raw: bytes, at: int) -> tuple[str, int]:
    found = raw[at : at + 8]
    if found in _VERSIONS:
        return _VERSIONS[found], at + 8
    if len(found) < 8 and b"HTTP/1.".startswith(found):
        raise _Partial
    raise Refused(400)


def _head(method: str, target: bytes, version: str, headers: list[tuple[bytes, bytes]]) -> Head:
    if len(target) > _MOST_TARGET:
        raise Refused(414)
    uri = _URI.fullmatch(target)
    if uri is None and not re.fullmatch(rb"[A-Za-z0-9.:\[\]@_~!$&'()*+,;=%\-]+", target):
        raise Refused(400)
    keep_alive, chunked, length, expects = version == "1.1", None, None, False
    for name, value in headers:
        words = [word.strip() for word in value.lower().split(b",")]
        if name == b"transfer-encoding":
            if version == "1.0":
                raise Refused(400)
            chunked = words[-1] == b"chunked"
        elif name == b"content-length" and chunked is None:
            told = _digits(value)
            if length not in (None, told):
                raise Refused(400)
            length = told
        elif name == b"connection":
            keep_alive = b"close" not in words if keep_alive else b"keep-alive" in words
        elif name == b"expect":
            expects = value.lower() == b"100-continue"
    if chunked is False:
        raise Refused(400)
    path, query = (uri["path"] or b"/", uri["query"] or b"") if uri else (b"", b"")
    if target == b"*":
        path = target
    return Head(
        method, path, query, version, headers, keep_alive, None if chunked else length or 0, expects
    )


def _digits(value: bytes) -> int:
    figures = value.lstrip(b"0")
    if not value.isdigit() or len(figures) > 20 or int(figures or b"0") >= 2**64:
        raise Refused(400)
    return int(figures or b"0")
