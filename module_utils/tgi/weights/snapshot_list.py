"""Make a snapshot's manifest from the lists of the Hub, or take that of a mirror's directory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..common.files import read
from .file_digest import new_digest
from .hub_client import HubClient
from .hub_problem import Asked, of_snapshot
from .manifest import Manifest, WeightFile, from_text, from_tree
from .snapshot_store import RECORDS
from .wanted_files import index_name, is_weight, read_beside, weights_of


def from_directory(mirror: Path, asked: Asked, code: bool, pickle: bool) -> Manifest:
    """Return the manifest in a directory that this module has filled elsewhere."""
    name = f"models--{asked.repository.replace('/', '--')}"
    path = mirror / RECORDS / name / f"{asked.revision}.json"
    manifest = from_text(read(path))
    if manifest is None:
        raise of_snapshot(
            "no_revision", asked, f"is not in the mirror: {path} is no manifest",
            f"fetch it there with hf_snapshot, or copy {mirror} whole, with its {RECORDS}",
        )  # fmt: skip
    if code and not manifest.code:
        raise of_snapshot(
            "no_code", asked, f"is in the mirror {mirror} without its Python files",
            "fetch it there with code: true",
        )  # fmt: skip
    _allow_pickles(asked, [file.path for file in manifest.files], pickle)
    return manifest


def from_hub(client: HubClient, asked: Asked, code: bool, pickle: bool) -> Manifest:
    """Return the manifest of a commit; raise HubProblem where it has no weights for TGI."""
    entries, renamed = client.tree(asked)
    try:
        files = from_tree(entries)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise of_snapshot(
            "server", asked, f"has a list of files that is damaged ({error})", "ask the Hub itself"
        ) from error
    index = index_name(files)
    content = _proven(client, asked, files[index]) if index else b""
    try:
        weights = weights_of(files, content)
    except ValueError as error:
        raise of_snapshot(
            "incomplete", asked, f"is incomplete: {index} names {error}",
            "write a later commit as revision, or ask the publisher",
        ) from error  # fmt: skip
    if not weights:
        raise of_snapshot(
            "no_weights", asked, "has no weights that TGI reads (safetensors, pytorch_model*.bin)",
            "write the model_id of the repository with safetensors: GGUF and ONNX are not for TGI",
        )  # fmt: skip
    pickled = _allow_pickles(asked, weights, pickle)
    names = {*weights, *read_beside(files, code, pickled)}
    chosen = tuple(files[name] for name in sorted(names))
    return Manifest(asked.repository, asked.revision, chosen, renamed, code)


def _allow_pickles(asked: Asked, names: Iterable[str], pickle: bool) -> bool:
    """Return whether weights are pickles; raise HubProblem without a yes to them."""
    pickled = not any(map(is_weight, names))
    if pickled and not pickle:
        raise of_snapshot(
            "pickle", asked, "has its weights as pickles only, which can run code when loaded",
            "write accept_pickle: true for the model if you trust its publisher",
        )  # fmt: skip
    return pickled


def _proven(client: HubClient, asked: Asked, file: WeightFile) -> bytes:
    content = client.text(asked, file.path)
    digest = new_digest(file.kind, len(content))
    digest.update(content)
    if digest.hexdigest() != file.digest:
        raise of_snapshot(
            "wrong_bytes", asked, f"cannot be had: {file.path} has other bytes than its list says",
            "run this again; if it stays so, a mirror or proxy there is damaged",
        )  # fmt: skip
    return content
