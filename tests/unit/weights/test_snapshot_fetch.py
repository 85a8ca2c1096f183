"""Test that a snapshot comes whole, proven and in the place where TGI looks."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible.module_utils.tgi.weights.hub_connection import HubSource
from ansible.module_utils.tgi.weights.hub_problem import HubProblem
from ansible.module_utils.tgi.weights.snapshot_fetch import fetch
from ansible.module_utils.tgi.weights.snapshot_look import SnapshotWish, look
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


def test_the_files_that_tgi_reads_come_and_no_other(site: WeightSite) -> None:
    done = site.fetch()
    assert done.changed
    assert site.served() == site.wanted()
    assert not any("consolidated" in path or "gguf" in path for path in site.hub.paths())


def test_a_second_run_asks_no_server_and_changes_nothing(site: WeightSite) -> None:
    site.fetch()
    site.hub.requests.clear()
    assert site.look().complete
    assert not site.fetch().changed
    assert site.hub.requests == []


def test_links_stay_inside_and_all_may_read(site: WeightSite) -> None:
    umask = os.umask(0o077)
    try:
        site.fetch()
    finally:
        os.umask(umask)
    for path in site.store.snapshot.iterdir():
        assert path.is_symlink()
        assert path.resolve().parent == site.store.repository / "blobs"
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
    folders = [path for path in site.store.repository.rglob("*") if path.is_dir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o755}
    assert site.store.ref.read_bytes() == REVISION.encode()


def test_a_list_in_pages_is_read_whole(site: WeightSite) -> None:
    site.hub.page = 2
    site.fetch()
    assert site.served() == site.wanted()


def test_a_cut_goes_on_at_the_byte(site: WeightSite) -> None:
    # The first file of all is small, and the index of weights
    site.hub.faults.cuts = [10**9] * 1
    site.fetch(workers=1)
    site.store.snapshot.joinpath(SHARDS[0]).resolve().unlink()
    site.hub.requests.clear()
    site.hub.faults.cuts = [1_000_003, 700_001]
    site.fetch(workers=1)
    ranges = [headers.get("Range") for _, path, headers in site.hub.requests if "/storage/" in path]
    assert ranges == [None, "bytes=1000003-", "bytes=1700004-"]
    assert site.served() == site.wanted()


def test_a_server_that_knows_no_ranges_still_serves(site: WeightSite) -> None:
    site.hub.faults.ignores_range = True
    site.hub.faults.cuts = [10**9, 2_000_000]
    site.fetch(workers=1)
    assert site.served() == site.wanted()


def test_wrong_bytes_of_the_right_length_are_refused(site: WeightSite) -> None:
    site.hub.faults.spoilt = {SHARDS[1]: 9}
    with pytest.raises(HubProblem, match=f"{SHARDS[1]} with other bytes") as caught:
        site.fetch()
    assert caught.value.kind == "wrong_bytes"
    assert not site.store.snapshot.exists()
    assert not site.store.ref.exists()
    site.hub.faults.spoilt = {}
    site.fetch()
    assert site.served() == site.wanted()


def test_a_cut_file_that_was_spoilt_meanwhile_begins_anew(site: WeightSite) -> None:
    """As after a power failure: the length is there, the bytes are not."""
    site.store.make_folders()
    partial = site.store.records / "partial" / sha256(site.repository.files[SHARDS[0]])
    partial.write_bytes(bytes(2_000_000))
    site.fetch()
    assert site.served() == site.wanted()
    assert list(site.store.partials()) == []


def test_a_damaged_file_is_deleted_at_once_and_fetched_anew(site: WeightSite) -> None:
    site.fetch()
    blob = site.store.snapshot.joinpath(SHARDS[0]).resolve()
    with blob.open("r+b") as file:
        file.seek(1234)
        file.write(b"?")
    site.hub.faults.replies = [(404, {"X-Error-Code": "RepoNotFound"})]
    with pytest.raises(HubProblem):
        site.fetch(verify="start")
    assert not blob.exists(), "a container that restarts now must not find it"
    done = site.fetch(verify="start")
    assert done.fetched == (SHARDS[0],)
    assert site.served() == site.wanted()


@pytest.mark.parametrize(("verify", "finds"), [("start", True), ("once", False), ("never", False)])
def test_what_each_kind_of_proof_finds(site: WeightSite, verify: str, finds: bool) -> None:
    """A disk that lies changes no times; every other writer does, and "once" sees that."""
    site.fetch()
    blob = site.store.snapshot.joinpath(SHARDS[0]).resolve()
    content = bytearray(blob.read_bytes())
    content[77] ^= 1
    blob.write_bytes(content)
    file = next(one for one in site.look().unproven if one.path == SHARDS[0])
    site.store.remember(file, site.store.stamp(file))
    assert site.fetch(verify=verify).damaged == ((SHARDS[0],) if finds else ())


def test_a_file_that_was_written_since_is_proven_again(site: WeightSite) -> None:
    site.fetch()
    site.store.snapshot.joinpath("config.json").resolve().write_bytes(b'{"model_type": "llamb"}')
    done = site.fetch()
    assert done.damaged == ("config.json",)
    assert site.served() == site.wanted()


def test_what_another_tool_left_is_proven_and_kept(site: WeightSite) -> None:
    """A store of blobs elsewhere, as the Hub's client makes it since 1.33, and a copy."""
    shared = site.cache / "blobs" / "ab" / "xet"
    shared.parent.mkdir(parents=True)
    shared.write_bytes(bytes(site.repository.files[SHARDS[0]]))
    shared.chmod(0o400)
    site.store.make_folders()
    site.store.repository.joinpath("blobs", sha256(shared)).symlink_to(shared)
    site.store.snapshot.mkdir()
    site.store.snapshot.joinpath(SHARDS[1]).write_bytes(bytes(site.repository.files[SHARDS[1]]))
    site.store.snapshot.joinpath("consolidated.safetensors").write_bytes(b"TGI would open it")
    site.fetch()
    assert site.served() == site.wanted()
    assert not any("/storage/" in path and "model-0" in path for path in site.hub.paths())
    assert site.store.snapshot.joinpath(SHARDS[0]).resolve().stat().st_mode & 0o444 == 0o444


def test_a_directory_serves_as_mirror(site: WeightSite, tmp_path: Path) -> None:
    site.fetch()
    site.hub.requests.clear()
    there = SnapshotStore(tmp_path / "other", NAME, REVISION)
    wish = SnapshotWish(NAME, REVISION, HubSource(site.hub.endpoint), str(site.cache), reserve=0)
    assert fetch(there, wish).changed
    assert content_of(there.snapshot) == site.wanted()
    assert look(there, wish).complete
    assert site.hub.requests == []
    with pytest.raises(HubProblem, match="is not in the mirror"):
        fetch(
            SnapshotStore(tmp_path / "x", NAME, "f" * 40),
            SnapshotWish(NAME, "f" * 40, mirror=str(site.cache)),
        )


def test_the_disk_holds_a_mirrors_file_once(site: WeightSite, tmp_path: Path) -> None:
    site.fetch()
    there = SnapshotStore(tmp_path / "other", NAME, REVISION)
    # What a run that copied has left gives way
    manifest = site.store.manifest()
    assert manifest
    part = there.partial(manifest.files[0])
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x")
    # A disk that would not hold a second copy is large enough
    fetched = fetch(there, site.wish(mirror=str(site.cache), reserve=0))
    assert fetched.changed
    for file in fetched.manifest.files:
        assert there.blob(file).stat().st_ino == site.store.blob(file).stat().st_ino


def test_a_damaged_mirror_is_found(site: WeightSite, tmp_path: Path) -> None:
    site.fetch()
    site.store.snapshot.joinpath(SHARDS[0]).resolve().write_bytes(random_bytes(SHARD, 99))
    there = SnapshotStore(tmp_path / "other", NAME, REVISION)
    fetch(there, site.wish(mirror=str(site.cache)))
    assert there.snapshot.joinpath(SHARDS[0]).read_bytes() == site.repository.files[SHARDS[0]], (
        "the Hub has what the mirror spoilt"
    )


def test_a_full_disk_is_told_before_a_byte_comes(site: WeightSite) -> None:
    with pytest.raises(HubProblem, match="stay free") as caught:
        site.fetch(reserve=1 << 60)
    assert caught.value.kind == "no_space"
    assert not any("/storage/" in path for path in site.hub.paths())


def test_pickles_need_a_yes(site: WeightSite) -> None:
    for name in [name for name in site.repository.files if "safetensors" in name]:
        del site.repository.files[name]
    site.repository.files["pytorch_model.bin.index.json"] = (
        b'{"weight_map": {"a": "pytorch_model.bin"}}'
    )
    with pytest.raises(HubProblem, match="accept_pickle: true"):
        site.fetch()
    site.fetch(pickle=True)
    assert "pytorch_model.bin" in site.served()
    # TGI converts beside them, and that is not surplus
    site.store.snapshot.joinpath("model.safetensors").write_bytes(b"converted")
    assert site.look(pickle=True).complete
    assert not site.look().complete


def test_a_mirror_says_no_yes_for_a_host(site: WeightSite, tmp_path: Path) -> None:
    """A manifest of a mirror's directory was made with the options of who filled it."""
    there = SnapshotStore(tmp_path / "other", NAME, REVISION)
    site.fetch()
    with pytest.raises(HubProblem, match="fetch it there with code: true"):
        fetch(there, site.wish(mirror=str(site.cache), code=True))
    for name in [name for name in site.repository.files if "safetensors" in name]:
        del site.repository.files[name]
    del site.repository.files["pytorch_model.bin.index.json"]
    site.cache = tmp_path / "pickles"
    site.store = SnapshotStore(site.cache, NAME, REVISION)
    site.fetch(pickle=True)
    with pytest.raises(HubProblem, match="accept_pickle: true"):
        fetch(there, site.wish(mirror=str(site.cache)))
    assert not there.snapshot.exists()
    fetch(there, site.wish(mirror=str(site.cache), pickle=True))
    assert "pytorch_model.bin" in content_of(there.snapshot)


def test_code_comes_only_with_trust(site: WeightSite) -> None:
    site.fetch()
    assert not site.look(code=True).complete
    site.fetch(code=True)
    assert site.served().keys() == {*site.wanted(), "modeling_small.py"}
    assert site.look().complete


def test_an_index_that_names_a_lost_shard_is_refused(site: WeightSite) -> None:
    del site.repository.files[SHARDS[1]]
    with pytest.raises(HubProblem, match=f"names {SHARDS[1]}") as caught:
        site.fetch()
    assert caught.value.kind == "incomplete"


def test_a_renamed_repository_is_followed_and_told(site: WeightSite) -> None:
    site.hub.repositories["org/new-1b"] = site.hub.repositories.pop(NAME)
    site.hub.renamed[NAME] = "org/new-1b"
    done = site.fetch()
    assert done.manifest.renamed == "org/new-1b"
    assert site.served() == site.wanted()


def test_names_in_a_list_cannot_leave_the_directory(site: WeightSite) -> None:
    site.repository.files["../../evil.json"] = b"{}"
    site.repository.files["..json"] = b"{}"
    site.fetch()
    assert site.served() == site.wanted()


def test_the_first_failure_ends_the_others(site: WeightSite) -> None:
    site.hub.faults.storage = [403]
    with pytest.raises(HubProblem, match="its storage localhost"):
        site.fetch(workers=2)
    assert not site.store.snapshot.exists()


def test_the_token_stays_with_the_hub(site: WeightSite) -> None:
    site.repository.gated = True
    site.repository.readers = site.hub.tokens = {"hf_secret"}
    site.fetch("hf_secret")
    assert site.served() == site.wanted()
    written = [path for path in site.cache.rglob("*") if path.is_file()]
    assert not [path for path in written if b"hf_secret" in path.read_bytes()]


@pytest.mark.parametrize("step", ["keep_manifest", "adopt", "remember", "link", "write_ref"])
@pytest.mark.parametrize("after", [False, True])
def test_a_death_at_any_step_is_made_good_by_the_next_run(
    site: WeightSite, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    real = getattr(SnapshotStore, step)

    def dying(store: SnapshotStore, *values: object) -> None:
        if after:
            real(store, *values)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SnapshotStore, step, dying)
        site.fetch()
    if site.store.snapshot.exists():
        assert site.served() == site.wanted()
    if site.store.ref.exists():
        assert site.look().complete
    site.fetch()
    assert site.served() == site.wanted()
    assert site.look().complete
