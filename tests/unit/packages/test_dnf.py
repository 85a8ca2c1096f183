"""Test the module signed_yum_source, and the removal of a repository from other files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.packages.dnf import same_repository, without_repository

from tests.support.apt_keys import ONE, ONE_FINGERPRINT, TWO, TWO_FINGERPRINT
from tests.support.run_module import load, run

Run = Callable[..., dict[str, Any]]
NAME = "docker-ce-stable"
DOCKER = "https://download.docker.com/linux/centos/9/$basearch/stable"
# As Docker and NVIDIA publish theirs
DOCKER_CE = """[docker-ce-stable]
name=Docker CE Stable - $basearch
baseurl=https://download.docker.com/linux/centos/$releasever/$basearch/stable
enabled=1
gpgcheck=1
gpgkey=https://download.docker.com/linux/centos/gpg

[docker-ce-test]
name=Docker CE Test - $basearch
baseurl=https://download.docker.com/linux/centos/$releasever/$basearch/test
enabled=0
"""
SITE = "# of the site\n[site]\nname=site\nbaseurl=https://repo.example.org/el9\n\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "repos").mkdir()
    (tmp_path / "key").write_bytes(ONE)
    return tmp_path


@pytest.fixture
def add(root: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    module = load("signed_yum_source")
    module.REPOSITORIES, module.KEYS = root / "repos", root / "keys"  # type: ignore[attr-defined]

    def call(check: bool = False, **changes: Any) -> dict[str, Any]:
        key = {"key": str(root / "key"), "fingerprint": ONE_FINGERPRINT}
        return run(module, capsys, check, **{"name": NAME, "baseurl": DOCKER, **key, **changes})

    return call


def files(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text()
        for part in ("repos", "keys")
        for path in (root / part).glob("*")
    }


def test_first_run_writes_and_second_does_not(add: Run, root: Path) -> None:
    assert add(check=True)["changed"] is True
    assert files(root) == {}
    assert add()["changed"] is True
    assert files(root) == {
        f"keys/RPM-GPG-KEY-{NAME}": ONE.decode(),
        f"repos/{NAME}.repo": f"# Ansible managed\n[{NAME}]\nname={NAME}\nbaseurl={DOCKER}\n"
        "enabled=1\ngpgcheck=1\nrepo_gpgcheck=0\n"
        f"gpgkey=file://{root}/keys/RPM-GPG-KEY-{NAME}\n",
    }
    assert {p.stat().st_mode & 0o777 for p in root.glob("*/*")} == {0o644}
    (root / "key").unlink()
    assert add()["changed"] is False, "the key that is there is not looked for again"


def test_signed_metadata_and_an_authority_of_the_mirrors(add: Run, root: Path) -> None:
    answer = add(gpgcheck=False, repo_gpgcheck=True, sslcacert="/etc/pki/mirror.pem")
    text = files(root)[f"repos/{NAME}.repo"]
    assert "gpgcheck=0\nrepo_gpgcheck=1\n" in text
    assert text.endswith("sslverify=1\nsslcacert=/etc/pki/mirror.pem\n")
    assert [entry["after_header"] for entry in answer["diff"]] == [f"{root}/repos/{NAME}.repo"]


@pytest.mark.parametrize("form", ["{}", "file:{}", "file://{}"])
def test_the_key_may_be_a_file_of_the_host(form: str, add: Run, root: Path) -> None:
    assert add(baseurl="file:///srv/mirror", key=form.format(root / "key"))["changed"] is True
    assert "baseurl=file:///srv/mirror\n" in files(root)[f"repos/{NAME}.repo"]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (TWO, f"has fingerprint {TWO_FINGERPRINT}, expected {ONE_FINGERPRINT}"),
        (ONE + TWO, f"has fingerprint {TWO_FINGERPRINT}"),
        (b"<html>404</html>", "is not an OpenPGP public key"),
        (None, "cannot get the key from"),
    ],
)
def test_a_bad_key_is_refused_before_anything_is_written(
    key: bytes | None, words: str, add: Run, root: Path
) -> None:
    (root / "repos/docker-ce.repo").write_text(DOCKER_CE)
    (root / "key").unlink()
    if key is not None:
        (root / "key").write_bytes(key)
    answer = add()
    assert answer["failed"] is True
    assert answer["msg"].startswith(f"dnf repository {NAME}: ") and words in answer["msg"]
    assert files(root) == {"repos/docker-ce.repo": DOCKER_CE}


def test_others_files_lose_the_repository_only(add: Run, root: Path) -> None:
    (root / "repos/docker-ce.repo").write_text(DOCKER_CE)
    (root / "repos/site.repo").write_text(SITE + DOCKER_CE)
    add()
    found = files(root)
    assert found["repos/docker-ce.repo"].startswith("[docker-ce-test]")
    assert found["repos/site.repo"].startswith(SITE + "[docker-ce-test]")
    assert found["repos/docker-ce.repo.before-tgi-ansible.bak"] == DOCKER_CE
    assert add()["changed"] is False


def test_what_it_replaces_goes_with_it(add: Run, root: Path) -> None:
    (root / "repos/docker-ce.repo").write_text(DOCKER_CE)
    (root / "repos/site.repo").write_text(SITE + DOCKER_CE)
    mirror = {"baseurl": "https://mirror.example.org/docker", "name": "docker"}
    add(replaces=["https://download.docker.com/linux"], **mirror)
    found = files(root)
    assert "repos/docker-ce.repo" not in found
    assert found["repos/site.repo"] == SITE
    assert found["repos/site.repo.before-tgi-ansible.bak"] == SITE + DOCKER_CE


def test_absent_takes_away_what_it_wrote_and_nothing_else(add: Run, root: Path) -> None:
    add()
    assert add(check=True, state="absent")["changed"] is True
    assert add(state="absent")["changed"] is True
    assert files(root) == {}
    (root / f"repos/{NAME}.repo").write_text(DOCKER_CE)
    assert add(state="absent")["changed"] is False
    assert files(root) == {f"repos/{NAME}.repo": DOCKER_CE}


SAME = [
    ("https://a/9/$basearch/stable", "http://a/$releasever/${basearch}/stable/", True),
    ("https://user:word@a/9/x86_64", "https://a/9/$basearch", True),
    ("https://a/9/$basearch/stable", "https://a/9/$basearch/test", False),
    ("https://a/9", "https://a/9/stable", False),
    ("file:/srv/mirror", "file:///srv/mirror", True),
]


@pytest.mark.parametrize(("one", "other", "same"), SAME)
def test_same_repository(one: str, other: str, same: bool) -> None:
    assert same_repository(one, other) is same and same_repository(other, one) is same


def test_dnfs_own_section_and_several_addresses_stay() -> None:
    main = f"[main]\nbaseurl={DOCKER}\n"
    assert without_repository(main, "main", DOCKER) == main
    two = f"[x]\nbaseurl={DOCKER}\n  https://other.example.org/\n"
    assert without_repository(two, NAME, DOCKER) == two
    assert without_repository("[x]\nmirrorlist=https://m\n", NAME, DOCKER) != ""
