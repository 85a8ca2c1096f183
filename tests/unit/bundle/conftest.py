"""A site on loopback and a whole bundle of it, which all tests of this folder share."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible.module_utils.tgi.bundle.apt_wishes import apt_wish
from ansible.module_utils.tgi.bundle.bundle_make import MakeWish, make_bundle
from ansible.module_utils.tgi.bundle.image_part import ImageAccess
from ansible.module_utils.tgi.weights.hub_connection import HubSource
from ansible.module_utils.tgi.weights.snapshot_look import SnapshotWish

from tests.support.bundle.bundle_site import (
    APT_PASSWORD,
    HUB_TOKEN,
    TOOLKIT,
    VERSION,
    BundleSite,
    bundle_site,
)
from tests.support.hub.weight_sites import NAME, REVISION


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BundleSite]:
    with bundle_site(tmp_path_factory.mktemp("site")) as made:
        made.hub.tokens.add(HUB_TOKEN)
        yield made


@pytest.fixture(scope="package")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a small repository whose requirements are one wheel."""
    place = tmp_path_factory.mktemp("project")
    wheels = tmp_path_factory.mktemp("index")
    wheel = wheels / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        about = "tiny-1.0.dist-info"
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (place / "requirements").mkdir()
    (place / "requirements/run.txt").write_text(f"tiny==1.0 --hash=sha256:{digest}\n")
    as_user = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], [*as_user, "commit", "-qm", "All"]):
        subprocess.run(["git", *words], cwd=place, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(wheels))
        yield place


@pytest.fixture
def wish(site: BundleSite, project: Path, tmp_path: Path) -> MakeWish:
    """Return what the inventory of the site wants, with secrets in addresses and headers."""
    web = site.web.replace("//", f"//reader:{APT_PASSWORD}@")
    source = {"name": "nvidia", "uri": f"{web}/nvidia/$(ARCH)",
              "key": f"{site.web}/archive.asc", "fingerprint": site.key.fingerprint}  # fmt: skip
    toolkit = {
        "host": "gpu1",
        "source": source,
        "packages": [f"{one}={VERSION}" for one in TOOLKIT],
        "pins": [{"packages": " ".join(TOOLKIT), "version": VERSION}],
    }
    others = {"host": "edge1", "packages": ["nginx", "libnginx-mod-http-js", "logrotate"]}
    uris = {"debian": f"{web}/debian", "debian-security": f"{site.web}/security"}
    apt = apt_wish("debian-13", [toolkit, others], uris, str(site.keyring))
    hub = HubSource(site.hub.endpoint, HUB_TOKEN)
    return MakeWish(
        tmp_path / "bundle", [apt], [site.image], [SnapshotWish(NAME, REVISION, hub, reserve=0)],
        project, ImageAccess([site.images.host]),
    )  # fmt: skip


@pytest.fixture(scope="package")
def first(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Keep the first whole bundle; other tests take copies of it."""
    return {"place": tmp_path_factory.mktemp("first") / "bundle"}


@pytest.fixture
def bundle(wish: MakeWish, first: dict[str, Path]) -> Path:
    """Return a whole bundle."""
    if not first["place"].exists():
        make_bundle(replace(wish, bundle=first["place"]), lambda _: None)
    shutil.copytree(first["place"], wish.bundle)
    return wish.bundle
