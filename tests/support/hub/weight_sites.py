"""A small repository of the Hub and a cache to fetch it into."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.module_utils.tgi.weights.hub_connection import HubSource
from ansible.module_utils.tgi.weights.snapshot_fetch import Fetched, fetch
from ansible.module_utils.tgi.weights.snapshot_look import SnapshotWish, Standing, look
from ansible.module_utils.tgi.weights.snapshot_store import SnapshotStore

from tests.support.hub.local_hub import Content, HubRepository, LocalHub

NAME = "org/small-1b"
REVISION = "0123456789abcdef0123456789abcdef01234567"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
#: Large enough for many pieces of the socket, small enough for many tests
SHARD = 3_000_017


def random_bytes(count: int, seed: int) -> bytes:
    """Return bytes that are the same in each run."""
    return random.Random(seed).randbytes(count)


def small_repository(**more: Any) -> HubRepository:
    """Return a repository with all that a publisher leaves in one, wanted and unwanted."""
    index = {"weight_map": {"a": SHARDS[0], "b": SHARDS[1], "c": SHARDS[0]}}
    files: dict[str, Content] = {
        "config.json": b'{"model_type": "llama"}',
        "generation_config.json": b"{}",
        "tokenizer.json": random_bytes(50_000, 3),
        "tokenizer_config.json": b'{"chat_template": "{{ messages }}"}',
        "tokenizer.model": random_bytes(2_000, 4),
        "model.safetensors.index.json": json.dumps(index).encode(),
        SHARDS[0]: random_bytes(SHARD, 1),
        SHARDS[1]: random_bytes(SHARD, 2),
        "LICENSE.txt": b"A licence\n",
        "empty.json": b"",
        ".gitattributes": b"* filter=lfs\n",
        "README.md": b"# A model\n",
        "modeling_small.py": b"raise SystemExit\n",
        "consolidated.safetensors": random_bytes(2 * SHARD, 5),
        "params.json": b"{}",
        "pytorch_model.bin": random_bytes(1000, 6),
        "pytorch_model.bin.index.json": b'{"weight_map": {}}',
        "small-q4.gguf": random_bytes(1000, 7),
        "original/consolidated.00.safetensors": random_bytes(1000, 8),
    }
    return HubRepository(REVISION, files, **more)


def content_of(snapshot: Path) -> dict[str, bytes]:
    """Return the files of a directory by name; TGI reads no others."""
    return {path.name: path.read_bytes() for path in snapshot.iterdir() if path.is_file()}


WANTED = {
    *SHARDS, "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
    "tokenizer.model", "model.safetensors.index.json", "LICENSE.txt", "empty.json",
}  # fmt: skip


class WeightSite:
    """A hub with one repository, and a host's cache."""

    def __init__(self, hub: LocalHub, cache: Path) -> None:
        self.hub, self.cache = hub, cache
        self.repository = hub.repositories.setdefault(NAME, small_repository())
        self.store = SnapshotStore(cache, NAME, REVISION)
        self.slept: list[float] = []

    def wish(self, token: str = "", **more: Any) -> SnapshotWish:
        """Return what a host asks for."""
        source = HubSource(self.hub.endpoint, token)
        return replace(SnapshotWish(NAME, REVISION, source, reserve=0), **more)

    def fetch(self, token: str = "", **more: Any) -> Fetched:
        """Fetch without real pauses."""
        return fetch(self.store, self.wish(token, **more), self.slept.append)

    def look(self, **more: Any) -> Standing:
        """Look with a store of its own, as another process does."""
        return look(SnapshotStore(self.cache, NAME, REVISION), self.wish(**more))

    def served(self) -> dict[str, bytes]:
        """Return the files that TGI would find, by name."""
        return content_of(self.store.snapshot)

    def wanted(self) -> dict[str, bytes]:
        """Return the files as published that TGI should find."""
        return {name: bytes(self.repository.files[name]) for name in WANTED}
