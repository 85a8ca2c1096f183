"""Make the digests by which the Hub names files: SHA-256, and git's SHA-1 for small files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Kind -> hex digits
DIGESTS = {"sha256": 64, "git_sha1": 40}
_CHUNK = 1 << 20


def new_digest(kind: str, size: int) -> Any:
    """Return a hash that is fed with a file of ``size`` bytes."""
    if kind == "sha256":
        return hashlib.sha256()
    # It names content, as git does, and protects nothing
    return hashlib.new("sha1", b"blob %d\0" % size, usedforsecurity=False)


def feed(digest: Any, path: Path, on_bytes: Callable[[int], None] = lambda _: None) -> int:
    """Feed a file, piece by piece, and return its bytes."""
    buffer, total = bytearray(_CHUNK), 0
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(view[:count])
            total += count
            on_bytes(count)
    return total


def digest_of(
    path: Path, kind: str, size: int, on_bytes: Callable[[int], None] = lambda _: None
) -> str:
    """Return a file's digest."""
    digest = new_digest(kind, size)
    feed(digest, path, on_bytes)
    return str(digest.hexdigest())
