"""Let apt work for another system: with sources, lists and an empty list of packages of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..common.commands import run
from ..common.files import write
from ..common.problem import problem, without_login
from ..packages.apt import bare, preferences_text, sources_text
from .apt_systems import AptSource
from .apt_wishes import AptGroup
from .bundle_form import ARCHITECTURE, BundleError

_CAT = "/usr/lib/apt/apt-helper"
_URI = re.compile(r"'([^']+)' (\S+) (\d+) SHA256:([0-9a-f]{64})")
#: How apt begins its warning that a repository lacks a component. Other warnings, such as one that
#: a key will be too weak next year, refuse nothing; --error-on=any refuses a wrong signature
_SKIPPED = "W: Skipping acquire of"
#: As a mirror has them, so that the bytes are those that the publisher signed
_KEPT = "xz gz bz2 zst lz4 lzma"
_CONFIGURATION = """\
Dir::State "{root}/state";
Dir::State::lists "{root}/lists";
Dir::State::status "{root}/status";
Dir::State::extended_states "{root}/extended";
Dir::Cache "{root}/cache";
Dir::Cache::archives "{root}/archives";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "{root}/sources.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "{root}/preferences";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "/dev/null";
Dir::Log "{root}/log";
APT::Architecture "{architecture}";
#clear APT::Architectures;
APT::Architectures "{architecture}";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Get::List-Cleanup "true";
#clear DPkg::Post-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Acquire::IndexTargets::deb::Packages::KeepCompressedAs "{kept}";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::ForceHash "SHA256";
Acquire::Retries "3";
"""


class AptIndex(NamedTuple):
    """A list of packages: as it came, unpacked, and its name in the repository's Release."""

    file: Path
    plain: Path
    name: str
    #: The source's address and suite, as apt writes them
    uri: str
    suite: str


class AptPackage(NamedTuple):
    """A package that apt would fetch: from where, its name in archives/, what the lists say."""

    uri: str
    name: str
    size: int
    sha256: str


class AptRoot:
    """A directory in which apt works, apart from this machine's own apt."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.archives = root / "archives"
        #: The lists of packages, after update()
        self.indexes: list[AptIndex] = []
        self._configuration = root / "apt.conf"

    def set_up(self, sources: Sequence[AptSource], keys: Path) -> None:
        """Write apt's configuration; ``keys`` has NAME.asc of each source with a key."""
        # apt takes lists that it finds unpacked for old ones
        for name in ("lists", "signed"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        for name in ("state", "lists/partial", "signed", "cache", "archives/partial", "log"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for name in ("status", "extended"):
            (self.root / name).touch()
        text = _CONFIGURATION.format(
            root=self.root.resolve(), architecture=ARCHITECTURE, kept=_KEPT
        )
        write(self._configuration, text.encode())
        stanzas = [_stanza(source, keys.resolve()) for source in sources]
        # An address may hold a password
        write(self.root / "sources.sources", "\n".join(stanzas).encode(), 0o600)

    def update(self) -> None:
        """Fetch the signed lists; raise BundleError with apt's words."""
        said = self._apt("update", "--error-on=any", what="cannot read its sources")
        if wrong := [line for line in said.splitlines() if line.startswith(_SKIPPED)]:
            self._refuse("cannot read its sources", wrong)
        self.indexes = self._unpacked()

    def _unpacked(self) -> list[AptIndex]:
        """Unpack the lists, in which apt then looks things up ten times as fast."""
        form = "$(FILENAME)\t$(METAKEY)\t$(SITE)\t$(RELEASE)\t$(CREATED_BY)"
        found = []
        for line in self._apt("indextargets", "--format", form).splitlines():
            file, name, uri, suite, kind = line.split("\t")
            came = Path(file)
            if kind != "Packages" or not came.exists():
                continue
            plain, kept = came.with_name(came.name[: -len(_ending(came, name)) or None]), came
            if plain != came:
                kept = self.root / "signed" / came.name
                done = subprocess.run([_CAT, "cat-file", file], capture_output=True, check=True)
                came.rename(kept)
                plain.write_bytes(done.stdout)
            found.append(AptIndex(kept, plain, name, uri.rstrip("/"), suite))
        return found

    def plan(self, groups: Iterable[AptGroup]) -> dict[str, AptPackage]:
        """Return all packages that the groups need, also those there, by their names."""
        found = {}
        for group in groups:
            self._pin(group)
            elsewhere = f"Dir::Cache::archives={self.root}/none"
            (self.root / "none/partial").mkdir(parents=True, exist_ok=True)
            asked = ["-o", elsewhere, "--print-uris", "--quiet=2", "--yes", *_INSTALL]
            said = self._apt("install", *asked, *group.packages, what=_words(group))
            for line in said.splitlines():
                if match := _URI.match(line):
                    found[match[2]] = AptPackage(match[1], match[2], int(match[3]), match[4])
        return found

    def download(self, groups: Iterable[AptGroup]) -> None:
        """Fetch what the groups need into archives/, from the byte where an earlier run ended."""
        for group in groups:
            self._pin(group)
            asked = ["--download-only", "--quiet=2", "--yes", *_INSTALL]
            self._apt("install", *asked, *group.packages, what=_words(group))

    def release_files(self, index: AptIndex) -> list[Path]:
        """Return the signed files that name an index: InRelease, or Release and Release.gpg."""
        start = index.plain.name.removesuffix(index.name.replace("/", "_"))
        names = ("InRelease", "Release", "Release.gpg")
        return [path for name in names if (path := index.plain.with_name(start + name)).exists()]

    def _pin(self, group: AptGroup) -> None:
        write(self.root / "preferences", preferences_text(group.pins).encode())

    def _apt(self, *words: str, what: str = "does not work") -> str:
        own = {"APT_CONFIG": str(self._configuration), "DEBIAN_FRONTEND": "noninteractive"}
        done = run(["apt-get", *words], None, environment=own)
        if done.rc is None:
            remedy = "make the bundle on Debian or Ubuntu, also for another release of it"
            what = "is not on this machine, and only apt reads the signed lists of packages"
            raise BundleError(problem("apt-get", what, remedy))
        if done.rc:
            lines = (done.err or done.out).splitlines()
            self._refuse(what, [one for one in lines if one.startswith(("E:", "W:"))] or lines[-3:])
        return done.out + "".join(
            f"{line}\n" for line in done.err.splitlines() if line.startswith("W:")
        )

    def _refuse(self, what: str, lines: Sequence[str]) -> None:
        said = " / ".join(without_login(line) for line in lines[:4])
        remedy = "correct the address or the version that this names, and run this again"
        raise BundleError(problem(f"apt for {self.root.name}", f"{what}: {said}", remedy))


def _stanza(source: AptSource, keys: Path) -> str:
    key = str(source.keyring or keys / f"{source.name}.asc")
    text = sources_text(source.uri, source.suite, " ".join(source.components), key)
    return f"{text}Architectures: {ARCHITECTURE}\n"


#: What is missing on a host may also be what others depend on
_INSTALL = ("--no-install-recommends", "--allow-downgrades", "--allow-change-held-packages")


def _words(group: AptGroup) -> str:
    return f"cannot bring {', '.join(group.packages)}"


def _ending(file: Path, name: str) -> str:
    """Return what a list's file has behind the list's name, such as ``.xz``."""
    return file.name.rpartition(name.replace("/", "_"))[2]


def pool_path(package: AptPackage, uri: str) -> str | None:
    """Return where a package is below its repository's address, None when it is not there."""
    base, address = f"{bare(uri)}/", bare(package.uri)
    if not address.startswith(base):
        return None
    path = urllib.parse.unquote(address[len(base) :])
    while path.startswith("./"):
        path = path[2:]
    return None if path.startswith("/") or ".." in path.split("/") else path
