"""Check paths of PEM files on the controller."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ...common.pem_text import CERTIFICATE, PemError, blocks
from ...common.problem import UNKNOWN, problem, shown
from ...gateway.tls import pem as pem

# Returns the beginning of a file on the controller, or None if it is unreadable
Reader = Callable[[str], "str | None"]
VAULTED = "$ANSIBLE_VAULT"


def check_pem(where: str, path: Any, content: str, read: Reader, other: str = "") -> Iterator[str]:
    """Check a required ``path`` of a PEM file that must contain ``content``.

    ``content`` is CERTIFICATE or PRIVATE KEY; ``other`` is appended to the remedy.
    """
    if path is UNKNOWN:
        return
    wrong = list(check_path(where, path))
    head = None if wrong else read(str(path))
    if wrong:
        yield wrong[0]
    elif head is None:
        remedy = f"put the file there, or correct the path{other}"
        yield problem(where, f"is {path}, which the controller cannot read", remedy)
    elif not holds(head, content) and VAULTED not in head:
        yield problem(
            where, f"is {path}, which does not contain a {content}", "write a PEM file's path"
        )


def check_authorities(where: str, path: Any, read: Reader) -> Iterator[str]:
    """Check a required ``path`` of a PEM file with the certificates of authorities."""
    unread = list(check_pem(where, path, CERTIFICATE, read))
    yield from unread or check_bundle(where, path, read)


def check_bundle(where: str, path: Any, read: Reader) -> Iterator[str]:
    """Check a file that exists: all its blocks are whole, and one is a certificate."""
    text = (read(path) or "") if isinstance(path, str) else VAULTED
    if VAULTED in text:
        return
    remedy = "write the path of a whole PEM file"
    try:
        blocks(text, CERTIFICATE)
    except PemError as error:
        yield problem(where, f"is {path}, which is broken: {error}", remedy)
        return
    if not pem.bundle(text):
        yield problem(where, f"is {path}, which contains no readable certificate", remedy)


def holds(text: str, content: str) -> bool:
    """Return whether a PEM text has a block of ``content``."""
    return bool(re.search(rf"-----BEGIN [A-Z ]*{content}-----", text))


def check_path(where: str, path: Any) -> Iterator[str]:
    """Check a required path on the controller."""
    remedy = 'write an absolute path on the controller, such as "{{ inventory_dir }}/pki/…"'
    if path is UNKNOWN:
        return
    if not isinstance(path, str) or not path:
        yield problem(where, "is missing", remedy)
    elif not path.startswith("/"):
        yield problem(where, f"is {shown(path)}, not an absolute path", remedy)
    elif not path.isprintable():
        yield problem(where, f"is {shown(path)}, which has control characters", remedy)
