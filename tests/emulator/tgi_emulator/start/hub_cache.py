"""The files TGI leaves behind: the Hub cache under /data and the tokenizer under ./out.

Nothing is downloaded: a marker stands for the weights. The writes are real, so a read-only or
foreign-owned /data fails here as it fails with TGI.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from .args import Args

MARKER = "simulated-by-tgi-emulator"


def cache_dir(args: Args, env: Mapping[str, str]) -> Path:
    """Return the folder of huggingface_hub's cache, from the same settings."""
    given = args.text("huggingface_hub_cache") or env.get("HUGGINGFACE_HUB_CACHE")
    return Path(given) if given else Path(env.get("HF_HOME", "/data")) / "hub"


def revision_of(args: Args) -> str:
    """A commit: the one given, or one made from model and branch (the Hub would know it)."""
    revision = args.text("revision") or "main"
    if re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    return hashlib.sha1(f"{args.text('model_id')}@{revision}".encode()).hexdigest()


def snapshot(args: Args, env: Mapping[str, str], model: str = "") -> Path:
    """The folder of a revision, as Python finds it: by its file in refs/, else by its name."""
    folder = _folder(args, env, model)
    return folder / "snapshots" / (_commit(folder, args) or revision_of(args))


def folder_of_router(args: Args, env: Mapping[str, str]) -> Path | None:
    """Where the router looks for the tokenizer's configuration and the chat template.

    Offline only by the file in refs/, even for a commit; a directory with a revision nowhere.
    """
    model = args.text("model_id") or ""
    if Path(model).is_dir():
        return Path(model) if args.text("revision") is None else None
    if env.get("HF_HUB_OFFLINE") != "1":
        return snapshot(args, env)
    folder = _folder(args, env)
    commit = _commit(folder, args)
    found = folder / "snapshots" / commit if commit else None
    return found if found and found.is_dir() else None


def is_cached(path: Path) -> bool:
    return (path / MARKER).exists() or any(path.glob("*.safetensors"))


def pickles(path: Path) -> list[Path]:
    """The weights of a snapshot that has no safetensors."""
    return [] if is_cached(path) else sorted(path.glob("*.bin"))


def convert(path: Path) -> Path:
    """Write a file beside a pickle as TGI names it; raises OSError where TGI could not either."""
    made = path.with_name(f"{path.stem.lstrip('pytorch_')}.safetensors")
    made.write_text("no weights here: text comes from the emulator\n")
    return made


def stands_for_model(path: Path) -> bool:
    """A folder of ours, or one without a model's files: it stands for a whole repository."""
    return (path / MARKER).exists() or not (path / "config.json").exists()


def store(args: Args, env: Mapping[str, str], model: str) -> Path:
    """Write the marker and the revision's file; raises OSError where TGI could not either."""
    path = snapshot(args, env, model)
    path.mkdir(parents=True, exist_ok=True)
    (path / MARKER).write_text("no weights here: text comes from the emulator\n")
    refs = path.parent.parent / "refs" / (args.text("revision") or "main")
    refs.parent.mkdir(parents=True, exist_ok=True)
    refs.write_text(path.name)
    return path


def _folder(args: Args, env: Mapping[str, str], model: str = "") -> Path:
    name = "models--" + (model or args.text("model_id") or "").replace("/", "--")
    return cache_dir(args, env) / name


def _commit(folder: Path, args: Args) -> str:
    """What the revision's file in refs/ holds, to the letter: a newline makes it another name."""
    try:
        return (folder / "refs" / (args.text("revision") or "main")).read_text()
    except OSError:
        return ""


def save_tokenizer(workdir: Path) -> None:
    """The router saves the tokenizer to ./out at every start; raises OSError if it cannot."""
    (workdir / "out").mkdir(exist_ok=True)
    (workdir / "out" / MARKER).write_text("\n")
