"""Test the module with a docker that says what containers have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub.local_hub import local_hub
from tests.support.hub.weight_sites import NAME, REVISION, WeightSite
from tests.support.run_module import load, run

MODULE = load("tgi_prune_weights")


class PruneHost:
    """A host with one commit fetched, and a docker of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.data, self.base = folder / "data", folder / "base"
        self.base.mkdir()
        with local_hub() as hub:
            self.site = WeightSite(hub, self.data / "hub")
            self.site.fetch()
        self.docker("ps) ;;")

    def docker(self, cases: str) -> None:
        """Make a docker that does this for its first word."""
        path = self.folder / "bin" / "docker"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ncase $1 in\n{cases}\nesac\n")
        path.chmod(0o755)

    def prune(self, check: bool = False, **more: Any) -> dict[str, Any]:
        """Return the module's result."""
        places = {"data_dir": str(self.data), "base_dir": str(self.base)}
        return run(MODULE, self.capsys, check, **{**places, **more})


@pytest.fixture
def host(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[PruneHost]:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    yield PruneHost(tmp_path, capsys)


def test_it_says_what_would_go_and_then_it_goes(host: PruneHost) -> None:
    would = host.prune(check=True)
    assert (would["changed"], host.site.store.snapshot.exists()) == (True, True)
    assert would["lines"][-1] == "5.8 MiB would be free again"
    done = host.prune()
    assert done["changed"]
    assert done["freed"] == would["freed"] == sum(map(len, host.site.wanted().values()))
    (one,) = done["revisions"]
    assert one == {"repository": NAME, "revision": REVISION, "size": done["freed"]}
    assert not host.site.store.snapshot.exists()
    again = host.prune()
    assert (again["changed"], again["lines"]) == (False, ["0 bytes are free again"])


def test_a_stopped_container_keeps_its_commit(host: PruneHost) -> None:
    said = json.dumps([f"REVISION={REVISION}"])
    host.docker(f"ps) echo abc ;;\ninspect) echo '{said} null []' ;;")
    assert not host.prune()["changed"]


def test_the_inventory_and_the_projects_keep_theirs(host: PruneHost) -> None:
    assert not host.prune(keep=["", f"org/adapter@{REVISION}"])["changed"]
    host.base.joinpath("chat").mkdir()
    host.base.joinpath("chat/compose.yaml").write_text(f"command: [--revision, {REVISION}]\n")
    assert not host.prune()["changed"]
    assert host.site.store.snapshot.exists()


def test_without_knowing_what_runs_nothing_goes(host: PruneHost) -> None:
    host.docker("ps) echo 'Cannot connect to the Docker daemon' >&2; exit 1 ;;")
    failed = host.prune()
    assert failed["msg"] == (
        "Docker cannot say what runs (Cannot connect to the Docker daemon); "
        "start it, and run this again"
    )
    host.docker("ps) ;;")
    failed = host.prune(base_dir=str(host.folder / "none"))
    assert "nothing says what runs; correct tgi_base_dir" in failed["msg"]
    assert host.site.store.snapshot.exists()


def test_a_mirror_asks_neither_docker_nor_projects(host: PruneHost) -> None:
    host.docker("ps) exit 1 ;;")
    given: dict[str, Any] = {"base_dir": str(host.folder / "none"), "serves": False}
    assert not host.prune(keep=[f'{{"revision": "{REVISION}"}}'], **given)["changed"]
    assert host.prune(**given)["changed"]
    assert not host.site.store.snapshot.exists()


def test_a_disk_of_other_hosts_too_is_refused(
    host: PruneHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = MODULE.file_system_of
    monkeypatch.setattr(
        MODULE, "file_system_of", lambda path: real(path)._replace(kind="nas:/models, nfs4")
    )
    assert "other hosts may serve from it" in host.prune()["msg"]
    assert host.site.store.snapshot.exists()


def test_a_planted_link_is_named(host: PruneHost) -> None:
    refs = host.site.store.repository / "refs"
    refs.rename(host.folder / "moved")
    refs.symlink_to(host.folder / "moved")
    assert f"{refs} is a link" in host.prune()["msg"]
    assert (host.folder / "moved" / REVISION).exists()
