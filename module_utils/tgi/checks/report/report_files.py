"""Documents as files: JSON and JUnit XML of each view and host, and one page over all."""

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
    """Write into ``directory`` (made if missing); the page comes first in what is returned.

    The page is over all documents; ``own`` are those to write as JSON and JUnit XML too, default
    all. The names are always the same for a view and a host. Raises OSError.
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
    # In ASCII, so that whatever an engine said can be written
    return json.dumps(found, indent=2).encode() + b"\n"


def file_name(target: str) -> str:
    """A host's name as a part of a file's; two hosts never share one."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", target)
    if plain == target and len(plain) <= 80:
        return plain
    return f"{plain[:80]}-{hashlib.sha256(target.encode('utf-8', 'replace')).hexdigest()[:8]}"
