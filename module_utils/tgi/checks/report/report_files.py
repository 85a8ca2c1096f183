"""Write documents as files: JSON and JUnit XML per view and host, and one page over all."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from ...common.files import write
from .document import Document
from .html_page import make_page
from .junit import make_junit


def write_reports(
    directory: str,
    documents: Sequence[Document],
    notes: Sequence[str] = (),
    own: Sequence[Document] | None = None,
) -> list[str]:
    """Write all files into ``directory`` (created if missing); return their paths, the page first.

    The page covers all documents; ``own`` are those to write as JSON and JUnit XML too, default
    all. File names depend only on view and host. Raises OSError.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    files = {"index.html": make_page(documents, notes).encode()}
    for one in documents if own is None else own:
        end = f"{one['view']}-{file_name(one['target'])}"
        files[f"report-{end}.json"] = make_json(one)
        files[f"junit-{end}.xml"] = make_junit(one)
    for name, content in files.items():
        write(folder / name, content)
    return [str(folder / name) for name in files]


def make_json(found: Document) -> bytes:
    # ASCII, so that any text of an engine can be written
    return json.dumps(found, indent=2).encode() + b"\n"


def file_name(target: str) -> str:
    """Return a file name for a host; no two hosts share one."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", target)
    if plain == target and len(plain) <= 80:
        return plain
    return f"{plain[:80]}-{hashlib.sha256(target.encode('utf-8', 'replace')).hexdigest()[:8]}"
