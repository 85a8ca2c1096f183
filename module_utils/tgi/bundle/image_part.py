"""Make the image part of a bundle: skopeo copies each image whole, and no digest changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..common.commands import run
from ..common.files import write
from ..common.places import without_tag
from ..common.problem import problem
from ..common.text import clean, shorten
from .bundle_form import BundleError, BundleImage
from .image_layout import ImageLayout, digest_in, referred
from .sums import OnBytes, sha256_of

_POLICIES = ("/etc/containers/policy.json", "~/.config/containers/policy.json")
_INSTALL = "apt-get install skopeo, or dnf install skopeo"


class ImageAccess(NamedTuple):
    """How registries are reached: those without TLS, and authorities (PEM or path) by registry."""

    insecure: Sequence[str] = ()
    authorities: Mapping[str, str] = {}


class ImagePart:
    """Images by their pinned references, NAME@sha256:…"""

    def __init__(
        self, bundle: Path, work: Path, references: Sequence[str], access: ImageAccess
    ) -> None:
        self.layout = ImageLayout(bundle / "images")
        self.references = sorted(set(references))
        self._work = work
        self._access = access
        for reference in self.references:
            if not digest_in(reference):
                remedy = "ansible-playbook playbooks/image.yml writes the line with a digest"
                what = f'is "{reference}", which names no digest'
                raise BundleError(problem("tgi_image", what, remedy))

    def missing(self) -> list[str]:
        """Return the images that are not whole, as far as sizes tell."""
        return [one for one in self.references if not self.layout.is_whole(digest_in(one))]

    def drop_changed(self, known: dict[Path, str], on_bytes: OnBytes, dry: bool) -> Iterator[str]:
        """Delete blobs whose bytes are not as their names say; yield a line for each.

        Write into ``known`` what is as it says. ``dry`` only takes the others for missing.
        """
        for path in sorted(self.layout.blobs.glob("*")):
            digest = sha256_of(path, on_bytes)
            if digest == path.name:
                known[path] = digest
                continue
            if dry:
                self.layout.damaged.add(path)
            else:
                path.unlink()
            name = path.relative_to(self.layout.place.parent)
            yield f"{name}: its SHA-256 is not its name{'' if dry else '; it is fetched again'}"

    def plan(self) -> int:
        """Return how many bytes are to be fetched, as the registries' manifests say."""
        sizes: dict[str, int] = {}
        for reference in self.missing():
            sizes.update(self._sizes(reference))
        there = [digest for digest in sizes if self.layout.has(digest)]
        return sum(sizes.values()) - sum(sizes[digest] for digest in there)

    def _sizes(self, reference: str) -> Iterator[tuple[str, int]]:
        text = self._skopeo("inspect", "--raw", *self._registry(reference, ""), _docker(reference))
        try:
            manifest: Any = json.loads(text)
            blobs = referred(manifest)
        except (ValueError, AttributeError) as error:
            remedy = "see who answers there, a proxy perhaps"
            raise BundleError(problem(reference, f"is no image: {error}", remedy)) from error
        for one in blobs:
            yield one.digest, one.size
            if one.manifest:
                yield from self._sizes(f"{reference.rpartition('@')[0]}@{one.digest}")

    def fetch(self) -> None:
        """Copy what is missing; blobs that are there are not fetched again."""
        for reference in self.missing():
            self.layout.place.mkdir(parents=True, exist_ok=True)
            words = ["--all", "--preserve-digests", "--quiet"]
            words += self._registry(reference, "src-")
            self._skopeo("copy", *words, _docker(reference), f"oci:{self.layout.place}:{reference}")
            if not self.layout.is_whole(digest_in(reference)):
                remedy = "run this again; if it stays so, report it with skopeo --version"
                raise BundleError(problem(reference, "is not whole after skopeo's copy", remedy))

    def described(self) -> list[BundleImage]:
        """Finish the layout, and return what is in it."""
        self.layout.settle(self.references)
        return [
            BundleImage(one, digest_in(one), self.layout.size(digest_in(one)))
            for one in self.references
        ]

    def _registry(self, reference: str, side: str) -> list[str]:
        """Return skopeo's options for the registry of an image."""
        registry = reference.partition("/")[0]
        if registry in self._access.insecure:
            return [f"--{side}tls-verify=false"]
        given = self._access.authorities.get(registry)
        if not given:
            return []
        folder = self._work / "authorities" / registry
        folder.mkdir(parents=True, exist_ok=True)
        try:
            text = Path(given).read_text(encoding="utf-8") if given.startswith("/") else given
        except OSError as error:
            where = f"docker_registry_cas.{registry}"
            what = f"is {given}, which cannot be read here ({error.strerror})"
            remedy = "copy the file to the same path of this machine, or write its text"
            raise BundleError(problem(where, what, remedy)) from error
        write(folder / "ca.crt", text.encode())
        return [f"--{side}cert-dir={folder}"]

    def _skopeo(self, command: str, *words: str) -> str:
        # The digest says which bytes; a machine with a policy of its own keeps to it
        policy = any(Path(one).expanduser().exists() for one in _POLICIES)
        first = ["skopeo", *([] if policy else ["--insecure-policy"]), command]
        done = run([*first, *words], None)
        if done.rc is None:
            what = "is not on this machine, and only it copies images with their digests"
            raise BundleError(problem("skopeo", what, _INSTALL))
        if done.rc:
            said = shorten(clean(" ".join(done.err.split())), 400)
            remedy = (
                "log in with skopeo login for a private registry, correct tgi_image, or run this "
                "again: what came stays"
            )
            image = words[-2 if command == "copy" else -1].partition("://")[2]
            raise BundleError(problem(image, f"cannot be had: {said}", remedy))
        return done.out


def _docker(reference: str) -> str:
    """Return an image as skopeo names it, which takes no tag beside a digest."""
    return f"docker://{without_tag(reference)}@{reference.rpartition('@')[2]}"
