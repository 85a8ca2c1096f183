"""Say which files a snapshot has, with size and digest of each: the manifest that hosts keep."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .file_digest import DIGESTS

#: A name that stays in its directory; TGI reads no sub-folders
_NAME = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9_.+-]{0,200}")
_REPOSITORY = re.compile(r"[\w.-]{1,96}(?:/[\w.-]{1,96})?", re.ASCII)
#: Bytes; more than any disk has
_MOST = 1 << 60
_REVISION = re.compile(r"[0-9a-f]{40}")


class WeightFile(NamedTuple):
    """A file. ``kind`` says how ``digest`` is made: "sha256", or "git_sha1" for small files."""

    path: str
    size: int
    kind: str
    digest: str


class Manifest(NamedTuple):
    """The files of a snapshot that TGI reads, by path; ``renamed`` is the repository's new name."""

    repository: str
    revision: str
    files: tuple[WeightFile, ...]
    renamed: str = ""
    #: Whether Python files of the repository are among them
    code: bool = False

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(file.size for file in self.files)

    def as_text(self) -> str:
        """Return it as JSON, for :func:`from_text`."""
        files = [{"path": one.path, "size": one.size, one.kind: one.digest} for one in self.files]
        return json.dumps({**self._asdict(), "files": files}, indent=1) + "\n"


def from_text(text: str) -> Manifest | None:
    """Return a manifest, None when the text is none."""
    try:
        value = json.loads(text)
        files = tuple(
            _file(entry["path"], entry["size"], kind, entry[kind])
            for entry in value["files"]
            for kind in DIGESTS
            if kind in entry
        )
        manifest = Manifest(
            str(value["repository"]),
            str(value["revision"]),
            files,
            str(value.get("renamed", "")),
            value.get("code") is True,
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return manifest if files and len(files) == len(value["files"]) else None


def from_tree(entries: Sequence[Mapping[str, Any]]) -> dict[str, WeightFile]:
    """Return the top-level files of the Hub's tree by name; raise ValueError for a wrong tree."""
    files = {}
    for entry in entries:
        path = str(entry.get("path", ""))
        if entry.get("type") != "file" or not _NAME.fullmatch(path):
            continue
        large = entry.get("lfs") or {}
        kind, digest = ("sha256", large["oid"]) if "oid" in large else ("git_sha1", entry["oid"])
        files[path] = _file(path, large.get("size", entry["size"]), kind, digest)
    return files


def is_repository(name: str) -> bool:
    """Return whether a name can be a repository's; it becomes part of paths."""
    return bool(_REPOSITORY.fullmatch(name)) and ".." not in name and "--" not in name


def is_revision(text: str) -> bool:
    """Return whether a text is a commit: a branch may move, so it is none."""
    return bool(_REVISION.fullmatch(text))


def _file(path: Any, size: Any, kind: str, digest: Any) -> WeightFile:
    if not (
        isinstance(size, int)
        and 0 <= size < _MOST
        and _NAME.fullmatch(str(path))
        and re.fullmatch(r"[0-9a-f]+", str(digest))
        and len(str(digest)) == DIGESTS[kind]
    ):
        raise ValueError(f"{path} has no size and digest")
    return WeightFile(str(path), size, kind, str(digest))
