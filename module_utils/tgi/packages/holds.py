"""Versions of installed packages, and what keeps them: apt's holds, dnf's versionlock.

A hold is lost when the held package is changed on purpose (apt), so it is looked at and set again.
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
    """Versions by package, and which of them apt holds."""

    versions: dict[str, str]
    held: frozenset[str]


def ask(run: Run, manager: str, names: Sequence[str]) -> Installed:
    """What is installed of these packages or patterns; ValueError where nobody can say."""
    code, out, err = run([*(_RPM if manager == "dnf" else _DPKG), *names])
    # dpkg-query says 1 where a pattern is met by nothing
    if code not in (0, 1):
        raise ValueError(f"{'rpm' if manager == 'dnf' else 'dpkg-query'} says: {err.strip()}")
    return parse_rpm(out) if manager == "dnf" else parse_dpkg(out)


def parse_dpkg(text: str) -> Installed:
    """From lines as "hi |docker-ce|5:29.1.0-1~debian.13"; removed ones are not installed."""
    rows = [line.split("|") for line in text.splitlines() if line.count("|") == 2]
    there = [row for row in rows if row[0][1:2] == "i"]
    held = frozenset(name for status, name, _version in there if status[:1] == "h")
    return Installed({name: version for _status, name, version in there}, held)


def parse_rpm(text: str) -> Installed:
    """From lines as "docker-ce|3:29.1.0-1.el9"; epoch 0 is written by nobody."""
    rows = [line.split("|") for line in text.splitlines() if line.count("|") == 1]
    return Installed({name: re.sub(r"^0:", "", version) for name, version in rows}, frozenset())


def matches(installed: str, wanted: str) -> bool:
    """Whether a version is the one asked for, where * is a wildcard and nothing asks for any.

    The packager's own number may be left out, as dnf allows.
    """
    pattern = ".*".join(re.escape(part) for part in wanted.split("*"))
    return not wanted or re.fullmatch(rf"{pattern}(-[^-]+)?", installed) is not None


def to_mark(there: Installed, packages: Collection[str], hold: bool) -> list[str]:
    """Installed packages that apt-mark has to hold, or to let go."""
    return [
        name for name in packages if name in there.versions and (name in there.held) is not hold
    ]


def locks(versions: Mapping[str, str], packages: Mapping[str, str], hold: bool) -> list[str]:
    """Lines of the versionlock file: the installed version where it is held, else what is asked."""
    wanted = {name: (versions.get(name) if hold else None) or packages[name] for name in packages}
    return [_lock(name, version) for name, version in sorted(wanted.items()) if version]


def _lock(name: str, version: str) -> str:
    # All four parts, as a shorter form may be read as another package's name
    release = "" if re.search(r"-[^-]+$", version) else "-*"
    return f"{name}-{version}{release}.*"


def locks_text(before: str, owner: str, packages: Collection[str], lines: Sequence[str]) -> str:
    """The versionlock file with these lines as the owner's block, the only ones for the packages.

    Exclusions ("!") say which versions are bad, and stay.
    """
    begin, end = f"# tgi-ansible: {owner}", f"# end of tgi-ansible: {owner}"
    others = re.sub(rf"(?ms)^{re.escape(begin)}$.*?^{re.escape(end)}$\n?", "", before)
    names = "|".join(re.escape(name) for name in packages)
    own = re.compile(rf"(?:{names})(?:-(?:\d+:|\d|\*)|$)")
    kept = [line for line in others.splitlines() if not own.match(line.strip())]
    return "".join(f"{line}\n" for line in [*kept, *([begin, *lines, end] if lines else [])])
