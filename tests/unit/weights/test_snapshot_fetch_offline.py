"""Test TGI's traps of offline serving: each case first shows the trap, then the cure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from huggingface_hub import snapshot_download
from tgi_emulator.start import hub_cache
from tgi_emulator.start.args import Args, parse

from tests.support.hub.weight_sites import NAME, REVISION, SHARDS, WeightSite, content_of

pytestmark = pytest.mark.usefixtures("quiet_client")


@pytest.fixture
def quiet_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)


def by_client(
    site: WeightSite, patterns: list[str] | None = None, only_local: bool = False
) -> Path:
    """Fetch as Python's client does, into the same cache."""
    return Path(
        snapshot_download(
            NAME,
            revision=REVISION,
            cache_dir=site.cache,
            endpoint=site.hub.endpoint,
            local_files_only=only_local,
            allow_patterns=patterns,
        )
    )


def router_finds(site: WeightSite) -> bool:
    """Return whether TGI's router finds its configuration; the emulator searches as it does."""
    arguments: Args = parse(["--model-id", NAME, "--revision", REVISION], {})
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(site.cache.parent)}
    return hub_cache.folder_of_router(arguments, environment) is not None


def test_the_client_can_use_the_local_hub_and_what_was_fetched(site: WeightSite) -> None:
    site.fetch()
    site.hub.requests.clear()
    found = by_client(site, only_local=True)
    assert found == site.store.snapshot
    assert content_of(found) == site.wanted()
    assert site.hub.requests == []


def test_without_a_ref_the_router_finds_nothing(site: WeightSite) -> None:
    by_client(site, ["*.json", "model-*"])
    assert not router_finds(site), "the client writes no ref for a commit"
    site.fetch()
    assert router_finds(site)


def test_a_newline_in_the_ref_hides_the_snapshot(site: WeightSite) -> None:
    site.fetch()
    site.store.ref.write_text(f"{REVISION}\n")
    assert not router_finds(site)
    assert site.fetch().changed
    assert router_finds(site)


def test_a_snapshot_without_a_shard_looks_whole_to_tgi(site: WeightSite) -> None:
    site.fetch()
    site.store.snapshot.joinpath(SHARDS[1]).unlink()
    assert hub_cache.is_cached(site.store.snapshot), "TGI notices only when it loads"
    assert not site.look().complete
    site.fetch()
    assert site.served() == site.wanted()


def test_a_second_copy_of_the_weights_would_be_opened_too(site: WeightSite) -> None:
    by_client(site, ["*.json", "*.safetensors"])
    assert "consolidated.safetensors" in site.served(), "so TGI fetches and opens it"
    site.fetch()
    assert [name for name in site.served() if name.endswith(".safetensors")] == sorted(SHARDS)


def test_a_blob_outside_the_repository_is_lost_to_a_mount_of_it(
    site: WeightSite, tmp_path: Path
) -> None:
    found = by_client(site)
    blob = found.joinpath(SHARDS[0]).resolve()
    shared = site.cache / "shared-by-xet"
    blob.rename(shared)
    shared.chmod(0o400)
    blob.symlink_to(shared)

    def mounted() -> Path:
        """Return the repository alone, as a container sees it."""
        view = tmp_path / "view"
        for path in site.store.repository.rglob("*"):
            place = view / path.relative_to(site.store.repository)
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.is_symlink():
                place.unlink(missing_ok=True)
                target = path.readlink()
                place.symlink_to("/nonexistent" if target.is_absolute() else target)
            elif path.is_file():
                place.unlink(missing_ok=True)
                os.link(path, place)
        return view / "snapshots" / REVISION

    assert not mounted().joinpath(SHARDS[0]).exists()
    site.fetch()
    assert content_of(mounted()).items() >= site.wanted().items()
