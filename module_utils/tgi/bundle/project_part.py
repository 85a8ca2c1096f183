"""Make the parts that the controller inside needs: Python packages, and this repository."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..common.commands import run
from ..common.files import read_bytes, write
from ..common.problem import problem
from ..common.text import clean, shorten
from .bundle_form import BundleError
from .sums import sha256_of

HISTORY = "project.bundle"
REQUIREMENTS = "wheels/requirements.txt"
#: For another Python than the one that runs: wheels of any glibc since 2018
_PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")


class WheelsPart:
    """The Python packages of requirements/run.txt, for one version of Python."""

    def __init__(self, bundle: Path, requirements: Path, python: str, version: str) -> None:
        self.place = bundle / "wheels"
        self._list = bundle / REQUIREMENTS
        self._requirements = requirements
        self._python = python
        self.version = version

    def is_made(self) -> bool:
        """Return whether an earlier run ended with the same list."""
        return bool(wanted := read_bytes(self._requirements)) and read_bytes(self._list) == wanted

    def fetch(self, own_version: str) -> None:
        """Let pip bring the files whose hashes the list has; the list itself comes last."""
        self.place.mkdir(parents=True, exist_ok=True)
        self._list.unlink(missing_ok=True)
        asked = ["--require-hashes", "--no-deps", "--dest", str(self.place), "--quiet"]
        if self.version != own_version:
            asked += [
                "--only-binary=:all:",
                "--implementation=cp",
                "--python-version",
                self.version,
            ]
            asked += [f"--platform={one}" for one in _PLATFORMS]
        # pip judges markers by the Python that runs it, whatever Python it is to fetch for
        growing = self.place / ".requirements.growing"
        text = self._requirements.read_text(encoding="utf-8")
        growing.write_text(requirements_for(text, self.version), encoding="utf-8")
        asked += ["--requirement", str(growing)]
        pip = [self._python, "-m", "pip", "download", "--disable-pip-version-check"]
        _run(
            [*pip, *asked], "pip", "let pip reach its index (pip config list), then run this again"
        )
        self.settle()

    def settle(self) -> None:
        """Delete files of no requirement, such as those of an older list, and write the list."""
        wanted = read_bytes(self._requirements)
        for path in self.place.glob("*"):
            if sha256_of(path).encode() not in wanted:
                path.unlink()
        write(self._list, wanted)


def requirements_for(text: str, version: str) -> str:
    """Return a list of pip's without markers: what a version of CPython on Linux needs.

    Lines of hashes belong to the requirement above them.
    """
    from packaging.markers import Marker

    environment = {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
        "platform_system": "Linux",
    }
    kept, wanted = [], True
    for line in text.splitlines():
        name, semicolon, marker = line.partition(";")
        marked = semicolon and not line.startswith((" ", "\t", "#"))
        # A line that goes on ends so
        goes_on = " \\" if line.endswith("\\") else ""
        if not line.startswith((" ", "\t")):
            wanted = not marked or Marker(marker.rstrip(" \\")).evaluate(environment)
        if wanted:
            kept.append(f"{name.rstrip()}{goes_on}" if marked else line)
    return "\n".join([*kept, ""])


class HistoryPart:
    """This repository, as git clones it from one file."""

    def __init__(self, bundle: Path, repository: Path) -> None:
        self._target = bundle / HISTORY
        self._repository = repository

    def commit(self) -> str:
        """Return the commit that is checked out; raise BundleError where there is no history."""
        if self._git("rev-parse", "--is-shallow-repository") == "true":
            what = "is a shallow clone, from which git makes no bundle"
            raise BundleError(problem(str(self._repository), what, "git fetch --unshallow"))
        return self._git("rev-parse", "HEAD")

    def changes(self) -> bool:
        """Return whether files differ from that commit; what differs is in no bundle."""
        return bool(self._git("status", "--porcelain", "--untracked-files=no"))

    def make(self) -> None:
        """Write the history of HEAD and of the branch main."""
        growing = self._target.with_name(f"{HISTORY}.growing")
        branch = ["main"] if self._has_main() else []
        self._git("bundle", "create", "--quiet", str(growing.resolve()), "HEAD", *branch)
        growing.replace(self._target)

    def _has_main(self) -> bool:
        return bool(self._git("branch", "--list", "main"))

    def _git(self, *words: str) -> str:
        command = ["git", "-C", str(self._repository), *words]
        remedy = "make the bundle from a git clone of the project, as the user who owns it"
        return _run(command, "git", remedy).strip()


def _run(command: Sequence[str], name: str, remedy: str) -> str:
    done = run(command, None, environment={"GIT_OPTIONAL_LOCKS": "0"})
    if done.rc is None:
        raise BundleError(problem(name, "is not on this machine", f"apt-get install {name}"))
    if done.rc:
        said = shorten(clean(" ".join((done.err or done.out).split())), 400)
        raise BundleError(problem(name, f"fails: {said}", remedy))
    return done.out
