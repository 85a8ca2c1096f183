"""Know the releases of TGI by the label that an image carries, and that /info tells."""

from __future__ import annotations

import re

from .tgi.causes_rule import Cause

#: The first digits of the commit of each release, as its image says them
LABELS = {"3.3.5": "sha-8d029d2", "3.3.6": "sha-efb94e0", "3.3.7": "sha-dfb3fbe"}
# The tag latest of January 2026 differs from 3.3.7 in a file of its tests only
_SAME_SOURCES = {"sha-db931fc": "3.3.7"}
_LABEL = re.compile(r"sha-[0-9a-f]{7,40}")


def other_release(label: str, version: str) -> Cause | None:
    """Return what is wrong if an image's label is not that of the release tgi_version.

    Releases that are not known here, and labels of builds of one's own, prove nothing.
    """
    wanted = LABELS.get(version.lstrip("v"))
    if not wanted or not _LABEL.fullmatch(label) or label.startswith(wanted):
        return None
    known = {**{own: release for release, own in LABELS.items()}, **_SAME_SOURCES}
    found = next((release for own, release in known.items() if label.startswith(own)), "")
    if found == version.lstrip("v"):
        return None
    says = f"TGI {found}" if found else "another build"
    return Cause(
        "other_release",
        f"its image is {label}, {says}, and tgi_version is {version} ({wanted})",
        "correct tgi_version, or resolve the digest of that release with playbooks/image.yml",
    )
