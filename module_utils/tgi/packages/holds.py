"""Read the versions of installed packages, and hold them: apt's holds, dnf's versionlock.

apt loses a hold when the held package is changed on purpose, so callers check it and set it again.
Source: apt-mark(8), dnf-plugins-core's versionlock.py (file format: name-epoch:version-release.arch
with wildcards, "!" excludes, lines with "#" are comments).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from ..common.commands import Run

LOCKS = "/etc/dnf/plugins/versionlock.list"
_DPKG = ["dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}|${Package}|${Version}\n"]
_RPM = ["rpm", "-qa", "--queryformat", "%{NAME}|%{EPOCHNUM}:%{VERSION}-%{RELEASE}\n"]


class Installed(NamedTuple):
    """Versions by package, and the packages that apt holds."""

    versions: dict[str, str]
    held: frozenset[str]


def ask(run: Run, manager: str, names: Sequence[str]) -> Installed:
    """Return which of these packages or patterns are installed. Raises ValueError."""
    code, out, err = run([*(_RPM if manager == "dnf" else _DPKG), *names])
    # dpkg-query returns 1 if a pattern matches no package
    if code not in (0, 1):
        raise ValueError(f"{'rpm' if manager == 'dnf' else 'dpkg-query'} failed: {err.strip()}")
    return parse_rpm(out) if manager == "dnf" else parse_dpkg(out)


def parse_dpkg(text: str) -> Installed:
    """Parse lines as "hi |docker-ce|5:29.1.0-1~debian.13"; skip removed packages."""
    rows = [line.split("|") for line in text.splitlines() if line.count("|") == 2]
    there = [row for row in rows if row[0][1:2] == "i"]
    held = frozenset(name for status, name, _version in there if status[:1] == "h")
    return Installed({name: version for _status, name, version in there}, held)


def parse_rpm(text: str) -> Installed:
    """Parse lines as "docker-ce|3:29.1.0-1.el9"; drop epoch 0, which no user writes."""
    rows = [line.split("|") for line in text.splitlines() if line.count("|") == 1]
    return Installed({name: re.sub(r"^0:", "", version) for name, version in rows}, frozenset())


def matches(installed: str, wanted: str) -> bool:
    """Check whether a version is the wanted one; * is a wildcard, and "" accepts any version.

    The package release may be left out, as in dnf.
    """
    pattern = ".*".join(re.escape(part) for part in wanted.split("*"))
    return not wanted or re.fullmatch(rf"{pattern}(-[^-]+)?", installed) is not None


def to_mark(there: Installed, packages: Collection[str], hold: bool) -> list[str]:
    """Return the installed packages that apt-mark must hold or release."""
    return [
        name for name in packages if name in there.versions and (name in there.held) is not hold
    ]


def locks(versions: Mapping[str, str], packages: Mapping[str, str], hold: bool) -> list[str]:
    """Return lines of the versionlock file: the installed version if held, else the wanted one."""
    wanted = {name: (versions.get(name) if hold else None) or packages[name] for name in packages}
    return [_lock(name, version) for name, version in sorted(wanted.items()) if version]


def _lock(name: str, version: str) -> str:
    # All four parts: dnf can read a shorter form as another package's name
    release = "" if re.search(r"-[^-]+$", version) else "-*"
    return f"{name}-{version}{release}.*"


def locks_text(before: str, owner: str, packages: Collection[str], lines: Sequence[str]) -> str:
    """Return the versionlock file with these lines as the owner's block.

    Other locks of the packages are removed. Exclusions ("!") stay.
    """
    begin, end = f"# tgi-ansible: {owner}", f"# end of tgi-ansible: {owner}"
    others = re.sub(rf"(?ms)^{re.escape(begin)}$.*?^{re.escape(end)}$\n?", "", before)
    names = "|".join(re.escape(name) for name in packages)
    own = re.compile(rf"(?:{names})(?:-(?:\d+:|\d|\*)|$)")
    kept = [line for line in others.splitlines() if not own.match(line.strip())]
    return "".join(f"{line}\n" for line in [*kept, *([begin, *lines, end] if lines else [])])
