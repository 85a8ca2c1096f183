"""Write SHA256SUMS of a bundle, and compare every byte of a bundle with it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from ..common.files import write
from ..common.problem import problem
from ..weights.file_digest import digest_of
from .bundle_form import BundleError, kind_of

SUMS = "SHA256SUMS"
#: Signatures of SHA256SUMS, which it cannot name
SIGNATURES = ("SHA256SUMS.minisig", "SHA256SUMS.asc")
_LINE = re.compile(r"([0-9a-f]{64}) [ *]([^\n\\]+)")
#: What sha256sum writes as it is
_NAME = re.compile(r"[^\x00-\x1f\\\x7f]+")
OnBytes = Callable[[int], None]


class SumProblem(NamedTuple):
    """A file that is not as SHA256SUMS says. ``kind``: package, image, weights, wheel, project."""

    file: str
    #: "changed", "missing", "extra" or "link"
    state: str
    what: str

    @property
    def kind(self) -> str:
        """Return what the file is."""
        return kind_of(self.file)

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def files_of(bundle: Path) -> Iterator[str]:
    """Yield the files of a bundle but SHA256SUMS and its signatures, and all links."""
    for folder, _, names in os.walk(bundle, onerror=_fail):
        place = Path(folder)
        # A link to a directory is not walked, so it must not go unseen
        links = [one.name for one in place.iterdir() if one.is_symlink() and one.is_dir()]
        for name in sorted([*names, *links]):
            path = (place / name).relative_to(bundle).as_posix()
            if path != SUMS and path not in SIGNATURES:
                yield path


def sums_of(
    bundle: Path,
    known: Mapping[str, str] | None = None,
    on_bytes: OnBytes = lambda _: None,
) -> dict[str, str]:
    """Return path -> SHA-256 of all files; ``known`` ones are not read again.

    Raise BundleError for a link or a name that no sha256sum reads.
    """
    names = sorted(files_of(bundle))
    for name in names:
        if (bundle / name).is_symlink() or not _NAME.fullmatch(name):
            what = "is a link, or has a name that SHA256SUMS cannot hold"
            raise BundleError(problem(str(bundle / name), what, "delete it, and run this again"))
    known = known or {}
    unread = [name for name in names if name not in known]
    read = dict(zip(unread, _digests(bundle, unread, on_bytes)))
    return {name: known.get(name) or read[name] for name in names}


def write_sums(bundle: Path, sums: Mapping[str, str]) -> None:
    """Write SHA256SUMS, which ``sha256sum --check`` reads."""
    text = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))
    write(bundle / SUMS, text.encode())


def read_sums(bundle: Path) -> dict[str, str]:
    """Return path -> SHA-256; raise BundleError when there is no such list."""
    try:
        text = (bundle / SUMS).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = f"has no {SUMS} that can be read ({error})"
        remedy = "bring the whole directory that playbooks/bundle.yml made"
        raise BundleError(problem(str(bundle), what, remedy)) from error
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if not match or match[2].startswith("/") or ".." in match[2].split("/"):
            where = f"{SUMS} line {number}"
            raise BundleError(problem(where, "is no SHA-256 with a file", "make the bundle anew"))
        found[match[2]] = match[1]
    return found


def verify_sums(
    bundle: Path, sums: Mapping[str, str], on_bytes: OnBytes = lambda _: None
) -> list[SumProblem]:
    """Return each file that is changed, missing, not listed or a link; reads every byte."""
    there = set(files_of(bundle))
    links = {name for name in there if (bundle / name).is_symlink()}
    found = [SumProblem(name, "link", "is a link, which no bundle has") for name in links]
    found += [SumProblem(name, "extra", f"is not in {SUMS}") for name in there - links - set(sums)]
    found += [SumProblem(name, "missing", "is missing") for name in set(sums) - there]
    names = sorted(there & set(sums) - links)
    for name, digest in zip(names, _digests(bundle, names, on_bytes)):
        if digest != sums[name]:
            what = f"its SHA-256 is {digest}, {SUMS} says {sums[name]}"
            found.append(SumProblem(name, "changed", what))
    return sorted(found)


def size_of(bundle: Path) -> int:
    """Return the bytes of all files, which is what a check reads."""
    return sum((bundle / name).lstat().st_size for name in files_of(bundle))


def _digests(bundle: Path, names: list[str], on_bytes: OnBytes) -> Iterator[str]:
    def digest(name: str) -> str:
        return sha256_of(bundle / name, on_bytes)

    # A hash of a large piece lets other threads run
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield from pool.map(digest, names)


def sha256_of(path: Path, on_bytes: OnBytes = lambda _: None) -> str:
    """Return the SHA-256 of a file; ``on_bytes`` hears how many bytes were read, from a thread."""
    # Only git's digests need the size
    return digest_of(path, "sha256", 0, on_bytes)


def _fail(error: OSError) -> None:
    raise error
