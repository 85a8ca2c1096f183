"""Check the mirror of the Hub on Debian 12, and Debian 13, whose model has its weights from it.

Our own module and the Hub's client fetch from the deployed nginx.
"""

from __future__ import annotations

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.tgi.weights.hub_connection import HubSource
from ansible.module_utils.tgi.weights.hub_problem import HubProblem
from ansible.module_utils.tgi.weights.snapshot_fetch import fetch
from ansible.module_utils.tgi.weights.snapshot_look import SnapshotWish
from ansible.module_utils.tgi.weights.snapshot_store import SnapshotStore
from huggingface_hub import errors, hf_hub_download, snapshot_download

from tests.support.hub.weight_sites import content_of
from tests.support.live.hosts import address_of, host_at, python
from tests.support.live.planted import SEARCH

NAME = "acme/scribe"
REVISION = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
WEIGHTS = "model.safetensors"
FOLDER = "/var/lib/tgi/hub/models--acme--scribe"
SNAPSHOT = f"{FOLDER}/snapshots/{REVISION}"
RECORDS = f"/var/lib/tgi/hub/.tgi-ansible/models--acme--scribe/{REVISION}"
_STATUS = """
import http.client
one = http.client.HTTPConnection("{host}", {port}, source_address=("{source}", 0))
one.request("GET", "{path}")
print(one.getresponse().status)
"""


@dataclass
class MirrorSite:
    """The host that is the mirror, the one that fetches from it, and the Hub that both could ask.

    ``wanted`` is what TGI reads of the published model.
    """

    mirror: Any
    reader: Any
    hub: Any
    token: str
    wanted: dict[str, bytes]

    @property
    def url(self) -> str:
        return f"http://{address_of(self.mirror)}:8070"

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
def site(inventory: str) -> MirrorSite:
    groups = yaml.safe_load((Path(inventory) / "hosts.yml").read_text())["all"]["children"]
    ((name, given),) = groups["hub_mirrors"]["hosts"].items()
    (reader,) = groups["gpu_hosts"]["hosts"].keys() - {name}
    mirror, other, hub = (host_at(inventory, one) for one in (name, reader, "mirror"))
    where = f"/srv/mirror/hub/{NAME}/resolve/{REVISION}"
    names = set(hub.check_output(f"ls {where}").split()) - {"README.md"}
    files = {one: in_container(hub, "cat", f"{where}/{one}") for one in names}
    return MirrorSite(mirror, other, hub, given["hub_mirror_hf_token"], files)


def in_container(host: Any, *command: str, given: bytes = b"") -> bytes:
    """Run a command on a host with an input; return the bytes that it prints."""
    call = ["docker", "exec", "-i", host.backend.name, *command]
    return subprocess.run(call, check=True, capture_output=True, input=given).stdout


def served(host: Any) -> dict[str, str]:
    """Return the SHA-256 of each file that TGI finds on a host."""
    lines = host.check_output(f"cd {SNAPSHOT} && sha256sum *").splitlines()
    return {name: digest for digest, name in map(str.split, lines)}


def test_the_other_host_has_it_whole_and_proven(site: MirrorSite) -> None:
    files = served(site.reader)
    assert files == served(site.mirror)
    assert files.keys() == site.wanted.keys()
    for ending in ("json", "proven.json"):
        assert files[WEIGHTS] in site.reader.check_output(f"cat {RECORDS}.{ending}")


def test_the_mirror_alone_asked_the_hub_once(site: MirrorSite) -> None:
    log = site.hub.check_output("cat /var/log/nginx/access.log")
    asked = re.findall(rf"(?m)^(\S+) .*GET /hub/{NAME}/resolve/{REVISION}/(\S+) .* 200 ", log)
    files = sorted(file for _, file in asked)
    assert files == sorted(site.wanted)
    assert {address for address, _ in asked} == {address_of(site.mirror)}


def test_the_container_reads_them_offline(site: MirrorSite) -> None:
    (model,) = json.loads(site.reader.check_output("docker inspect tgi-scribe-tgi-1"))
    assert "HF_HUB_OFFLINE=1" in model["Config"]["Env"]
    mounts = {one["Destination"]: (one["Source"], one["RW"]) for one in model["Mounts"]}
    assert mounts[f"/data/hub/{FOLDER.rpartition('/')[2]}"] == (FOLDER, False)


def test_the_token_is_needed_and_on_no_host(site: MirrorSite) -> None:
    asked = {"host": "mirror", "port": 80, "source": "0.0.0.0"}
    path = f"/hub/{NAME}/resolve/{REVISION}/config.json"
    assert python(site.reader, _STATUS.format(path=path, **asked)) == "401"
    for host in (site.reader, site.mirror):
        assert in_container(host, "sh", "-ec", SEARCH, given=site.token.encode()) == b""


def test_a_host_fetches_all_of_it_and_goes_on_at_a_byte(site: MirrorSite, tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path, NAME, REVISION)
    store.make_folders()
    partial = store.records / "partial" / served(site.mirror)[WEIGHTS]
    partial.write_bytes(site.wanted[WEIGHTS][:1_234_567])
    assert content_of(site.fetch(tmp_path).snapshot) == site.wanted


def test_the_hubs_own_client_does_too(
    site: MirrorSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    given: dict[str, Any] = {"endpoint": site.url, "cache_dir": tmp_path}
    for revision in (REVISION, None):
        found = Path(snapshot_download(NAME, revision=revision, **given))
        assert content_of(found) == site.wanted
        assert found.name == REVISION
    one = hf_hub_download(NAME, "config.json", **{**given, "cache_dir": tmp_path / "other"})
    assert Path(one).read_bytes() == site.wanted["config.json"]
    with pytest.raises(errors.EntryNotFoundError):
        hf_hub_download(NAME, "adapter_config.json", **given)
    with pytest.raises(errors.RevisionNotFoundError):
        snapshot_download(NAME, revision=OTHER, **given)
    with pytest.raises(errors.RepositoryNotFoundError):
        snapshot_download("org/other", revision=REVISION, **given)


def test_tgis_router_reads_the_size_from_the_first_byte(site: MirrorSite) -> None:
    """The Rust client asks for one byte, and takes size and commit from the answer's headers."""
    url = f"{site.url}/{NAME}/resolve/{REVISION}/{WEIGHTS}"
    asked = urllib.request.Request(url, headers={"Range": "bytes=0-0"})
    with urllib.request.urlopen(asked) as answer:
        assert answer.status == 206
        assert answer.headers["Content-Range"] == f"bytes 0-0/{len(site.wanted[WEIGHTS])}"
        assert answer.headers["X-Repo-Commit"] == REVISION
        assert answer.headers["ETag"].strip('"') == served(site.mirror)[WEIGHTS]


def test_what_it_does_not_have_is_said_as_the_hub_says_it(site: MirrorSite, tmp_path: Path) -> None:
    for repository, revision, kind in (
        (NAME, OTHER, "no_revision"),
        ("org/other", REVISION, "no_repository"),
    ):
        with pytest.raises(HubProblem) as error:
            site.fetch(tmp_path, revision, repository)
        assert error.value.kind == kind
    assert site.status(f"/{NAME}/resolve/{REVISION}/none.json") == (404, "EntryNotFound")
    assert site.status("/api/whoami-v2") == (404, "RepoNotFound")


@pytest.fixture
def planted(site: MirrorSite) -> Iterator[list[str]]:
    """Put links into a snapshot that lead elsewhere; return their names."""
    links = {"planted.json": "/etc/hostname", "beside.json": "../../../.tgi-ansible"}
    for name, target in links.items():
        site.mirror.check_output(f"ln -s {target} {SNAPSHOT}/{name}")
    yield list(links)
    site.mirror.check_output(f"cd {SNAPSHOT} && rm {' '.join(links)}")


def test_nothing_but_blobs_of_a_snapshot_comes_out(site: MirrorSite, planted: list[str]) -> None:
    for name in (*planted, "..%2f..%2frefs%2fmain", "%2e%2e/refs"):
        status, _ = site.status(f"/{NAME}/resolve/{REVISION}/{name}")
        assert status == 404, name
    folder = FOLDER.rpartition("/")[2]
    for path in ("/", f"/{folder}/refs/main", "/replies/main.map", "/.tgi-ansible/"):
        assert site.status(path)[0] == 404, path


def test_only_those_that_are_allowed_and_the_host_itself_get_in(site: MirrorSite) -> None:
    path = f"/api/models/{NAME}"
    for source, status in (("127.0.0.1", "200"), ("127.0.0.2", "403")):
        asked = {"host": "127.0.0.1", "port": 8070, "source": source}
        assert python(site.mirror, _STATUS.format(path=path, **asked)) == status
