"""Test the plan of the house: imports between rooms, unique names, mirrored tests, plain words.

``module_utils/tgi/README.md`` explains the rooms. A failure names the file and the line.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.roots import ROOT

TGI = ROOT / "module_utils" / "tgi"
#: What a room may import besides itself. Nothing imports library/ or plugins/.
ROOMS = {
    "common": "",
    "packages": "common",
    "client": "common",
    "host": "common packages",
    "docker": "common packages",
    "engines": "common client",
    "catalogue": "common",
    "models": "common engines catalogue",
    "weights": "common",
    "bundle": "common packages models weights",
    "readiness": "common engines docker",
    "checks": "common client engines docker",
    "planner": "common engines models catalogue",
    "gateway": "common models host",
    "rollout": "common models host docker gateway engines readiness",
    "preflight": "common catalogue models engines host docker planner gateway checks rollout",
    "diagnose": "common packages client host docker engines models gateway readiness checks",
}
#: Inside checks: a part may import itself and the parts before it.
CHECKS = (
    "results", "selection", "judges", "grounds", "model_container", "selftest", "session", "model",
    "endpoint", "catalogue_direct", "catalogue_edge", "undeclared", "accepted", "replica_remedies",
    "run", "run_options",
    "module_arguments", "report", "cli", "__main__",
)  # fmt: skip
#: Libraries that only some places may import; cryptography only inside functions.
OUTSIDE = {
    "httpx": ("client/", "checks/cli/"),
    "jsonschema": ("checks/judges/json_schema.py", "catalogue/entries.py"),
    "cryptography": ("gateway/tls/", "gateway/acme/", "preflight/gateway/"),
    "ansible": ("preflight/value_types.py", "packages/repository_key.py"),
    "jinja2": ("checks/report/html_page.py",),
    "yaml": ("catalogue/entries.py",),
}
MOST_FILES = 20
MOST_LINES = 250
#: Folders of tests whose files are named after what is shown, not after a file.
BY_BEHAVIOUR = (".", "docs", "emulator", "emulator/start")
#: Words that make a reader stop; the brackets keep the pattern from matching itself.
RIDDLES = re.compile(
    r"\b(?:w[h]ence|there[o]f|no[b]ody|some[b]ody)\b|,\s+of\s[w]hich\b|\b(?:is|are)\s+[t]old\b"
)
#: Files that keep such words: hosts have the text of most, and any change is a new deployment.
KEPT = {
    "LICENSE",
    "module_utils/tgi/host/firewall.py",
    "roles/gateway/files/gateway.js",
    "roles/gateway/files/nginx-hardening.conf",
}


class Import:
    """One import statement: its place, and the room or library that it names."""

    def __init__(self, path: Path, node: ast.Import | ast.ImportFrom) -> None:
        self.file = path.relative_to(TGI).as_posix()
        self.place = f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
        self.room = self.file.split("/")[0]
        self.ours = isinstance(node, ast.ImportFrom) and node.level > 0
        if isinstance(node, ast.ImportFrom) and self.ours:
            package = self.file.split("/")[:-1]
            above = package[: len(package) - (node.level - 1)]
            self.targets = [
                ".".join([*above, *filter(None, [node.module]), name.name]) for name in node.names
            ]
        else:
            module = node.module if isinstance(node, ast.ImportFrom) else None
            self.targets = [module or name.name for name in node.names]


def imports() -> Iterator[Import]:
    """Yield every import of module_utils/tgi."""
    for path in sorted(TGI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                yield Import(path, node)


def test_a_room_imports_what_the_table_allows() -> None:
    wrong = [
        one.place
        for one in imports()
        if one.ours
        and {target.split(".")[0] for target in one.targets}
        - {one.room, *ROOMS.get(one.room, "").split()}
    ]
    assert not wrong, "\n".join(wrong)


def test_inside_checks_a_part_imports_the_parts_before_it() -> None:
    wrong = []
    for one in imports():
        if one.room != "checks" or not one.ours or one.file == "checks/__init__.py":
            continue
        part = CHECKS.index(one.file.removesuffix(".py").split("/")[1])
        inner = [target.split(".")[1] for target in one.targets if target.startswith("checks.")]
        wrong += [one.place for name in inner if CHECKS.index(name) > part]
    assert not wrong, "\n".join(wrong)


def test_every_room_is_in_the_table() -> None:
    assert {path.name for path in TGI.iterdir() if (path / "__init__.py").exists()} == set(ROOMS)


def page_rows(heading: str) -> dict[str, str]:
    """Return a table of module_utils/tgi/README.md: the first cell, and the second as it stands."""
    section = (TGI / "README.md").read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"(?m)^\| `([^`]+)` \| (.*) \|$", section))


def test_the_page_lists_every_folder() -> None:
    folders = {path.parent.relative_to(TGI).as_posix() for path in TGI.rglob("__init__.py")}
    assert set(page_rows("The rooms")) == folders - {"."}


def test_the_page_has_the_table_of_imports() -> None:
    written = page_rows("Who may import whom").items()
    assert {room: re.findall(r"`(\w+)`", cell) for room, cell in written} == {
        room: allowed.split() for room, allowed in ROOMS.items()
    }


def test_libraries_are_imported_in_their_room_only() -> None:
    wrong = [
        one.place
        for one in imports()
        if not one.ours
        for target in one.targets
        if target.split(".")[0] in OUTSIDE
        and not one.file.startswith(OUTSIDE[target.split(".")[0]] or "none")
    ]
    assert not wrong, "\n".join(wrong)


def test_packages_import_nothing() -> None:
    """Ansible ships a package's ``__init__.py`` with all that it imports."""
    full = [path for path in TGI.rglob("__init__.py") if path.read_text().strip()]
    assert full == []


def test_no_folder_is_longer_than_a_reader_can_take_in() -> None:
    long = {
        str(folder.relative_to(ROOT)): count
        for area in ("library", "module_utils", "plugins", "tests", "benchmarks", "tools")
        for folder in [ROOT / area, *(ROOT / area).rglob("*/")]
        if (count := len([one for one in folder.glob("*.py") if one.name != "__init__.py"]))
        > MOST_FILES
    }
    assert not long, f"more than {MOST_FILES} Python files in one folder: {long}"


def test_no_module_is_longer_than_the_limit() -> None:
    sources = [path for area in ("library", "module_utils") for path in (ROOT / area).rglob("*.py")]
    long = {str(path.relative_to(ROOT)): count for path in sources
            if (count := len(path.read_text().splitlines())) > MOST_LINES}  # fmt: skip
    assert not long, f"more than {MOST_LINES} lines: {long}"


def test_a_class_has_a_name_of_its_own() -> None:
    places = defaultdict(list)
    for path in sorted(TGI.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path.relative_to(TGI)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_file_has_a_name_of_its_own() -> None:
    """Two files of one name would be two open tabs that look the same."""
    places = defaultdict(list)
    for path in sorted(TGI.rglob("*.py")):
        if not path.name.startswith("__"):
            places[path.stem].append(str(path.relative_to(TGI)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_unit_test_stands_where_its_source_does() -> None:
    """tests/unit/ROOM/test_NAME.py tests module_utils/tgi/ROOM/NAME.py; an aspect may follow."""
    lost = []
    for test in sorted((ROOT / "tests/unit").rglob("test_*.py")):
        folder = test.relative_to(ROOT / "tests/unit").parent
        subject = test.stem.removeprefix("test_")
        names = {path.stem for path in _sources(folder) if not path.name.startswith("__")}
        if str(folder) not in BY_BEHAVIOUR and not any(
            subject == name or subject.startswith(f"{name}_") for name in names
        ):
            lost.append(str(test.relative_to(ROOT)))
    assert not lost, "\n".join(lost)


def _sources(folder: Path) -> list[Path]:
    """Return the files that a folder of tests/unit may test."""
    room = str(folder).split("/")[0]
    if room in ROOMS:
        return list((TGI / folder).glob("*"))
    return list((ROOT / {"sandbox": "tests/sandbox"}.get(room, str(folder))).glob("*"))


def test_a_role_keeps_its_private_variables_to_itself() -> None:
    """Roles share facts, registered results and public variables: those that a README names."""
    roles = sorted((path.name for path in (ROOT / "roles").iterdir()), key=len, reverse=True)
    private = re.compile(rf"\b__({'|'.join(roles)})_\w+")
    wrong = []
    for area in ("roles", "playbooks", "plugins", "library", "module_utils"):
        for path in sorted(path for path in (ROOT / area).rglob("*") if path.is_file()):
            if path.suffix == ".pyc":
                continue
            place = path.relative_to(ROOT)
            own = place.parts[1] if area == "roles" else ""
            wrong += [
                f"{place}:{number}: {found[0]}"
                for number, line in enumerate(path.read_text().splitlines(), 1)
                for found in private.finditer(line)
                if found[1] != own
            ]
    assert not wrong, "\n".join(wrong)


def test_a_role_reads_documented_variables_of_other_roles() -> None:
    """A name with another role's prefix is in its specification, or is a module, filter or fact."""
    roles = sorted((path.name for path in (ROOT / "roles").iterdir()), key=len, reverse=True)
    known = {path.stem for path in (ROOT / "library").rglob("*.py")}
    known |= {path.stem for path in (ROOT / "plugins/action").glob("*.py")} | {"tgi_host"}
    filters = "".join(path.read_text() for path in (ROOT / "plugins/filter").glob("*.py"))
    known |= set(re.findall(r'(?m)^ +"(\w+)": ', filters))
    for path in ROOT.glob("roles/*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values():
            known |= set(entry.get("options") or {})
    named = re.compile(rf"(?<![\w./-])({'|'.join(roles)})_\w+")
    unknown = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in sorted((ROOT / "roles").rglob("*.yml"))
        if path.parent.name in ("tasks", "vars", "defaults")
        for found in named.finditer(re.sub(r"(?m)^ *#.*", "", path.read_text()))
        if found[1] != path.parts[len(ROOT.parts) + 1] and found[0] not in known
    ]
    assert not unknown, "\n".join(unknown)


def test_every_variable_of_a_role_is_read() -> None:
    areas = [ROOT / area for area in ("playbooks", "plugins", "library", "module_utils")]
    # A description in meta or README reads nothing
    areas += [one for one in ROOT.glob("roles/*/*/") if one.name != "meta"]
    files = [path for area in areas for path in area.rglob("*.*") if path.suffix != ".pyc"]
    text = "\n".join(path.read_text() for path in files)
    read = set(re.findall(r"\w+", re.sub(r"(?m)^\s*#.*|^\w+:", "", text)))
    unread = [
        f"{path.relative_to(ROOT)}: {name}"
        for kind in ("defaults", "vars")
        for path in sorted(ROOT.glob(f"roles/*/{kind}/*.yml"))
        for name in yaml.safe_load(path.read_text()) or {}
        if name not in read
    ]
    assert not unread, "no file reads these variables, so remove them:\n" + "\n".join(unread)


def test_no_test_imports_another_test() -> None:
    """Running one file would run another's code; what tests share stands in tests/support."""
    areas = ("tests.unit", "tests.live", "tests.end_to_end")
    wrong = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(areas):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}")
    assert not wrong, "\n".join(wrong)


def test_no_file_has_words_that_read_like_riddles() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout, because it reads the tracked files")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found: dict[str, list[str]] = {}
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        text = path.read_bytes().decode(errors="replace") if path.is_file() else ""
        for match in RIDDLES.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.setdefault(name, []).append(f"{name}:{line}: {match[0]}")
    wrong = [place for name, places in found.items() if name not in KEPT for place in places]
    assert not wrong, "write these sentences in plain words:\n" + "\n".join(wrong)
    assert set(found) == KEPT, "remove files without such words from KEPT"
