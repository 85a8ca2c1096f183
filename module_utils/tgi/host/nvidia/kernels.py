"""What a driver's modules are built for: kernels now and later; and where apt has them from."""

from __future__ import annotations

import re

from ...common.commands import Ask

_IMAGES = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", "linux-image-*"]
# Not linux-image-6.1.0-28-amd64 or linux-image-unsigned-…, but what follows them: linux-image-amd64
_FOLLOWS = re.compile(r"linux-image-((?!\d|unsigned|dbg)\S+) installed")


def flavours(ask: Ask) -> list[str]:
    """The packages that bring a host its next kernels, without linux-image-; none but on apt."""
    lines = ask(_IMAGES).text.splitlines()
    found = (_FOLLOWS.fullmatch(line.strip()) for line in lines)
    return sorted(match[1] for match in found if match and not match[1].endswith("-dbg"))


def mirror(release: str, ask: Ask) -> str:
    """The mirror from which the host has a Debian release (its codename); none, an empty text."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    wanted = ["Created-By: Packages", "Origin: Debian", f"Codename: {release}", "Component: main"]
    return next(iter(ask([*asked, *wanted]).text.split()), "")


def offered(package: str, ask: Ask) -> bool:
    """Whether apt knows a version of the package that it could install."""
    found = re.search(r"(?m)^\s*Candidate: (\S+)", ask(["apt-cache", "policy", package]).text)
    return found is not None and found[1] != "(none)"
