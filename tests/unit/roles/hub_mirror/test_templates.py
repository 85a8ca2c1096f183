"""Run nginx with the role's configuration: our module and the Hub's own client fetch from it."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.weights.hub_connection import HubSource
from ansible.module_utils.tgi.weights.hub_problem import HubProblem
from ansible.module_utils.tgi.weights.mirror_replies import mirrored, put, replies
from ansible.module_utils.tgi.weights.snapshot_fetch import fetch
from ansible.module_utils.tgi.weights.snapshot_look import SnapshotWish
from ansible.module_utils.tgi.weights.snapshot_store import SnapshotStore
from huggingface_hub import errors, hf_hub_download, snapshot_download

from tests.support.hub.local_hub import local_hub
from tests.support.hub.weight_sites import NAME, REVISION, SHARDS, WeightSite, content_of
from tests.support.playbook import ansible_playbook
from tests.support.roots import ROOT

ROLE = ROOT / "roles" / "hub_mirror"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/sbin") or shutil.which("nginx")
OTHER = "f" * 40
SECURE = {
    "hub_mirror_address": "fd00::9",
    "hub_mirror_certificate": "/pki/chain.pem",
    "hub_mirror_allowed": ["fd00::/64"],
}


class Mirror:
    """A mirror that nginx serves: its address, and the weights as published."""

    def __init__(self, folder: Path, url: str, site: WeightSite) -> None:
        self.folder, self.url = folder, url
        self.wanted, self.blobs = site.wanted(), site.store.repository / "blobs"

    def fetch(self, cache: Path, revision: str = REVISION, repository: str = NAME) -> SnapshotStore:
        """Fetch as a GPU host does."""
        store = SnapshotStore(cache, repository, revision)
        wish = SnapshotWish(repository, revision, HubSource(self.url), reserve=0)
        fetch(store, wish, lambda _: None)
        return store

    def status(self, path: str) -> tuple[int, str]:
        """Return the status of an answer, and the Hub's code for it."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}") as answer:
                return answer.status, ""
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("X-Error-Code", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with two configurations, written by Ansible as the role does."""
    path = tmp_path_factory.mktemp("mirror")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {"__hub_mirror_state": str(path), "__hub_mirror_seen": str(path / "run/hub")}
    plain = {"hub_mirror_address": "127.0.0.1", "hub_mirror_allowed": ["192.0.2.0/24"]}
    tasks = [
        {
            "ansible.builtin.template": {
                "src": str(ROLE / "templates" / source),
                "dest": str(path / target),
            },
            "vars": {**places, "hub_mirror_port": port, **given},
        }
        for source, target, given in (
            ("nginx.conf.j2", "nginx.conf", plain),
            ("nginx.conf.j2", "secure.conf", SECURE),
            ("tgi-hub-mirror.service.j2", "unit", {"hub_mirror_cache_dir": "/var/lib/tgi/hub"}),
        )
    ]
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [str(ROLE / "defaults/main.yml"), str(ROLE / "vars/main.yml")],
        "tasks": tasks,
    }
    (path / "play.yml").write_text(json.dumps([play]))
    done = ansible_playbook(str(path / "play.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    return path


@pytest.fixture(scope="module")
def mirror(folder: Path) -> Iterator[Mirror]:
    if NGINX is None:
        pytest.skip("needs nginx")
    with local_hub() as hub:
        site = WeightSite(hub, folder / "run/hub")
        site.fetch()
    put(folder / "replies", replies(mirrored(site.cache)))
    # Workers of another user must reach it
    for path in [folder, *folder.parents][:4]:
        path.chmod(path.stat().st_mode | 0o055)
    url = re.findall(r"listen (\S+);", (folder / "nginx.conf").read_text())[0]
    port = int(url.rpartition(":")[2])
    with (folder / "errors").open("wb") as said:
        command = [NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder)]
        server = subprocess.Popen(command, stderr=said)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, (folder / "errors").read_text()
            time.sleep(0.05)
        yield Mirror(folder, f"http://{url}", site)
    finally:
        server.terminate()
        server.wait(10)


def directives(path: Path) -> list[str]:
    """Return the lines of a configuration without blanks around them."""
    return [line.strip() for line in path.read_text().splitlines()]


def test_only_those_that_are_allowed_and_the_host_itself_get_in(folder: Path) -> None:
    lines = directives(folder / "nginx.conf")
    doors = [line for line in lines if line.startswith(("allow", "deny", "listen"))]
    assert doors[1:] == [
        "allow 192.0.2.0/24;",
        "allow 127.0.0.1;",
        "allow ::1;",
        "allow 127.0.0.1;",
        "deny all;",
    ]
    assert not [line for line in lines if "ssl" in line]


def test_with_a_certificate_nothing_is_plain(folder: Path) -> None:
    lines = directives(folder / "secure.conf")
    (listen,) = [line for line in lines if line.startswith("listen")]
    assert re.fullmatch(r"listen \[fd00::9\]:\d+ ssl;", listen)
    assert "ssl_certificate /etc/tgi-hub-mirror/certificate.pem;" in lines
    assert "ssl_certificate_key /etc/tgi-hub-mirror/key.pem;" in lines


def test_the_service_sees_the_cache_below_a_closed_directory(folder: Path) -> None:
    unit = directives(folder / "unit")
    assert f"BindReadOnlyPaths=/var/lib/tgi/hub:{folder}/run/hub" in unit
    assert "ProtectSystem=strict" in unit
    # Tested before it starts, and before a reload
    test = "/usr/sbin/nginx -t -q -c /etc/tgi-hub-mirror/nginx.conf"
    assert [line for line in unit if line.endswith(test)] == [
        f"ExecStartPre={test}",
        f"ExecReload={test}",
    ]


def test_a_host_fetches_all_of_it_and_goes_on_at_a_byte(mirror: Mirror, tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path, NAME, REVISION)
    store.make_folders()
    blob = max(mirror.blobs.iterdir(), key=lambda path: path.stat().st_size)
    partial = store.records / "partial" / blob.name
    partial.write_bytes(blob.read_bytes()[:1_234_567])
    assert content_of(mirror.fetch(tmp_path).snapshot) == mirror.wanted


def test_the_hubs_own_client_does_too(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    given: dict[str, Any] = {"endpoint": mirror.url, "cache_dir": tmp_path}
    for revision in (REVISION, None):
        found = Path(snapshot_download(NAME, revision=revision, **given))
        assert content_of(found) == mirror.wanted
        assert found.name == REVISION
    one = hf_hub_download(NAME, "config.json", **{**given, "cache_dir": tmp_path / "other"})
    assert Path(one).read_bytes() == mirror.wanted["config.json"]
    with pytest.raises(errors.EntryNotFoundError):
        hf_hub_download(NAME, "adapter_config.json", **given)
    with pytest.raises(errors.RevisionNotFoundError):
        snapshot_download(NAME, revision=OTHER, **given)
    with pytest.raises(errors.RepositoryNotFoundError):
        snapshot_download("org/other", revision=REVISION, **given)


def test_tgis_router_reads_the_size_from_the_first_byte(mirror: Mirror) -> None:
    """The Rust client asks for one byte, and takes size and commit from the answer's headers."""
    url = f"{mirror.url}/{NAME}/resolve/{REVISION}/{SHARDS[0]}"
    asked = urllib.request.Request(url, headers={"Range": "bytes=0-0"})
    with urllib.request.urlopen(asked) as answer:
        size = len(mirror.wanted[SHARDS[0]])
        assert answer.status == 206
        assert answer.headers["Content-Range"] == f"bytes 0-0/{size}"
        assert answer.headers["X-Repo-Commit"] == REVISION
        assert (mirror.blobs / answer.headers["ETag"].strip('"')).stat().st_size == size


def test_what_it_does_not_have_is_said_as_the_hub_says_it(mirror: Mirror, tmp_path: Path) -> None:
    for repository, revision, kind in (
        (NAME, OTHER, "no_revision"),
        ("org/other", REVISION, "no_repository"),
    ):
        with pytest.raises(HubProblem) as error:
            mirror.fetch(tmp_path, revision, repository)
        assert error.value.kind == kind
    assert mirror.status(f"/{NAME}/resolve/{REVISION}/none.json") == (404, "EntryNotFound")
    assert mirror.status("/api/whoami-v2") == (404, "RepoNotFound")


def test_nothing_but_blobs_of_a_snapshot_comes_out(mirror: Mirror) -> None:
    snapshot = mirror.blobs.parent / "snapshots" / REVISION
    secret = mirror.folder / "secret"
    secret.write_text("x")
    planted = snapshot / "planted.json"
    planted.symlink_to(secret)
    beside = snapshot / "beside.json"
    beside.symlink_to("../../../.tgi-ansible")
    try:
        for name in ("planted.json", "beside.json", "..%2f..%2frefs%2fmain", "%2e%2e/refs"):
            status, _ = mirror.status(f"/{NAME}/resolve/{REVISION}/{name}")
            assert status == 404, name
    finally:
        planted.unlink()
        beside.unlink()
    # Who is not in hub_mirror_allowed; the host itself always is
    address = ("127.0.0.1", int(mirror.url.rpartition(":")[2]))
    with socket.create_connection(address, source_address=("127.0.0.2", 0)) as other:
        other.sendall(f"GET /api/models/{NAME} HTTP/1.0\r\n\r\n".encode())
        assert other.recv(20).split()[1] == b"403"
    for path in ("/", "/models--org--small-1b/refs/main", "/replies/main.map", "/.tgi-ansible/"):
        assert mirror.status(path)[0] == 404, path
