"""Test a whole bundle: made from loopback, made again, damaged, killed, and used by apt and git."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.bundle.apt_wishes import AptGroup
from ansible.module_utils.tgi.bundle.bundle_form import BundleError, read_bundle
from ansible.module_utils.tgi.bundle.bundle_make import Made, MakeWish, make_bundle
from ansible.module_utils.tgi.bundle.image_layout import digest_in
from ansible.module_utils.tgi.bundle.sums import read_sums, verify_sums
from ansible.module_utils.tgi.bundle.use.apt_sources import apt_files
from ansible.module_utils.tgi.weights.snapshot_fetch import fetch
from ansible.module_utils.tgi.weights.snapshot_look import SnapshotWish
from ansible.module_utils.tgi.weights.snapshot_store import SnapshotStore

from tests.support.apt_keys import ONE
from tests.support.bundle.bundle_site import (
    APT_PASSWORD,
    HUB_TOKEN,
    PROGRAMS,
    TOOLKIT,
    BundleSite,
)
from tests.support.hub.local_hub import length
from tests.support.hub.weight_sites import NAME, REVISION, SHARDS

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, PROGRAMS)), reason=f"needs {', '.join(PROGRAMS)}"
)


def asked(site: BundleSite) -> tuple[int, int, int]:
    return len(site.asked), len(site.images.asked), len(site.hub.requests)


def again(wish: MakeWish) -> tuple[Made, list[str]]:
    said: list[str] = []
    return make_bundle(wish, said.append), said


def test_sizes_are_said_before_anything_comes(wish: MakeWish, site: BundleSite) -> None:
    said: list[str] = []
    made = make_bundle(wish, said.append, dry=True)
    weights = sum(length(site.repository().files[name]) for name in SHARDS)
    assert made.sizes["weights"] > weights
    assert made.sizes["images"] > 10_000
    assert made.sizes["packages of debian-13"] > 0
    assert said[-1].startswith("in all: ")
    assert not wish.bundle.exists()
    assert not any(path.endswith(".deb") for path in site.asked)


def test_all_is_listed_and_nothing_else_is_there(bundle: Path) -> None:
    assert verify_sums(bundle, read_sums(bundle)) == []
    assert sorted(path.name for path in bundle.iterdir()) == sorted(
        ["SHA256SUMS", "apt", "bundle.json", "images", "project.bundle", "weights", "wheels"]
    )
    form = read_bundle(bundle)
    assert [(one.model_id, one.revision) for one in form.models] == [(NAME, REVISION)]
    assert {one.directory for one in form.apt} == {
        "apt/debian-13/distribution",
        "apt/debian-13/distribution-security",
        "apt/debian-13/nvidia",
    }


def test_lists_are_the_publishers_own_bytes(bundle: Path, site: BundleSite) -> None:
    for name, theirs in (
        ("distribution/dists/trixie", site.debian / "dists/trixie"),
        # It has a list without compression, and apt keeps a compressed copy
        ("distribution-security/dists/trixie-security",
         site.place / "www/security/dists/trixie-security"),
    ):  # fmt: skip
        listed = [path for path in theirs.rglob("*") if path.is_file() and path.suffix != ".gz"]
        assert len(listed) == 2
        for path in listed:
            mine = bundle / "apt/debian-13" / name / path.relative_to(theirs)
            assert mine.read_bytes() == path.read_bytes()


def test_packages_come_with_what_they_need_and_no_others(bundle: Path) -> None:
    names = {path.name.split("_")[0] for path in bundle.glob("apt/**/*.deb")}
    assert {"libc6", "nginx", "logrotate", *TOOLKIT} <= names
    assert not {"unwanted", "docker.io"} & names
    # The newer ones of -updates and -security
    assert len(list(bundle.glob("apt/**/logrotate_1%3a2.0~x_amd64.deb"))) == 1
    assert len(list(bundle.glob("apt/debian-13/distribution-security/pool/nginx_1.1_*.deb"))) == 1


def test_apt_installs_from_it_alone(bundle: Path, tmp_path: Path, site: BundleSite) -> None:
    """Ask the machine's apt, as a host of the site would, long after the lists were signed."""
    for path in bundle.glob("apt/**/InRelease"):
        signed = path.read_text().partition("\n\n")[2].partition("-----BEGIN")[0]
        old = f"Valid-Until: Sun, 29 Nov 2026 00:00:01 UTC\n{signed}"
        path.write_bytes(site.key.clearsign(old))
    for name in ("lists/partial", "archives/partial", "state"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "status").touch()
    (bundle / "sources.d").mkdir()
    parts = [vars(one) for one in read_bundle(bundle).apt]
    for name, text in apt_files(str(bundle), parts).items():
        (bundle / name).write_text(text)
    # Read before this machine's own configuration, which may let old lists pass
    with (bundle / "apt.conf").open("a") as configuration:
        configuration.write('Dir::Etc::main "/dev/null";\nDir::Etc::parts "/dev/null";\n')
    # The keys that a host has for its distribution
    (tmp_path / "keys").mkdir()
    shutil.copy(site.keyring, tmp_path / "keys/debian.asc")
    options = [
        f"Dir::State={tmp_path}/state", f"Dir::State::lists={tmp_path}/lists",
        f"Dir::State::status={tmp_path}/status", f"Dir::Cache={tmp_path}",
        f"Dir::Cache::archives={tmp_path}/archives", f"Dir::Etc::trustedparts={tmp_path}/keys",
        "APT::Sandbox::User=root", "APT::Architectures=amd64", "APT::Architecture=amd64",
    ]  # fmt: skip
    apt = ["apt-get", "--quiet=2", *(word for one in options for word in ("-o", one))]
    environment = {**os.environ, "APT_CONFIG": str(bundle / "apt.conf")}
    for words in (["update"], ["install", "--simulate", "nginx", "libnginx-mod-http-js",
                               "logrotate", *TOOLKIT]):  # fmt: skip
        done = subprocess.run(
            [*apt, *words], check=False, capture_output=True, text=True, env=environment
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "Inst nginx (1.1 " in done.stdout


def test_the_image_keeps_its_digest_and_all_platforms(bundle: Path, site: BundleSite) -> None:
    index = json.loads((bundle / "images/index.json").read_text())
    (entry,) = index["manifests"]
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": site.image}
    assert entry["digest"] == digest_in(site.image)
    blobs = {path.name for path in (bundle / "images/blobs/sha256").iterdir()}
    assert blobs == {digest.partition(":")[2] for digest in site.images.content}


def test_the_weights_are_a_mirror(bundle: Path, tmp_path: Path, site: BundleSite) -> None:
    store = SnapshotStore(tmp_path / "hub", NAME, REVISION)
    fetch(store, SnapshotWish(NAME, REVISION, mirror=str(bundle / "weights"), reserve=0))
    content = site.repository().files[SHARDS[0]]
    assert (store.snapshot / SHARDS[0]).read_bytes() == content


def test_the_project_and_its_packages_need_no_network(bundle: Path, tmp_path: Path) -> None:
    clone = ["git", "clone", "-q", str(bundle / "project.bundle"), str(tmp_path / "clone")]
    subprocess.run(clone, check=True)
    wanted = (tmp_path / "clone/requirements/run.txt").read_bytes()
    assert (bundle / "wheels/requirements.txt").read_bytes() == wanted
    assert [path.name for path in bundle.glob("wheels/*.whl")] == ["tiny-1.0-py3-none-any.whl"]


def test_a_second_run_asks_no_one(bundle: Path, wish: MakeWish, site: BundleSite) -> None:
    before, sums = asked(site), (bundle / "SHA256SUMS").read_bytes()
    made, said = again(wish)
    assert (made.fetched, made.changed, said) == ([], False, ["nothing is known to be missing"])
    assert made.notes == []
    assert asked(site) == before
    assert (bundle / "SHA256SUMS").read_bytes() == sums
    assert not (bundle / ".making").exists()


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("packages of debian-13", "apt/**/logrotate*.deb"),
        ("packages of debian-13", "apt/**/InRelease"),
        ("images", "images/blobs/sha256/*"),
        ("weights", "weights/models--*/blobs/" + "?" * 64),
        ("wheels", "wheels/*.whl"),
        ("project", "project.bundle"),
    ],
)
def test_damage_is_repaired_and_only_that_comes(
    bundle: Path, wish: MakeWish, kind: str, pattern: str
) -> None:
    good = (bundle / "SHA256SUMS").read_text().splitlines()
    path = sorted(bundle.glob(pattern))[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    made, _ = again(wish)
    assert made.fetched == [kind]
    now = (bundle / "SHA256SUMS").read_text().splitlines()
    # git may pack the same history in other bytes
    assert {line for line in now if kind != "project"} <= {*good}
    assert verify_sums(bundle, read_sums(bundle)) == []


def test_what_is_no_longer_wanted_goes(bundle: Path, wish: MakeWish, site: BundleSite) -> None:
    other = site.images.put_image("other")
    apt = wish.apt[0]._replace(groups=(AptGroup(("python3",)),))
    made, _ = again(replace(wish, images=[other], apt=[apt]))
    assert made.fetched == ["packages of debian-13", "images"]
    blobs = {path.name for path in (bundle / "images/blobs/sha256").iterdir()}
    assert digest_in(site.image).partition(":")[2] not in blobs
    assert not list(bundle.glob("apt/**/nginx*.deb"))
    assert verify_sums(bundle, read_sums(bundle)) == []


def test_a_killed_run_goes_on(
    bundle: Path, wish: MakeWish, site: BundleSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop where the weights come: packages and images are there, and are not fetched again."""
    blobs = bundle / "weights" / f"models--{NAME.replace('/', '--')}" / "blobs"
    (blobs / site.repository().oid(SHARDS[0])).unlink()

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    part = "ansible.module_utils.tgi.bundle.weights_part.WeightsPart.fetch"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(part, stop)
        make_bundle(wish, lambda _: None)
    # What is unfinished looks so
    assert not (bundle / "SHA256SUMS").exists()
    web, images, _ = asked(site)
    made, _ = again(wish)
    assert made.fetched == ["weights"]
    assert asked(site)[:2] == (web, images)
    assert verify_sums(bundle, read_sums(bundle)) == []


def test_no_secret_is_in_it(bundle: Path) -> None:
    for path in [path for path in bundle.rglob("*") if path.is_file()]:
        content = path.read_bytes()
        assert HUB_TOKEN.encode() not in content, path
        assert APT_PASSWORD.encode() not in content, path


def test_a_disk_that_is_too_small_is_refused_before(
    wish: MakeWish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ansible.module_utils.tgi.bundle.bundle_make._RESERVE", 1 << 60)
    with pytest.raises(BundleError, match=r"needs .* more, and .* that stay free; the file system"):
        make_bundle(wish, lambda _: None)
    assert [path.name for path in wish.bundle.iterdir()] == [".making"]


def test_a_directory_with_other_files_is_refused(wish: MakeWish) -> None:
    wish.bundle.mkdir()
    (wish.bundle / "thesis.odt").touch()
    with pytest.raises(BundleError, match=r"has thesis.odt, which is of no bundle; write an empty"):
        make_bundle(wish, lambda _: None)


def test_a_forged_list_of_packages_is_refused(wish: MakeWish, tmp_path: Path) -> None:
    """Take another key for the distribution's: apt refuses it, and no package comes."""
    source = wish.apt[0].sources[0]._replace(keyring=str(tmp_path / "other.asc"))
    (tmp_path / "other.asc").write_bytes(ONE)
    apt = wish.apt[0]._replace(sources=(source, *wish.apt[0].sources[1:]))
    with pytest.raises(BundleError, match=r"apt for debian-13 cannot read its sources: ") as caught:
        make_bundle(replace(wish, apt=[apt]), lambda _: None)
    assert APT_PASSWORD not in str(caught.value)
    assert not list(wish.bundle.rglob("*.deb"))


def test_what_is_not_committed_is_no_part_of_it_and_that_is_said(
    bundle: Path, wish: MakeWish, project: Path, tmp_path: Path
) -> None:
    secret = project / "requirements/vault.yml"
    secret.write_text("planted\n")
    listed = project / "requirements/run.txt"
    text = listed.read_text()
    listed.write_text(f"# more\n{text}")
    try:
        made, _ = again(wish)
    finally:
        listed.write_text(text)
        secret.unlink()
    assert made.notes == ["project.bundle lacks changes that are not committed; git commit"]
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(bundle / "project.bundle"), str(clone)], check=True)
    assert not (clone / "requirements/vault.yml").exists()
