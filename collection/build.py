"""Build the Ansible collection tgi.serving from the project's own files.

Plugins of a checkout have short names. A collection needs full names for imports, filters and
documentation, so the builder copies the files and rewrites these names.
usage: python -m collection.build [OUTPUT_DIRECTORY]
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import tomllib
import yaml

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    "module_utils": "plugins/module_utils",
    "plugins": "plugins",
    "roles": "roles",
    "playbooks": "playbooks",
    "LICENSE": "LICENSE",
    "collection/README.md": "README.md",
}
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
#: Plugins of a checkout add module_utils to the import path; a collection's are found without.
PATH_HACK = re.compile(
    r"\nimport ansible\.module_utils\n|# Ansible ships module_utils[^\n]*\n_\w+ = str\([^\n]*\n"
    r"if _\w+ not in ansible\.module_utils\.__path__:\n[^\n]*\n"
)


def build(output: Path) -> Path:
    """Write the collection's files and its tarball below ``output``, and return the tarball."""
    galaxy = yaml.safe_load((ROOT / "collection/galaxy.yml").read_text())
    galaxy["version"] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    full = f"{galaxy['namespace']}.{galaxy['name']}"
    tree = output / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    for source, target in FOLDERS.items():
        _copy(ROOT / source, tree / target)
    # A folder of plugins/modules would become a part of the module's name
    for module in (ROOT / "library").rglob("*.py"):
        _copy(module, tree / "plugins/modules" / module.name)
    for path in tree.rglob("*"):
        if path.suffix in (".py", ".yml", ".j2"):
            path.write_text(rewrite(path.read_text(), full, path.relative_to(tree).parts[0]))
    (tree / "galaxy.yml").write_text(yaml.safe_dump(galaxy, sort_keys=False))
    (tree / "meta").mkdir()
    (tree / "meta/runtime.yml").write_text(yaml.safe_dump(_runtime()))
    galaxy_cli = str(Path(sys.executable).parent / "ansible-galaxy")
    command = [galaxy_cli, "collection", "build", "--force", "--output-path", str(output)]
    subprocess.run([*command, str(tree)], check=True, stdout=sys.stderr)
    return output / f"{full.replace('.', '-')}-{galaxy['version']}.tar.gz"


def rewrite(text: str, full: str, area: str) -> str:
    """Return a file's text with full names; ``area`` is plugins, roles or playbooks."""
    if area == "plugins":
        modules, fragments = _alternatives("library"), _alternatives("plugins/doc_fragments")
        text = PATH_HACK.sub("", text)
        prefix = f"ansible_collections.{full}.plugins.module_utils.tgi."
        text = re.sub(r"ansible\.module_utils\.tgi\.", prefix, text)
        text = re.sub(rf"\bM\(({modules})\)", rf"M({full}.\1)", text)
        text = re.sub(rf"(?m)^(  - module: )({modules})$", rf"\1{full}.\2", text)
        # The module of a task, in EXAMPLES
        text = re.sub(rf"(?m)^(  )({modules}):", rf"\1{full}.\2:", text)
        text = re.sub(
            r"(?m)^extends_documentation_fragment: \[(.*)\]",
            lambda found: re.sub(rf"\b({fragments})\b", rf"{full}.\1", found.group()),
            text,
        )
    names = "|".join(filters())
    text = re.sub(rf"(\|\s*)({names})\b", rf"\1{full}.\2", text)
    return re.sub(rf"(\bmap\(')({names})'", rf"\1{full}.\2'", text)


def filters() -> list[str]:
    """Return the names of the project's filters."""
    texts = [path.read_text() for path in sorted((ROOT / "plugins/filter").glob("*.py"))]
    return sorted({name for text in texts for name in re.findall(r'"((?:tgi|nginx)_\w+)":', text)})


def _runtime() -> dict[str, object]:
    modules = sorted(path.stem for path in (ROOT / "library").rglob("*.py"))
    return {"requires_ansible": ">=2.19.0", "action_groups": {"all": modules}}


def _alternatives(folder: str) -> str:
    return "|".join(sorted(path.stem for path in (ROOT / folder).rglob("*.py")))


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=IGNORED, dirs_exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


if __name__ == "__main__":
    print(build(Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()))
