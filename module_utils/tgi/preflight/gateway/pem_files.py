"""Whether a path leads to a PEM file of the controller that holds what it should."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ...common.problem import UNKNOWN, problem, shown

# Reads the beginning of a file of the controller; None if there is none that can be read
Reader = Callable[[str], "str | None"]
VAULTED = "$ANSIBLE_VAULT"


def check_pem(where: str, path: Any, content: str, read: Reader, other: str = "") -> Iterator[str]:
    """Give what is wrong with a needed ``path`` to a PEM file with ``content``.

    ``content`` is CERTIFICATE or PRIVATE KEY; ``other`` says what else could be written.
    """
    if path is UNKNOWN:
        return
    wrong = list(check_path(where, path))
    head = None if wrong else read(str(path))
    if wrong:
        yield wrong[0]
    elif head is None:
        remedy = f"put the file there, or write the path it has{other}"
        yield problem(where, f"is {path}, which the controller cannot read", remedy)
    elif not holds(head, content) and VAULTED not in head:
        yield problem(where, f"is {path}, which holds no {content}", "write a PEM file's path")


def holds(text: str, content: str) -> bool:
    """Say whether a PEM text has a block of ``content``."""
    return bool(re.search(rf"-----BEGIN [A-Z ]*{content}-----", text))


def check_path(where: str, path: Any) -> Iterator[str]:
    """Give what is wrong with a needed path on the controller."""
    remedy = 'write an absolute path on the controller, such as "{{ inventory_dir }}/pki/…"'
    if path is UNKNOWN:
        return
    if not isinstance(path, str) or not path:
        yield problem(where, "is missing", remedy)
    elif not path.startswith("/"):
        yield problem(where, f"is {shown(path)}, which depends on where Ansible runs", remedy)
    elif not path.isprintable():
        yield problem(where, f"is {shown(path)}, which has control characters", remedy)
