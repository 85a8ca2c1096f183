"""Test that links which a container plants in its repository lead the host's root nowhere."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from ansible.module_utils.tgi.weights.hub_problem import HubProblem
from ansible.module_utils.tgi.weights.snapshot_store import SnapshotStore

from tests.support.hub.weight_sites import REVISION, SHARDS, WeightSite


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a directory of the host that is not the container's."""
    folder = tmp_path / "cron.d"
    folder.mkdir(mode=0o700)
    folder.joinpath("other.safetensors").write_bytes(b"another model's weights")
    return folder


@pytest.mark.parametrize("name", ["blobs", "snapshots", "refs", f"snapshots/{REVISION}"])
def test_a_folder_that_is_a_link_is_refused(site: WeightSite, outside: Path, name: str) -> None:
    place = site.store.repository / name
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    with pytest.raises(HubProblem, match="is a link") as caught:
        site.fetch()
    assert caught.value.kind == "linked"
    assert f"delete {place}" in str(caught.value)
    assert [path.name for path in outside.iterdir()] == ["other.safetensors"]
    assert stat.S_IMODE(outside.stat().st_mode) == 0o700
    assert not any("/storage/" in path for path in site.hub.paths()), "told before a byte comes"


@pytest.mark.parametrize(
    ("step", "name"),
    [
        ("adopt", "blobs"),
        ("link", "snapshots"),
        ("link", f"snapshots/{REVISION}"),
        ("write_ref", "refs"),
        ("discard", "blobs"),
        ("drop", f"snapshots/{REVISION}"),
    ],
)
def test_a_link_that_comes_while_the_host_works_is_not_followed(
    site: WeightSite, outside: Path, monkeypatch: pytest.MonkeyPatch, step: str, name: str
) -> None:
    site.fetch()
    if step == "discard":
        site.store.snapshot.joinpath("config.json").resolve().write_bytes(b"x" * 23)
    else:
        site.store.snapshot.joinpath("config.json").resolve().unlink()
        site.store.snapshot.joinpath("config.json").unlink()
        site.store.snapshot.joinpath("other.safetensors").write_bytes(b"planted")
        site.store.ref.unlink()
    real = getattr(SnapshotStore, step)

    def planting(store: SnapshotStore, *values: object) -> None:
        place = store.repository / name
        if not place.is_symlink():
            place.rename(store.repository / "moved")
            place.symlink_to(outside)
        real(store, *values)

    monkeypatch.setattr(SnapshotStore, step, planting)
    with pytest.raises(HubProblem, match="is a link"):
        site.fetch()
    assert [path.name for path in outside.iterdir()] == ["other.safetensors"]


def test_a_blob_that_becomes_a_link_does_not_open_another_file(
    site: WeightSite, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.fetch()
    blob = site.store.snapshot.joinpath("config.json").resolve()
    blob.chmod(0o600)
    secret = outside / "shadow"
    secret.write_text("root")
    secret.chmod(0o600)
    real = SnapshotStore.open_up

    def planting(store: SnapshotStore, file: object) -> None:
        blob.unlink()
        blob.symlink_to(secret)
        real(store, file)  # type: ignore[arg-type]

    monkeypatch.setattr(SnapshotStore, "open_up", planting)
    with pytest.raises(HubProblem):
        site.fetch()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "name", ["adapter_config.json", "chat_template.jinja", "pytorch_model.bin"]
)
def test_what_tgi_would_read_besides_is_removed(site: WeightSite, name: str) -> None:
    site.fetch()
    site.store.snapshot.joinpath(name).write_bytes(b"{}")
    assert not site.look().complete
    site.fetch()
    assert site.served() == site.wanted()


def test_nothing_grows_where_a_container_could_write(
    site: WeightSite,
) -> None:
    site.store.make_folders()
    planted = site.store.snapshot.with_name(f".{REVISION}.growing")
    planted.mkdir()
    planted.joinpath("adapter_config.json").write_bytes(b"{}")
    site.fetch()
    assert site.served() == site.wanted()
    assert SHARDS[0] in site.served()
