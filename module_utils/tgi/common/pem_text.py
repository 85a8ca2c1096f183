"""Read PEM text as people paste it, and write it as every program reads it.

OpenSSL goes by lines: it refuses a block without its line breaks, and drops one that is indented.
"""

from __future__ import annotations

import base64
import binascii
import re
import textwrap
from collections.abc import Iterator

CERTIFICATE = "CERTIFICATE"
KEY = "PRIVATE KEY"
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_COMMENT = re.compile(r"(?m)^[ \t]*#.*")
_OLD_NAME = "X509 CERTIFICATE"


class PemError(ValueError):
    """A block that cannot be read; the message says which, and never quotes it."""


def blocks(text: str, content: str) -> list[tuple[str, bytes]]:
    """Return label and content (DER) of each block of ``content``, CERTIFICATE or PRIVATE KEY.

    Line breaks may be missing, spaces, or the two characters that JSON writes. Raises PemError
    unless every such block is whole.
    """
    found = list(_raw(text, content))
    what = "certificate" if content == CERTIFICATE else "private key"
    done = []
    for place, (label, body) in enumerate(found, 1):
        which = f"{what} {place} of {len(found)}" if len(found) > 1 else what
        if label.startswith("ENCRYPTED") or "Proc-Type:" in (body or ""):
            raise PemError(f"{which} has a password")
        try:
            done.append((label, base64.b64decode("".join((body or "").split()), validate=True)))
        except binascii.Error:
            raise PemError(f"{which} has characters that are not base64") from None
        if not done[-1][1]:
            raise PemError(f"{which} is cut off")
    return done


def _raw(text: str, content: str) -> Iterator[tuple[str, str | None]]:
    """Yield label and body of each block of ``content``; None without its END line."""
    plain = _COMMENT.sub("", text.replace("\\r", "").replace("\\n", "\n"))
    parts = _BEGIN.split(plain)[1:]
    for label, rest in zip(parts[::2], parts[1::2]):
        body, end, _ = rest.partition(f"-----END {label}-----")
        if label.endswith(content):
            yield label, body if end else None


def certificate_text(text: str) -> str:
    """Return the certificates of a text as every program reads them, without all else in it.

    Empty if the text is. Raises PemError.
    """
    found = blocks(text, CERTIFICATE)
    if text and not found:
        raise PemError("there is no certificate in it")
    return "".join(written(label, content) for label, content in found)


def written(label: str, content: bytes) -> str:
    """Return one block as PEM text, which ends in a line break."""
    label = CERTIFICATE if label == _OLD_NAME else label
    body = "\n".join(textwrap.wrap(base64.b64encode(content).decode(), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def has_key(text: str) -> bool:
    """Return whether a text has a private key, also a broken one."""
    return any(label.endswith(KEY) for label in _BEGIN.findall(text))
