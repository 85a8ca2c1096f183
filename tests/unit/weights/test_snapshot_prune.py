"""Test which commits go, which stay, and that a kill meanwhile leaves nothing behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible.module_utils.tgi.weights import snapshot_prune
from ansible.module_utils.tgi.weights.repository_folders import LinkedAway
from ansible.module_utils.tgi.weights.snapshot_fetch import fetch
from ansible.module_utils.tgi.weights.snapshot_prune import caches_in, deployed_commits, prune
from ansible.module_utils.tgi.weights.snapshot_store import SnapshotStore

from tests.support.hub.local_hub import sha256
from tests.support.hub.weight_sites import (
    NAME,
    REVISION,
    SHARD,
    SHARDS,
    WeightSite,
    content_of,
    random_bytes,
)

NEW = "f" * 40


@pytest.fixture
def two(site: WeightSite) -> Iterator[WeightSite]:
    """Return a site with two commits, which differ in one shard."""
    site.fetch()
    site.repository.revision = NEW
    site.repository.files[SHARDS[1]] = random_bytes(SHARD, 9)
    fetch(SnapshotStore(site.cache, NAME, NEW), replace(site.wish(), revision=NEW))
    yield site


def new(site: WeightSite) -> SnapshotStore:
    return SnapshotStore(site.cache, NAME, NEW)


def test_an_old_commit_goes_with_what_only_it_had(two: WeightSite) -> None:
    before = content_of(new(two).snapshot)
    (would,), _ = prune(two.cache, {NEW}, True)
    assert two.store.snapshot.exists(), "check mode deletes nothing"
    ((one,), busy) = prune(two.cache, {NEW}, False)
    assert one == would
    assert (one.revision, one.size, busy) == (REVISION, SHARD, [])
    assert one.line == f"{NAME}@{REVISION[:12]}: 2.9 MiB"
    left = [path for path in two.cache.rglob("*") if REVISION in path.name]
    assert left == []
    assert content_of(new(two).snapshot) == before
    assert SnapshotStore(two.cache, NAME, NEW).manifest()
    assert prune(two.cache, {NEW}, False) == ([], [])


def test_all_commits_of_a_model_that_is_gone_go(two: WeightSite) -> None:
    found, _ = prune(two.cache, set(), False)
    assert {one.revision for one in found} == {REVISION, NEW}
    files = [path for path in two.cache.rglob("*") if path.is_file() and path.name != "lock"]
    assert files == []
    assert sum(one.size for one in found) == sum(map(len, two.wanted().values())) + SHARD


def test_a_branch_keeps_its_commit(two: WeightSite) -> None:
    two.store.repository.joinpath("refs/main").write_text(REVISION)
    assert prune(two.cache, {NEW}, False) == ([], [])


def test_what_a_container_fetched_itself_stays_with_its_blobs(two: WeightSite) -> None:
    """It has no manifest; one of its folders links to a blob that the old commit also has."""
    blob = sha256(two.repository.files[SHARDS[1]])
    old = two.store.snapshot.joinpath(SHARDS[1]).resolve()
    inner = two.store.repository / "snapshots" / ("e" * 40) / "original"
    inner.mkdir(parents=True)
    inner.joinpath("x").symlink_to(f"../../../blobs/{old.name}")
    ((one,), _) = prune(two.cache, {NEW}, False)
    assert one.size == 0
    assert old.exists()
    assert new(two).repository.joinpath("blobs", blob).exists()


def test_a_half_fetched_commit_goes_with_its_partial_files(two: WeightSite) -> None:
    two.store.snapshot.joinpath(SHARDS[1]).resolve().rename(
        two.store.records / "partial" / two.store.snapshot.joinpath(SHARDS[1]).readlink().name
    )
    ((one,), _) = prune(two.cache, {NEW}, False)
    assert one.size == SHARD
    assert list(two.store.partials()) == []


@pytest.mark.parametrize("number", range(1, 9))
def test_a_death_at_any_step_is_made_good_by_the_next_run(
    two: WeightSite, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Count every call that deletes or moves something."""
    calls = iter(range(1, 99))
    unlink, rename = os.unlink, os.rename

    def counted(real: object) -> object:
        def work(*values: object, **more: object) -> None:
            if next(calls) == number:
                raise KeyboardInterrupt
            real(*values, **more)  # type: ignore[operator]

        return work

    before = content_of(new(two).snapshot)
    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", counted(unlink))
        patch.setattr(os, "rename", counted(rename))
        with pytest.raises(KeyboardInterrupt):
            prune(two.cache, {NEW}, False)
    prune(two.cache, {NEW}, False)
    assert [path for path in two.cache.rglob("*") if REVISION in path.name] == []
    assert len(list(two.store.repository.joinpath("blobs").iterdir())) == len(before)
    assert content_of(new(two).snapshot) == before


def test_a_repository_where_a_fetch_works_is_left_alone(two: WeightSite) -> None:
    with snapshot_prune._lock(two.store.lock, False) as held:
        assert held
        assert prune(two.cache, {NEW}, False) == ([], [NAME])


def test_planted_links_lead_nowhere(two: WeightSite, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    two.store.repository.joinpath("blobs").rename(outside)
    two.store.repository.joinpath("blobs").symlink_to(outside)
    before = sorted(outside.iterdir())
    with pytest.raises(LinkedAway):
        prune(two.cache, {NEW}, False)
    assert sorted(outside.iterdir()) == before


def test_projects_and_kept_sets_name_what_stays(tmp_path: Path) -> None:
    kept = tmp_path / "chat" / "sets" / "0123456789ab"
    kept.mkdir(parents=True)
    kept.joinpath("compose.yaml").write_text(f"LORA_ADAPTERS: a/b@{NEW}\n")
    kept.parents[1].joinpath("deployed.json").write_text(f'{{"revision": "{REVISION}"')
    kept.joinpath("image.json").write_text("sha256:" + "a" * 64)
    assert deployed_commits(tmp_path) == {NEW, REVISION}


def test_caches_are_found_where_containers_look(two: WeightSite) -> None:
    assert caches_in(two.cache.parent) == [two.cache]
    assert caches_in(two.cache) == [two.cache]
