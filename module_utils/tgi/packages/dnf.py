"""Write a dnf repository file, and remove a repository from other files."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .apt import bare, begins_like

_SECTION = re.compile(r"(?m)^(?=\[)")
_ID = re.compile(r"\[([^]]+)\]")
# $basearch, ${releasever}: they match any word
_VARIABLE = re.compile(r"\$\{?\w+\}?")


def repository_text(
    name: str, baseurl: str, key: str, gpgcheck: bool, repo_gpgcheck: bool, sslcacert: str
) -> str:
    """Return the text of a repository file; ``key`` is the path of the checked key."""
    lines = [
        "# Ansible managed",
        f"[{name}]",
        f"name={name}",
        f"baseurl={baseurl}",
        "enabled=1",
        f"gpgcheck={int(gpgcheck)}",
        f"repo_gpgcheck={int(repo_gpgcheck)}",
        f"gpgkey=file://{key}",
    ]
    if sslcacert:
        lines += ["sslverify=1", f"sslcacert={sslcacert}"]
    return "\n".join([*lines, ""])


def same_repository(one: str, other: str) -> bool:
    """Check whether two addresses can be one repository; a variable of dnf matches any word."""
    pairs = [bare(address).split("/") for address in (one, other)]
    return len(pairs[0]) == len(pairs[1]) and all(
        left == right or _VARIABLE.search(left) or _VARIABLE.search(right)
        for left, right in zip(*pairs)
    )


def without_repository(text: str, name: str, baseurl: str, replaces: Sequence[str] = ()) -> str:
    """Return a .repo file without the sections of that name or address; "" if none remains.

    Also removes a section if all its addresses begin with one of ``replaces``.
    """
    head, *sections = _SECTION.split(text)
    kept = [part for part in sections if not _redundant(part, name, baseurl, replaces)]
    if len(kept) == len(sections):
        return text
    return head + "".join(kept) if kept else ""


def _redundant(section: str, name: str, baseurl: str, replaces: Sequence[str]) -> bool:
    found = _ID.match(section)
    if found is None or found[1] == "main":
        return False
    addresses = _addresses(section)
    return found[1] == name or bool(
        addresses
        and all(same_repository(one, baseurl) or begins_like(one, replaces) for one in addresses)
    )


def _addresses(section: str) -> list[str]:
    """Return the values of baseurl; indented lines continue it."""
    found = re.search(r"(?m)^baseurl\s*=(.*(?:\n[ \t]+\S.*)*)", section)
    return re.split(r"[\s,]+", found[1].strip()) if found else []
