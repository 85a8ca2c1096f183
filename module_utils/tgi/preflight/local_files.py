"""Check the directories and files on the host that a model's options name below /data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..common.files import read_head
from ..common.problem import problem

_POINTER = "version https://git-lfs"
# A pointer has some 130 bytes
_LONGEST_POINTER = 1024
_MOST_NAMES = 3


def check_local(where: str, path: Path, shown: str, is_model: bool, sealed: bool) -> Iterator[str]:
    """Yield the problems of ``path``, which the user knows as ``shown``.

    ``sealed`` says whether the container gets it read-only.
    """
    if not path.exists():
        what = f"needs {shown}, which the host does not have"
        yield problem(where, what, "copy it there, or correct the path")
        return
    files = _files(path)
    pointers = [one.name for one in files if _is_pointer(one)]
    if pointers:
        what = f"has pointers of Git LFS in {shown} ({_names(pointers)}), not the files"
        yield problem(where, what, f"run git lfs pull in {shown}")
    outside = [one.name for one in files if path.is_dir() and _leads_out(one, path)]
    # In the Hub's cache they lead to blobs, which the container sees too
    if outside and "models--" not in shown:
        what = f"has links in {shown} that lead out of it ({_names(outside)})"
        yield problem(where, what, "copy the files there: the container sees nothing beside it")
    names = {one.name for one in files}
    if not (is_model and sealed) or any(name.endswith(".safetensors") for name in names):
        return
    written = [name for name in sorted(names) if name.endswith((".bin", ".pt"))]
    if written or "adapter_config.json" in names:
        file = written[0] if written else "adapter_config.json"
        what = f"has {file} only in {shown}, beside which TGI writes, and gets it read-only"
        yield problem(where, what, "write tgi_read_only_data: never")


def _files(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]


def _is_pointer(file: Path) -> bool:
    try:
        small = file.is_file() and file.stat().st_size < _LONGEST_POINTER
    except OSError:
        return False
    return small and (read_head(str(file)) or "").startswith(_POINTER)


def _leads_out(file: Path, directory: Path) -> bool:
    inside = os.path.realpath(directory)
    return file.is_symlink() and not os.path.realpath(file).startswith(f"{inside}/")


def _names(names: list[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
