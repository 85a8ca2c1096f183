"""Say what is in a bundle: the file bundle.json, which both sides of an air gap read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.files import write
from ..common.problem import problem

#: The form that this version writes and reads
FORM = 1
FILE = "bundle.json"
#: Of all hosts that a bundle is for
ARCHITECTURE = "amd64"
#: Folders of a bundle, and what their files are
KINDS = {"apt": "package", "images": "image", "weights": "weights", "wheels": "wheel"}
_SYSTEM = re.compile(r"[a-z]+-[0-9][0-9.]*")
#: Of an image, or of a part of one
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
#: A path below the bundle: no "..", nothing hidden
_PLACE = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.+-]*/)*[A-Za-z0-9_][A-Za-z0-9_.+-]*")


class BundleError(Exception):
    """A bundle cannot be made or used; the text says why, and what to do."""


@dataclass(frozen=True)
class BundleImage:
    """An image. ``reference`` is the pinned name, as the inventory writes it."""

    reference: str
    digest: str
    #: Bytes of all its blobs
    size: int


@dataclass(frozen=True)
class BundleModel:
    """The weights of a model at a commit, and how many files and bytes they are."""

    model_id: str
    revision: str
    files: int
    size: int


@dataclass(frozen=True)
class BundleApt:
    """A part of an apt repository, with its signed indexes as they were."""

    name: str
    system: str
    #: From where it came
    uri: str
    #: Ends with a slash for a flat repository, which has no components
    suite: str
    components: tuple[str, ...]
    #: Its key's file in the bundle; None where the system's own keyring has it
    key: str | None
    directory: str
    #: At a system's first: what was asked for of all, such as "docker-ce=5:29.*", without what
    #: that depends on
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class BundleForm:
    """All that bundle.json says. ``systems`` are such as "debian-13"."""

    made: str
    #: That of this repository, whose history is in project.bundle
    commit: str
    systems: tuple[str, ...]
    images: tuple[BundleImage, ...]
    models: tuple[BundleModel, ...]
    apt: tuple[BundleApt, ...]
    #: Python of the controller for which wheels/ is, such as "3.11", and pip's list of them
    python_version: str
    python_requirements: str = "wheels/requirements.txt"
    architecture: str = ARCHITECTURE

    def as_text(self) -> str:
        """Return it as JSON, for :func:`from_bundle_text`."""
        value = {
            "form": FORM,
            "made": self.made,
            "commit": self.commit,
            "systems": list(self.systems),
            "architecture": self.architecture,
            "images": [
                {"reference": one.reference, "digest": one.digest, "bytes": one.size}
                for one in self.images
            ],
            "models": [
                {
                    "model_id": one.model_id,
                    "revision": one.revision,
                    "files": one.files,
                    "bytes": one.size,
                }
                for one in self.models
            ],
            "apt": [
                {
                    **vars(one),
                    "components": list(one.components),
                    "packages": list(one.packages),
                }
                for one in self.apt
            ],
            "python": {"version": self.python_version, "requirements": self.python_requirements},
        }
        return json.dumps(value, indent=1) + "\n"


def from_bundle_text(text: str) -> BundleForm:
    """Return what a bundle.json says; raise BundleError when it is none that this version reads."""
    try:
        value = json.loads(text)
        if value["form"] != FORM:
            what = f"has form {value['form']}, and this version reads form {FORM}"
            remedy = "deploy with the repository in its project.bundle, or make the bundle anew"
            raise BundleError(problem(FILE, what, remedy))
        return BundleForm(
            made=str(value["made"]),
            commit=_like(_COMMIT, value["commit"]),
            systems=tuple(_like(_SYSTEM, one) for one in value["systems"]),
            images=tuple(
                BundleImage(str(one["reference"]), _like(DIGEST, one["digest"]), int(one["bytes"]))
                for one in value["images"]
            ),
            models=tuple(
                BundleModel(
                    str(one["model_id"]),
                    _like(_COMMIT, one["revision"]),
                    int(one["files"]),
                    int(one["bytes"]),
                )
                for one in value["models"]
            ),
            apt=tuple(_apt(one) for one in value["apt"]),
            python_version=str(value["python"]["version"]),
            python_requirements=_like(_PLACE, value["python"]["requirements"]),
            architecture=str(value["architecture"]),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        what = f"does not say what is in the bundle ({type(error).__name__}: {error})"
        raise BundleError(problem(FILE, what, "make the bundle anew")) from error


def read_bundle(bundle: Path) -> BundleForm:
    """Return what is in a bundle; raise BundleError when the directory is none."""
    try:
        text = (bundle / FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = f"has no {FILE} that can be read ({error})"
        remedy = "write the directory that playbooks/bundle.yml made"
        raise BundleError(problem(str(bundle), what, remedy)) from error
    return from_bundle_text(text)


def write_bundle(bundle: Path, form: BundleForm) -> None:
    """Write bundle.json."""
    write(bundle / FILE, form.as_text().encode())


def kind_of(path: str) -> str:
    """Return what a file of a bundle is: package, image, weights, wheel or project."""
    return KINDS.get(path.split("/")[0], "project")


def _apt(value: Mapping[str, Any]) -> BundleApt:
    key = value["key"]
    return BundleApt(
        str(value["name"]),
        _like(_SYSTEM, value["system"]),
        str(value["uri"]),
        str(value["suite"]),
        tuple(str(one) for one in value["components"]),
        None if key is None else _like(_PLACE, key),
        _like(_PLACE, value["directory"]),
        tuple(str(one) for one in value.get("packages", ())),
    )


def _like(pattern: re.Pattern[str], value: Any) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{value!r} is not as {pattern.pattern}")
    return value
