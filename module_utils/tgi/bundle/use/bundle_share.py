"""Say which files of a bundle a host needs, and what the host needs that the bundle lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...common.files import read
from ...common.problem import problem
from ...models.host_weights import adapters
from ...weights.manifest import from_text
from ...weights.snapshot_store import RECORDS
from ..bundle_form import BundleApt, BundleError, BundleForm
from ..image_layout import digest_in
from ..oci_layout import files_of_image

_ANEW = "make the bundle anew"


class BundleFile(NamedTuple):
    """A file below the bundle, which has the same place on a host."""

    path: str
    sha256: str
    size: int


class HostNeeds(NamedTuple):
    """What a host needs of a bundle. ``system`` is such as "debian-13"."""

    system: str
    #: tgi_image; empty for a host without models
    image: str = ""
    #: Entries of the fact tgi_host.models
    models: Sequence[Mapping[str, Any]] = ()
    #: Whether apt installs its packages
    apt: bool = True


def lacking(form: BundleForm, needs: HostNeeds) -> list[str]:
    """Return what a bundle lacks for a host, a line each with what to do."""
    return [*_system(form, needs), *_image(form, needs), *_weights(form, needs)]


def share(
    bundle: Path, form: BundleForm, sums: Mapping[str, str], needs: HostNeeds
) -> list[BundleFile]:
    """Return the files for a host, by path; raise BundleError when one is not in SHA256SUMS."""
    names = {
        *_packages(form, sums, needs),
        *_blobs(bundle, form, needs),
        *_snapshots(bundle, needs),
    }
    unknown = sorted(names - set(sums))
    if unknown:
        raise BundleError(problem(unknown[0], "is not in the bundle, which needs it", _ANEW))
    return [BundleFile(name, sums[name], (bundle / name).stat().st_size) for name in sorted(names)]


def parts_for(form: BundleForm, system: str) -> list[BundleApt]:
    """Return the parts of apt repositories for a system."""
    return [one for one in form.apt if one.system == system]


def repositories(models: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return (repository, commit) of what models take from the Hub, adapters too."""
    found = []
    for model in models:
        if not str(model["model_id"]).startswith("/"):
            found.append((str(model["model_id"]), str(model["revision"])))
        for adapter in adapters(model):
            name, _, revision = adapter.partition("@")
            found.append((name, revision))
    return list(dict.fromkeys(found))


def _system(form: BundleForm, needs: HostNeeds) -> Iterator[str]:
    if not needs.apt:
        what = f"installs by another program than apt ({needs.system})"
        remedy = "a bundle has packages for apt alone: set up a mirror (docs/gpu-hosts.md)"
        yield problem("the host", what, remedy)
    elif needs.system not in form.systems:
        what = f"has {needs.system}, and the bundle packages for {', '.join(form.systems)}"
        remedy = f'{_ANEW} with -e \'{{"bundle_systems": ["{needs.system}"]}}\''
        yield problem("the host", what, remedy)


def _image(form: BundleForm, needs: HostNeeds) -> Iterator[str]:
    if needs.image and digest_in(needs.image) not in {one.digest for one in form.images}:
        offered = ", ".join(one.reference for one in form.images) or "none"
        what = f"is {needs.image}, which the bundle does not have"
        yield problem("tgi_image", what, f"write one that it has ({offered}), or {_ANEW}")


def _weights(form: BundleForm, needs: HostNeeds) -> Iterator[str]:
    there = {(one.model_id, one.revision) for one in form.models}
    for model in needs.models:
        name = str(model["name"])
        if model.get("weights") == "container" and not str(model["model_id"]).startswith("/"):
            what = "has weights: container, which would ask the Hub"
            yield problem(f'model "{name}"', what, "delete it: the host takes them from the bundle")
        for repository, revision in repositories([model]):
            if (repository, revision) in there:
                continue
            others = [commit for owner, commit in there if owner == repository]
            remedy = f"write a revision that it has ({', '.join(sorted(others))}), or {_ANEW}"
            what = f"needs {repository} at {revision}, which the bundle does not have"
            anew = f"{_ANEW} with this inventory, or take the model off tgi_models"
            yield problem(f'model "{name}"', what, remedy if others else anew)


def _packages(form: BundleForm, sums: Mapping[str, str], needs: HostNeeds) -> Iterator[str]:
    for part in parts_for(form, needs.system):
        yield from (name for name in sums if name.startswith(f"{part.directory}/"))
        if part.key:
            yield part.key


def _blobs(bundle: Path, form: BundleForm, needs: HostNeeds) -> Iterator[str]:
    if needs.image:
        names = files_of_image(bundle / "images", digest_in(needs.image), form.architecture)
        yield from (f"images/{name}" for name in names)


def _snapshots(bundle: Path, needs: HostNeeds) -> Iterator[str]:
    for repository, revision in repositories(needs.models):
        folder = f"models--{repository.replace('/', '--')}"
        name = f"weights/{RECORDS}/{folder}/{revision}.json"
        manifest = from_text(read(bundle / name))
        if manifest is None:
            raise BundleError(problem(name, "is no manifest of weights", _ANEW))
        yield name
        yield from (f"weights/{folder}/blobs/{file.digest}" for file in manifest.files)
