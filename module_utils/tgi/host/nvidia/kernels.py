"""Find the kernels that need driver modules, and what apt offers for them."""

from __future__ import annotations

import re

from ...common.commands import Ask

_IMAGES = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", "linux-image-*"]
# Metapackages such as linux-image-amd64, not linux-image-6.1.0-28-amd64 or linux-image-unsigned-…
_FOLLOWS = re.compile(r"linux-image-((?!\d|unsigned|dbg)\S+) installed")


def flavours(ask: Ask) -> list[str]:
    """Return the packages that bring the next kernels, without linux-image-; none without apt."""
    lines = ask(_IMAGES).text.splitlines()
    found = (_FOLLOWS.fullmatch(line.strip()) for line in lines)
    return sorted(match[1] for match in found if match and not match[1].endswith("-dbg"))


def mirror(release: str, ask: Ask) -> str:
    """Return the mirror that the host uses for a Debian codename, or ""."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    wanted = ["Created-By: Packages", "Origin: Debian", f"Codename: {release}", "Component: main"]
    return next(iter(ask([*asked, *wanted]).text.split()), "")


def offered(package: str, ask: Ask) -> bool:
    """Check whether apt can install the package."""
    found = re.search(r"(?m)^[ \t]*Candidate: (\S+)", ask(["apt-cache", "policy", package]).text)
    return found is not None and found[1] != "(none)"
