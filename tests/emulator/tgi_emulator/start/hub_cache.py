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
    name = "models--" + (model or args.text("model_id") or "").replace("/", "--")
    return cache_dir(args, env) / name / "snapshots" / revision_of(args)


def is_cached(path: Path) -> bool:
    return (path / MARKER).exists()


def store(path: Path) -> None:
    """Raises OSError where TGI could not write its cache either."""
    path.mkdir(parents=True, exist_ok=True)
    (path / MARKER).write_text("no weights here: text comes from the emulator\n")


def save_tokenizer(workdir: Path) -> None:
    """The router saves the tokenizer to ./out at every start; raises OSError if it cannot."""
    (workdir / "out").mkdir(exist_ok=True)
    (workdir / "out" / MARKER).write_text("\n")
