"""Read fingerprints of OpenPGP public keys without gpg, which minimal hosts do not have.

Source: RFC 4880, sections 4.2 (packet headers), 5.5.2 (version 4 keys), 6.2 (armor), 11.1
(transferable public keys) and 12.2 (fingerprint).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator

PUBLIC_KEY = 6
#: All that a public key consists of: keys, subkeys, signatures, names and pictures
_PARTS = frozenset({PUBLIC_KEY, 14, 2, 13, 17})
#: Markers and gpg's own notes of trust say nothing about a key
_DROPPED = frozenset({10, 12})
_NAMES = {5: "a secret key", 7: "a secret subkey", 8: "compressed data"}
_BEGIN, _END = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"
_BLOCK = re.compile(rb"-----BEGIN PGP PUBLIC KEY BLOCK-----(.*?)(?:-----END PGP|\Z)", re.DOTALL)


class KeyFormatError(ValueError):
    """The data is not an OpenPGP public key that this module can read."""


def dearmor(data: bytes) -> bytes:
    """Return the binary packets of all armored blocks in a file; return binary input as is."""
    blocks = _BLOCK.findall(data)
    return b"".join(_dearmor_block(block) for block in blocks) if blocks else data


def _dearmor_block(block: bytes) -> bytes:
    lines = [line.strip() for line in block.splitlines()]
    # Armor headers such as "Comment: …" end at the first empty line
    body = lines[lines.index(b"", 1) :] if b"" in lines[1:] else []
    try:
        text = b"".join(line for line in body if not line.startswith(b"="))
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise KeyFormatError(f"broken armor: {error}") from error


def armor(packets_: bytes) -> bytes:
    """Return binary packets as one armored block, as apt reads it from a .asc file."""
    text = base64.b64encode(packets_).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([_BEGIN, "", *lines, _checksum(packets_), _END, ""]).encode()


def _checksum(data: bytes) -> str:
    """Return the CRC-24 of section 6.1, which some readers require."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return "=" + base64.b64encode(crc.to_bytes(3, "big")).decode()


def _new_length(data: bytes, at: int) -> tuple[int, int]:
    first = data[at]
    if first < 192:
        return first, at + 1
    if first < 224:
        return ((first - 192) << 8) + data[at + 1] + 192, at + 2
    if first == 255:
        return int.from_bytes(data[at + 1 : at + 5], "big"), at + 5
    raise KeyFormatError("partial packet lengths do not occur in keys")


def packets(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield (tag, body, whole packet) of each packet. Raises KeyFormatError."""
    at = 0
    while at < len(data):
        begin, header = at, data[at]
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
        at = start + length
        yield tag, data[start:at], data[begin:at]


def fingerprints(data: bytes) -> list[str]:
    """Return the fingerprints of all primary keys: 40 upper-case hex digits each."""
    return [name for name, _packets in keys(data)]


def keys(data: bytes) -> list[tuple[str, bytes]]:
    """Return (fingerprint, all its packets) of each primary key. Raises KeyFormatError.

    Only these packets may be written. apt 3 takes a secret key for a public one, so a file with
    one would add a key that was not judged.
    """
    found: list[tuple[str, bytes]] = []
    for tag, body, raw in packets(dearmor(data)):
        if tag == PUBLIC_KEY:
            found.append((_fingerprint(body), raw))
        elif tag not in _PARTS | _DROPPED:
            what = _NAMES.get(tag, f"a packet of type {tag}")
            raise KeyFormatError(f"it contains {what}, which no repository's key does")
        elif found and tag in _PARTS:
            found[-1] = (found[-1][0], found[-1][1] + raw)
    if not found:
        raise KeyFormatError("it contains no public key")
    return found


def _fingerprint(body: bytes) -> str:
    if not body or body[0] != 4:
        raise KeyFormatError("only version 4 keys are supported")
    framed = b"\x99" + len(body).to_bytes(2, "big") + body
    # Version 4 defines SHA-1; FIPS mode allows it only with this flag
    return hashlib.sha1(framed, usedforsecurity=False).hexdigest().upper()


def normalise(fingerprint: str) -> str:
    """Return a fingerprint without spaces and colons, in upper case."""
    return "".join(fingerprint.split()).replace(":", "").upper()
