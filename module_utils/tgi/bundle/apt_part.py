"""Make the apt part of a bundle: the publishers' signed lists as they are, and the packages."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from ..common.files import write
from ..common.problem import problem, without_login
from ..packages.apt import bare
from ..packages.repository_key import KeyRefusedError, fetch, obtain_key
from .apt_root import AptIndex, AptPackage, AptRoot, pool_path
from .apt_systems import AptSource
from .apt_wishes import AptWish
from .bundle_form import ARCHITECTURE, BundleApt, BundleError
from .sums import sha256_of

_SHA256 = re.compile(r"(?m)^ ([0-9a-f]{64}) +\d+ (\S+)$")


class _Placed(NamedTuple):
    """A package, and where it is in the bundle."""

    package: AptPackage
    target: Path


class AptPart:
    """The packages of one system. ``work`` is for what does not stay in the bundle."""

    def __init__(self, bundle: Path, work: Path, wish: AptWish) -> None:
        self.wish = wish
        self.place = bundle / "apt" / wish.system
        self._bundle = bundle
        self._work = work
        self._keys = work / "keys"
        self._root = AptRoot(work / wish.system)
        self._packages: list[_Placed] = []

    def plan(self, lost: Collection[str]) -> int:
        """Read the lists; return the bytes to fetch, ``lost`` files of the bundle among them."""
        self._work.mkdir(parents=True, exist_ok=True)
        self._keys.mkdir(exist_ok=True)
        for source in self.wish.sources:
            if source.key:
                write(self._keys / f"{source.name}.asc", _key(source))
            elif not Path(source.keyring).exists():
                get = "apt-get install debian-archive-keyring"
                if self.wish.system.startswith("ubuntu"):
                    get = "copy that file from a machine with Ubuntu"
                remedy = f"{get}, or write another place as bundle_apt_keyring"
                what = f"needs the keyring {source.keyring}, which is not here"
                raise BundleError(problem(self.wish.system, what, remedy))
        self._root.set_up(self.wish.sources, self._keys)
        self._root.update()
        found = self._root.plan(self.wish.groups).values()
        self._packages = [self._placed(package) for package in found]
        missing = [one for one in self._packages if not self._is_there(one, lost)]
        return sum(one.package.size for one in missing)

    def done(self) -> int:
        """Return the bytes of packages that came so far."""
        archives = self._root.archives
        files = [*archives.glob("*.deb"), *archives.glob("partial/*")]
        return sum(path.stat().st_size for path in files if path.exists())

    def fetch(self) -> list[BundleApt]:
        """Bring packages and lists into the bundle, remove others, and return what is there."""
        for one in self._packages:
            if one.target.is_file() and sha256_of(one.target) == one.package.sha256:
                _link(one.target, self._root.archives / one.package.name)
        self._root.download(self.wish.groups)
        for one in self._packages:
            self._take(one)
        made = {one.target for one in self._packages}
        for index in self._root.indexes:
            made.update(self._keep_index(index))
        return [*self._described(made)]

    def _described(self, made: set[Path]) -> Iterator[BundleApt]:
        for path in sorted(self.place.rglob("*")) if self.place.exists() else ():
            if path.is_file() and path not in made:
                path.unlink()
        for source in self.wish.sources:
            key = f"apt/{source.name}.asc" if source.key else None
            if key:
                write(self._bundle / key, (self._keys / f"{source.name}.asc").read_bytes())
            yield BundleApt(
                source.name,
                self.wish.system,
                without_login(source.uri),
                source.suite,
                source.components,
                key,
                self._directory(source).relative_to(self._bundle).as_posix(),
                self.wish.packages if source == self.wish.sources[0] else (),
            )

    def _directory(self, source: AptSource) -> Path:
        """Return where a repository is: suites of one address share the packages there."""
        first = next(one for one in self.wish.sources if one.uri == source.uri)
        return self.place / first.name

    def _placed(self, package: AptPackage) -> _Placed:
        for source in self.wish.sources:
            path = pool_path(package, _address(source))
            if path is not None:
                return _Placed(package, self._directory(source) / path)
        what = f"is at {without_login(package.uri)}, which is below no repository of the bundle"
        raise BundleError(problem(package.name, what, "report this with the lines of your sources"))

    def _is_there(self, one: _Placed, lost: Collection[str]) -> bool:
        places = [self._root.archives / one.package.name]
        if one.target.relative_to(self._bundle).as_posix() not in lost:
            places.append(one.target)
        return any(path.is_file() and path.stat().st_size == one.package.size for path in places)

    def _take(self, one: _Placed) -> None:
        archive = self._root.archives / one.package.name
        local = one.package.uri.partition("file:")[2]
        # apt leaves packages of file: addresses where they are
        source = archive if archive.exists() or not local else Path("/" + local.lstrip("/"))
        if sha256_of(source) != one.package.sha256:
            source.unlink()
            what = "has other bytes than the signed lists say"
            raise BundleError(problem(one.package.name, what, "run this again"))
        one.target.parent.mkdir(parents=True, exist_ok=True)
        _link(source, one.target)

    def _keep_index(self, index: AptIndex) -> Iterator[Path]:
        """Place a list with the signed files that name it, byte for byte."""
        source = next(one for one in self.wish.sources if _is_from(index, one))
        at = self._directory(source)
        if not source.suite.endswith("/"):
            at = at / "dists" / source.suite
        elif source.suite != "/":
            at = at / source.suite.strip("/")
        signed = self._root.release_files(index)
        ending = index.file.name[len(index.plain.name) :]
        listed = {
            (digest, name)
            for path in signed
            if path.name.endswith("Release")
            for digest, name in _SHA256.findall(path.read_text(encoding="utf-8"))
        }
        target = at / f"{index.name}{ending}"
        target.parent.mkdir(parents=True, exist_ok=True)
        content = index.file.read_bytes()
        if (hashlib.sha256(content).hexdigest(), f"{index.name}{ending}") not in listed:
            # Of a list without compression apt keeps a compressed one, which is not signed
            content, target = index.plain.read_bytes(), at / index.name
            if (hashlib.sha256(content).hexdigest(), index.name) not in listed:
                what = f"has {index.name} with other bytes than its Release says"
                raise BundleError(problem(source.uri, what, "report this: apt had accepted it"))
        write(target, content)
        yield target
        for path in signed:
            name = next(one for one in _RELEASES if path.name.endswith(one))
            write(at / name, path.read_bytes())
            yield at / name


#: The longest that fits comes first
_RELEASES = ("InRelease", "Release.gpg", "Release")


def _is_from(index: AptIndex, source: AptSource) -> bool:
    at = bare(_address(source))
    return (at, source.suite.strip("/")) == (bare(index.uri), index.suite.strip("/"))


def _address(source: AptSource) -> str:
    return source.uri.replace("$(ARCH)", ARCHITECTURE)


def _key(source: AptSource) -> bytes:
    try:
        return obtain_key(b"", source.fingerprint, source.key, fetch)
    except KeyRefusedError as error:
        remedy = "correct the address of the key, or its fingerprint"
        raise BundleError(problem(f"the repository {source.name}", str(error), remedy)) from error


def _link(source: Path, target: Path) -> None:
    """Give a file a second name; a disk without hard links gets a copy, in one step."""
    if target.exists():
        if target.samefile(source):
            return
        target.unlink()
    try:
        os.link(source, target)
    except OSError:
        growing = target.with_name(f"{target.name}.growing")
        shutil.copyfile(source, growing)
        growing.replace(target)
