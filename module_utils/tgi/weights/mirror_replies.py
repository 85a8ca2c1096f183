"""Make the answers of a mirror of the Hub as files, so that a web server alone can be one.

A list of files, a commit's description and what ``main`` stands for are text; the files themselves
are in the cache. tests/unit/weights holds the answers against huggingface_hub.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..common.files import drop_empty, read, read_bytes, write
from .file_digest import new_digest
from .manifest import Manifest, WeightFile, is_repository, is_revision
from .snapshot_look import SnapshotWish, look
from .snapshot_store import RECORDS, SnapshotStore

_PREFIX = "models--"
#: For nginx's map: what a branch stands for
MAIN = "main.map"


class Mirrored(NamedTuple):
    """A commit that is whole in the cache; ``fetched`` is when, in nanoseconds since 1970."""

    manifest: Manifest
    fetched: int


def mirrored(cache: Path) -> list[Mirrored]:
    """Return every commit that :func:`snapshot_fetch.fetch` has completed, by name and age."""
    found = []
    for path in sorted((cache / RECORDS).glob(f"{_PREFIX}*/*.json")):
        repository = path.parent.name[len(_PREFIX) :].replace("--", "/")
        if not (is_revision(path.stem) and is_repository(repository)):
            continue
        store = SnapshotStore(cache, repository, path.stem)
        # Size and links alone: each host that fetches from here proves the bytes
        wish = SnapshotWish(repository, path.stem, code=False, pickle=True, verify="never")
        standing = look(store, wish)
        if standing.manifest and not standing.missing and store.has_ref():
            found.append(Mirrored(standing.manifest, path.stat().st_mtime_ns))
    return sorted(found, key=lambda one: (one.manifest.repository, one.fetched))


def replies(commits: list[Mirrored]) -> dict[str, bytes]:
    """Return the content of each file by its path: FOLDER/tree-COMMIT.json and so on."""
    files: dict[str, bytes] = {}
    main: dict[str, str] = {}
    for manifest, _ in commits:
        folder = f"{_PREFIX}{manifest.repository.replace('/', '--')}"
        files[f"{folder}/tree-{manifest.revision}.json"] = _json(
            [_entry(file) for file in manifest.files]
        )
        files[f"{folder}/revision-{manifest.revision}.json"] = _json(_description(manifest))
        # The last one in time
        main[manifest.repository] = manifest.revision
    lines = [f'"{name}" {commit};\n' for name, commit in sorted(main.items())]
    return {**files, MAIN: "".join(lines).encode()}


def differences(directory: Path, files: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
    """Return the paths that must be written, and those that must go."""
    there = {str(path.relative_to(directory)) for path in _files(directory)}
    wrong = sorted(name for name in files if read_bytes(directory / name) != files[name])
    wrong += [MAIN] if MAIN not in there and MAIN not in wrong else []
    return wrong, sorted(there - set(files))


def put(directory: Path, files: Mapping[str, bytes]) -> None:
    """Make the directory hold these files and no others; each appears in one step."""
    wrong, gone = differences(directory, files)
    # The map comes last: it names commits whose lists must be there
    for name in sorted(wrong, key=lambda one: one == MAIN):
        path = directory / name
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.parent.chmod(0o755)
        write(path, files[name])
    for name in gone:
        (directory / name).unlink()
    for folder in {(directory / name).parent for name in gone} - {directory}:
        drop_empty(folder)


def listed(directory: Path) -> str:
    """Return what a directory offers, a line each, for a diff."""
    names = [str(path.relative_to(directory)) for path in _files(directory)]
    return "".join(f"{name}\n" for name in sorted(names)) + read(directory / MAIN)


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file())


def _json(value: Any) -> bytes:
    return (json.dumps(value) + "\n").encode()


def _entry(file: WeightFile) -> dict[str, Any]:
    """Return a file as the Hub lists it; one with a SHA-256 is in git as a pointer to it."""
    entry: dict[str, Any] = {"type": "file", "path": file.path, "size": file.size}
    if file.kind != "sha256":
        return {**entry, "oid": file.digest}
    pointer = (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{file.digest}\nsize {file.size}\n"
    ).encode()
    digest = new_digest("git_sha1", len(pointer))
    digest.update(pointer)
    large = {"oid": file.digest, "size": file.size, "pointerSize": len(pointer)}
    return {**entry, "oid": digest.hexdigest(), "lfs": large}


def _description(manifest: Manifest) -> dict[str, Any]:
    """Return what huggingface_hub calls ModelInfo, from which TGI reads the names of the files."""
    names = [{"rfilename": file.path} for file in manifest.files]
    return {
        "id": manifest.repository,
        "modelId": manifest.repository,
        "sha": manifest.revision,
        "private": False,
        "gated": False,
        "disabled": False,
        "tags": [],
        "siblings": names,
    }
