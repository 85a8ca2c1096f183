"""Print the test files of one room: ``python -m tools.room gateway``.

A room's tests are the folders of that name below tests/unit, the files whose name has the room as a
word, and the tests of modules and plugins that import the room.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def tests_of(room: str, root: Path = ROOT) -> list[str]:
    """Return the paths of a room's test folders and test files, relative to the project."""
    found = {*_named(room, root), *_importing(room, root)}
    folders = [path for path in found if path.is_dir()]
    return sorted(
        str(path.relative_to(root))
        for path in found
        if not any(folder in path.parents for folder in folders)
    )


def rooms(root: Path = ROOT) -> list[str]:
    """Return the names of the folders of tests/unit."""
    return sorted(path.parent.name for path in (root / "tests/unit").glob("*/__init__.py"))


def _named(room: str, root: Path) -> Iterator[Path]:
    unit = root / "tests/unit"
    yield from (path for path in unit.rglob(room) if path.is_dir())
    yield from (path for path in unit.rglob("test_*.py") if room in path.stem.split("_"))


def _importing(room: str, root: Path) -> Iterator[Path]:
    for source in [*(root / "library").rglob("*.py"), *(root / "plugins").rglob("*.py")]:
        if f"module_utils.tgi.{room}." in source.read_text():
            folder = root / "tests/unit" / source.relative_to(root).parent
            yield from folder.glob(f"test_{source.stem}*.py")


def main(room: str) -> int:
    """Print the paths, or fail with the names of the rooms."""
    found = tests_of(room)
    if not found:
        sys.stderr.write(f"{room} has no unit tests; write one of: {', '.join(rooms())}\n")
        return 1
    print(" ".join(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
