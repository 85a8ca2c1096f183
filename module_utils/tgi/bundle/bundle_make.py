"""Make a bundle: say what it takes, fetch what is missing, prove all, and sign the list of it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from ..common.file_system import file_system_of, size
from ..common.problem import problem
from ..weights.snapshot_look import SnapshotWish
from .apt_part import AptPart
from .apt_wishes import AptWish
from .bundle_form import (
    BundleApt,
    BundleError,
    BundleForm,
    BundleImage,
    BundleModel,
    write_bundle,
)
from .bundle_record import (
    WORK,
    drop_others,
    held,
    read_record,
    refuse_other_directories,
)
from .image_part import ImageAccess, ImagePart
from .project_part import HISTORY, HistoryPart, WheelsPart
from .pulse import Meter, Pulse, Say
from .signature import check_signer, sign_sums
from .sums import SUMS, files_of, sums_of, write_sums
from .weights_part import WeightsPart

#: Bytes that stay free, and about what the wheels take
_RESERVE = 1 << 30
_WHEELS = 100 << 20


@dataclass(frozen=True)
class MakeWish:
    """What a bundle is to have, and how it is made."""

    bundle: Path
    apt: Sequence[AptWish]
    images: Sequence[str]
    snapshots: Sequence[SnapshotWish]
    repository: Path
    access: ImageAccess = field(default_factory=ImageAccess)
    #: "3.11"; empty for the Python that runs this
    python_version: str = ""
    signing_key: Path | None = None
    passphrase: str = ""


@dataclass
class Made:
    """What a run did. ``sizes``: kind -> bytes to fetch; ``fetched``: the kinds that came."""

    sizes: dict[str, int]
    fetched: list[str] = field(default_factory=list)
    #: What the user should know
    notes: list[str] = field(default_factory=list)
    signature: str = ""
    form: BundleForm | None = None
    #: Whether anything is other than before, or would be
    changed: bool = False


def make_bundle(wish: MakeWish, say: Say = print, dry: bool = False) -> Made:
    """Make or complete a bundle; raise BundleError when that cannot be.

    ``dry`` says the sizes and ends; it removes what it made.
    """
    if wish.signing_key:
        check_signer(wish.signing_key, wish.passphrase)
    refuse_other_directories(wish.bundle)
    work = wish.bundle / WORK
    fresh, had_work = not wish.bundle.exists(), work.exists()
    wish.bundle.mkdir(parents=True, exist_ok=True)
    with held(work):
        try:
            return _Making(wish, say, work).run(dry)
        finally:
            # What a killed run fetched helps the next one
            if dry and not had_work:
                shutil.rmtree(wish.bundle if fresh else work, ignore_errors=True)


class _Making:
    def __init__(self, wish: MakeWish, say: Say, work: Path) -> None:
        self.wish, self.say, self.bundle = wish, say, wish.bundle
        self.apt = [AptPart(wish.bundle, work / "apt", one) for one in wish.apt]
        self.images = ImagePart(wish.bundle, work, wish.images, wish.access)
        self.weights = WeightsPart(wish.bundle, wish.snapshots)
        self.own_version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        requirements = wish.repository / "requirements/run.txt"
        version = wish.python_version or self.own_version
        self.wheels = WheelsPart(wish.bundle, requirements, sys.executable, version)
        self.history = HistoryPart(wish.bundle, wish.repository)
        self.commit = self.history.commit()
        self.before = read_record(wish.bundle, work)
        #: SHA-256 of files that this run has proven
        self.known: dict[Path, str] = {}

    def run(self, dry: bool) -> Made:
        """Say what it takes and, unless ``dry``, do it."""
        for line in self.before.drop_changed(("apt", "wheels", HISTORY), self.known, dry):
            self.say(line)
        meter = Meter("images", "verify", self.images.layout.bytes_there())
        with Pulse(self.say, meter.line):
            for line in self.images.drop_changed(self.known, meter.add, dry):
                self.say(line)
        due = [part for part in self.apt if not self.before.has_packages(part.wish)]
        made = Made(self._sizes(due))
        if self.history.changes():
            made.notes.append(
                problem(HISTORY, "lacks changes that are not committed", "git commit")
            )
        self._check_space(sum(made.sizes.values()))
        made.changed = bool(made.sizes) or not self.before.has_history(self.commit)
        if not dry:
            self.before.set_aside()
            apt = self._packages(due, made)
            images = self._copy_images(made)
            models = self._bring_weights(made)
            self._bring_project(made)
            now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            systems = tuple(one.system for one in self.wish.apt)
            form = BundleForm(now, self.commit, systems, tuple(images), tuple(models), tuple(apt),
                              self.wheels.version)  # fmt: skip
            self._finish(form, made)
        return made

    def _sizes(self, due: Sequence[AptPart]) -> dict[str, int]:
        sizes = {}
        for part in due:
            self.say(f"packages of {part.wish.system}: apt reads the signed lists")
            sizes[f"packages of {part.wish.system}"] = part.plan(self.before.lost)
        if self.images.missing():
            sizes["images"] = self.images.plan()
        if weights := self.weights.plan():
            sizes["weights"] = weights
        if not self._has_wheels():
            sizes["wheels"] = _WHEELS
        for what, count in sizes.items():
            self.say(f"{what}: {'about ' if what == 'wheels' else ''}{size(count)} to fetch")
        total = sum(sizes.values())
        self.say(f"in all: {size(total)} to fetch" if sizes else "nothing is known to be missing")
        return sizes

    def _check_space(self, needed: int) -> None:
        found = file_system_of(self.bundle)
        if needed and found.free < needed + _RESERVE:
            what = f"needs {size(needed)} more, and {size(_RESERVE)} that stay free"
            remedy = f"the {found.name} has {size(found.free)}: free space, or write another place"
            raise BundleError(problem(f"bundle {self.bundle}", what, remedy))

    def _packages(self, due: Sequence[AptPart], made: Made) -> list[BundleApt]:
        found = []
        for part in self.apt:
            if part not in due:
                found += self.before.packages_of(part.wish)
                continue
            what = f"packages of {part.wish.system}"
            self._forget("apt")
            meter = Meter(what, "fetch", made.sizes[what], part.done)
            with Pulse(self.say, meter.line):
                found += part.fetch()
            made.fetched.append(what)
        names = {name for one in found for name in (one.directory, one.key) if name}
        drop_others(self.bundle / "apt", {self.bundle / name for name in names})
        return found

    def _copy_images(self, made: Made) -> list[BundleImage]:
        if "images" in made.sizes:
            total, measure = made.sizes["images"], self.images.layout.bytes_there
            meter = Meter("images", "fetch", total, measure)
            with Pulse(self.say, meter.line):
                self.images.fetch()
            made.fetched.append("images")
        return self.images.described()

    def _bring_weights(self, made: Made) -> list[BundleModel]:
        with Pulse(self.say, self.weights.progress):
            found = self.weights.fetch()
        self.known.update(self.weights.settle())
        if self.weights.changed:
            made.fetched.append("weights")
        return found

    def _has_wheels(self) -> bool:
        return self.wheels.is_made() and self.before.has_wheels(self.wheels.version)

    def _bring_project(self, made: Made) -> None:
        if not self._has_wheels():
            self.say("wheels: pip fetches them")
            self._forget("wheels")
            self.wheels.fetch(self.own_version)
            made.fetched.append("wheels")
        if not self.before.has_history(self.commit):
            self._forget(HISTORY)
            self.history.make()
            made.fetched.append("project")

    def _forget(self, name: str) -> None:
        """Forget digests of files that may change."""
        place = self.bundle / name
        for path in [one for one in self.known if one == place or place in one.parents]:
            del self.known[path]

    def _finish(self, form: BundleForm, made: Made) -> None:
        """Write bundle.json and SHA256SUMS last, and sign it."""
        made.form = self.before.keeping_its_time(form)
        shutil.rmtree(self.bundle / WORK)
        write_bundle(self.bundle, made.form)
        known = {path.relative_to(self.bundle).as_posix(): sha for path, sha in self.known.items()}
        unread = [name for name in files_of(self.bundle) if name not in known]
        meter = Meter(SUMS, "read", sum((self.bundle / name).lstat().st_size for name in unread))
        with Pulse(self.say, meter.line):
            sums = sums_of(self.bundle, known, meter.add)
        made.changed = not self.before.put_back(sums)
        if made.changed:
            write_sums(self.bundle, sums)
        if key := self.wish.signing_key:
            # An earlier signature may be another key's, or damaged
            made.signature = sign_sums(self.bundle, key, self.wish.passphrase)
            made.changed = made.changed or made.signature not in self.before.files
