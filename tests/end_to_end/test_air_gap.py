"""Make a bundle, take the hosts' network away, and deploy two models from the bundle alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.bundle.air_gap import MODELS, AirGap, changes, shell
from tests.support.bundle.small_bundle import flip
from tests.support.hub.local_hub import local_hub
from tests.support.hub.weight_sites import small_repository


@dataclass
class Site:
    """The hosts, and the bundle with the key that verifies it."""

    hosts: AirGap
    bundle: Path
    key: Path

    @property
    def words(self) -> tuple[str, ...]:
        """Return how a run names the bundle."""
        return "-e", f"bundle={self.bundle}", "-e", f"bundle_public_key={self.key}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = tmp_path_factory.mktemp("air-gap")
    secret, public = place / "secret.key", place / "maker.pub"
    shell("minisign", "-G", "-W", "-f", "-p", str(public), "-s", str(secret))
    with local_hub() as hub:
        for model in MODELS:
            hub.repositories[model] = small_repository()
        hosts = AirGap(place, hub.endpoint)
        try:
            hosts.create()
            made = hosts.play(
                "playbooks/bundle.yml", "-e", f"bundle={place / 'bundle'}",
                "-e", f"bundle_signing_key={secret}", "-e", '{"bundle_systems": ["debian-13"]}',
            )  # fmt: skip
            assert made.returncode == 0, made.stdout + made.stderr
            hosts.cut()
            yield Site(hosts, place / "bundle", public)
        finally:
            hosts.destroy()


KINDS = {
    "package": "apt/debian-13/**/nginx_*.deb",
    "image": "images/blobs/sha256/*",
    "weights": "weights/models--*/blobs/*",
    "wheel": "wheels/*.whl",
    "project": "project.bundle",
}


def test_one_byte_of_each_kind_is_refused_by_name_before_a_change(site: Site) -> None:
    harmed = {kind: sorted(site.bundle.glob(name))[0] for kind, name in KINDS.items()}
    kept = {path: path.read_bytes() for path in harmed.values()}
    for path in harmed.values():
        flip(path)
    try:
        done = site.hosts.play("site.yml", *site.words)
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
    assert done.returncode == 2
    for kind, path in harmed.items():
        assert f"- {kind}: {path.relative_to(site.bundle)}: its SHA-256 is" in done.stdout
    recap = changes(done.stdout)
    assert recap
    assert all("changed=0" in line for line in recap.values()), done.stdout
    assert site.hosts.on("gpu1", "ls -A /var/lib/tgi-bundle 2>/dev/null") == ""


def test_hosts_without_a_route_serve_both_models(site: Site) -> None:
    columns, *routes = site.hosts.on("gpu1", "cat /proc/net/route").splitlines()
    assert columns.split()[1] == "Destination"
    assert "00000000" not in {route.split()[1] for route in routes}
    done = site.hosts.play("site.yml", *site.words)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    # A failed check fails the run; these two lines say so when they are skipped
    for ran in ("Check every model on its own port]", "Check the endpoint as a client sees it]"):
        assert ran in done.stdout
    served = site.hosts.on("gpu1", "docker ps --no-trunc --format '{{.Image}}'").splitlines()
    image = site.hosts.inventory.joinpath("hosts.yml").read_text().partition("@sha256:")[2][:64]
    assert served == [f"127.0.0.1:5917/huggingface/text-generation-inference@sha256:{image}"] * 2


def test_a_second_run_changes_nothing(site: Site) -> None:
    done = site.hosts.play("site.yml", *site.words)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    recap = changes(done.stdout)
    assert {*recap} == {"gpu1", "edge1", "localhost"}
    assert all("changed=0" in line for line in recap.values()), done.stdout


def test_the_controllers_packages_install_without_a_network(site: Site, tmp_path: Path) -> None:
    clone, there, wheels = tmp_path / "project", tmp_path / "packages", site.bundle / "wheels"
    project = str(site.bundle / "project.bundle")
    shell("git", "clone", "--quiet", project, str(clone))
    offline = ["--no-index", "--find-links", str(wheels), "--require-hashes"]
    # Not compiled and without an environment of its own, which would take a minute
    quick = ["--quiet", "--no-compile", "--target", str(there)]
    pip = [sys.executable, "-m", "pip", "install", *quick, *offline]
    shell(*pip, "-r", str(wheels / "requirements.txt"))
    program = [sys.executable, str(there / "bin/ansible-playbook"), "--syntax-check"]
    own = {**os.environ, "PYTHONPATH": str(there), "ANSIBLE_CONFIG": str(clone / "ansible.cfg")}
    done = subprocess.run(
        [*program, "site.yml"], cwd=clone, env=own, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
