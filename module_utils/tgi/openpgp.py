"""Fingerprints of OpenPGP public keys, read without gpg, which minimal hosts do not have.

Source: RFC 4880, sections 4.2 (packet headers), 5.5.2 (version 4 keys), 6.2 (armor), 12.2 (fingerprint).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Iterator

PUBLIC_KEY = 6


class KeyFormatError(ValueError):
    """The data is not an OpenPGP public key that can be judged."""


def dearmor(data: bytes) -> bytes:
    """Binary packets of an armored key; binary input is returned as it is."""
    if b"-----BEGIN PGP PUBLIC KEY BLOCK-----" not in data:
        return data
    inside = data.split(b"-----BEGIN PGP PUBLIC KEY BLOCK-----", 1)[1]
    inside = inside.split(b"-----END PGP PUBLIC KEY BLOCK-----", 1)[0].replace(b"\r", b"")
    # Armor headers such as "Comment: …" end with the first empty line
    _headers, _, body = inside.partition(b"\n\n")
    lines = [line for line in body.split(b"\n") if line and not line.startswith(b"=")]
    try:
        return base64.b64decode(b"".join(lines), validate=True)
    except binascii.Error as error:
        raise KeyFormatError(f"broken armor: {error}") from error


def _new_length(data: bytes, at: int) -> tuple[int, int]:
    first = data[at]
    if first < 192:
        return first, at + 1
    if first < 224:
        return ((first - 192) << 8) + data[at + 1] + 192, at + 2
    if first == 255:
        return int.from_bytes(data[at + 1 : at + 5], "big"), at + 5
    raise KeyFormatError("partial packet lengths do not occur in keys")


def packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, body) of each packet; raises KeyFormatError where the data is none."""
    at = 0
    while at < len(data):
        header = data[at]
        if not header & 0x80:
            raise KeyFormatError("not an OpenPGP key")
        try:
            if header & 0x40:
                tag, (length, start) = header & 0x3F, _new_length(data, at + 1)
            else:
                size = {0: 1, 1: 2, 2: 4}[header & 3]
                tag, start = (header >> 2) & 0xF, at + 1 + size
                length = int.from_bytes(data[at + 1 : start], "big")
        except (IndexError, KeyError) as error:
            raise KeyFormatError("truncated OpenPGP packet") from error
        if start + length > len(data):
            raise KeyFormatError("truncated OpenPGP packet")
        yield tag, data[start : start + length]
        at = start + length


def fingerprints(data: bytes) -> list[str]:
    """Fingerprints of all primary keys in a key file: 40 upper-case hex digits each."""
    found = []
    for tag, body in packets(dearmor(data)):
        if tag != PUBLIC_KEY:
            continue
        if not body or body[0] != 4:
            raise KeyFormatError("only version 4 keys are supported")
        framed = b"\x99" + len(body).to_bytes(2, "big") + body
        found.append(hashlib.sha1(framed).hexdigest().upper())
    if not found:
        raise KeyFormatError("no public key in it")
    return found


def normalise(fingerprint: str) -> str:
    """A fingerprint as people write it (spaces, colons, lower case) in the form compared here."""
    return "".join(fingerprint.split()).replace(":", "").upper()
