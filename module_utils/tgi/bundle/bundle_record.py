"""Know what an earlier run left in a bundle's directory, and what of it is still good."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..common.files import read_bytes, write
from ..common.problem import problem, without_login
from .apt_wishes import AptWish
from .bundle_form import FILE, KINDS, BundleApt, BundleError, BundleForm, from_bundle_text
from .project_part import HISTORY
from .signature import unsign
from .sums import SIGNATURES, SUMS, read_sums, sha256_of

#: Below the bundle while it is made; what a killed run leaves there helps the next one
WORK = ".making"
#: Where the files of a whole bundle wait while it is changed
_ASIDE = "before"


@dataclass
class BundleRecord:
    """bundle.json, SHA256SUMS and signatures of an earlier run; all empty where none ended."""

    bundle: Path
    aside: Path
    files: Mapping[str, bytes] = field(default_factory=dict)
    form: BundleForm | None = None
    sums: dict[str, str] = field(default_factory=dict)
    #: Files that were changed or lost since
    lost: set[str] = field(default_factory=set)

    def drop_changed(
        self, places: Collection[str], known: dict[Path, str], dry: bool
    ) -> Iterator[str]:
        """Delete files of these folders that are not as SHA256SUMS says; yield a line for each.

        Write into ``known`` what is as it says. ``dry`` deletes nothing.
        """
        again = "" if dry else "; it is made again"
        for name, digest in self.sums.items():
            if name.split("/")[0] not in places:
                continue
            path = self.bundle / name
            if not path.is_file() or path.is_symlink():
                self.lost.add(name)
                yield f"{name}: is missing{again}"
            elif sha256_of(path) != digest:
                self.lost.add(name)
                if not dry:
                    path.unlink()
                yield f"{name}: its SHA-256 is not the one in {SUMS}{again}"
            else:
                known[path] = digest

    def has_packages(self, wish: AptWish) -> bool:
        """Return whether all that apt brought for this wish is there."""
        found = self.packages_of(wish)
        there = [(one.name, one.uri, one.suite, one.components) for one in found]
        wanted = [(one.name, without_login(one.uri), one.suite, one.components)
                  for one in wish.sources]  # fmt: skip
        if there != wanted or found[0].packages != wish.packages:
            return False
        return not self._is_lost(f"apt/{wish.system}/", *(one.key or "" for one in found))

    def packages_of(self, wish: AptWish) -> list[BundleApt]:
        """Return what bundle.json says of a system."""
        return [one for one in self.form.apt if one.system == wish.system] if self.form else []

    def has_wheels(self, version: str) -> bool:
        """Return whether the wheels for a version of Python are there."""
        made = self.form is not None and self.form.python_version == version
        return made and not self._is_lost("wheels/")

    def has_history(self, commit: str) -> bool:
        """Return whether project.bundle is of a commit."""
        made = self.form is not None and self.form.commit == commit
        return made and HISTORY in self.sums and not self._is_lost(HISTORY)

    def _is_lost(self, *starts: str) -> bool:
        return any(name.startswith(one) for name in self.lost for one in starts if one)

    def set_aside(self) -> None:
        """Take the list and the signature away: they are not true while files change."""
        self.aside.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            write(self.aside / name, content)
        unsign(self.bundle)
        for name in (SUMS, FILE):
            with contextlib.suppress(FileNotFoundError):
                (self.bundle / name).unlink()

    def keeping_its_time(self, form: BundleForm) -> BundleForm:
        """Return a form with the time of the one before, where nothing else differs."""
        if self.form and replace(form, made=self.form.made) == self.form:
            return self.form
        return form

    def put_back(self, sums: Mapping[str, str]) -> bool:
        """Put list and signature back if they are true again."""
        if dict(sums) != self.sums:
            return False
        for name, content in self.files.items():
            write(self.bundle / name, content)
        return True


def read_record(bundle: Path, work: Path) -> BundleRecord:
    """Return what is there, also where a killed run had set it aside."""
    aside = work / _ASIDE
    for place in (bundle, aside):
        names = [name for name in (FILE, SUMS, *SIGNATURES) if (place / name).is_file()]
        if {FILE, SUMS} <= set(names):
            files = {name: read_bytes(place / name) for name in names}
            try:
                form = from_bundle_text(files[FILE].decode("utf-8", "replace"))
                return BundleRecord(bundle, aside, files, form, read_sums(place))
            except BundleError:
                break
    return BundleRecord(bundle, aside)


def drop_others(place: Path, kept: Collection[Path]) -> None:
    """Delete files that are in none of the kept folders and are none of the kept files."""
    for path in sorted(place.rglob("*"), reverse=True) if place.exists() else ():
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):
                path.rmdir()
        elif path not in kept and not any(one in path.parents for one in kept):
            path.unlink()


def refuse_other_directories(bundle: Path) -> None:
    """Raise BundleError for a directory with anything else: files in it would be deleted."""
    ours = {FILE, SUMS, *SIGNATURES, HISTORY, WORK, f"{HISTORY}.growing", *KINDS}
    if bundle.exists() and not bundle.is_dir():
        raise BundleError(problem(f"bundle {bundle}", "is no directory", "write another path"))
    if others := sorted({one.name for one in bundle.glob("*")} - ours):
        what = f"has {', '.join(others[:3])}, which is of no bundle"
        remedy = "write an empty or a new directory, or one that this playbook made"
        raise BundleError(problem(f"bundle {bundle}", what, remedy))


@contextlib.contextmanager
def held(work: Path) -> Iterator[None]:
    """Hold the directory, so that no other run changes it meanwhile."""
    work.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(work, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        remedy = "wait for it, or write another directory"
        what = "is being made by another run"
        raise BundleError(problem(f"bundle {work.parent}", what, remedy)) from error
    finally:
        os.close(descriptor)
