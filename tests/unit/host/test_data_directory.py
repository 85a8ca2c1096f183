"""Test that no other user reaches what root leaves in the directory of the weights."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible.module_utils.tgi.host.data_directory import check_directory, make_directory

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes directories of others")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def directory(path: Path, its: int, owner: int = 0, group: int = 0) -> Path:
    path.mkdir()
    os.chown(path, owner, group)
    path.chmod(its)
    return path


def test_a_new_one_is_for_root_alone(tmp_path: Path) -> None:
    path = tmp_path / "a/b"
    assert make_directory(path, dry=True) == [path] and not path.exists()
    assert make_directory(path, dry=False) == [path] and mode(path) == 0o700
    assert make_directory(path, dry=False) == [] == check_directory(path, "/a/b")


def test_one_of_former_runs_is_closed_once(tmp_path: Path) -> None:
    path = directory(tmp_path / "a", 0o755)
    assert check_directory(path, "/a") == []
    assert make_directory(path, dry=True) == [path] and mode(path) == 0o755
    assert make_directory(path, dry=False) == [path] and mode(path) == 0o700
    assert make_directory(path, dry=False) == []


@pytest.mark.parametrize(
    ("its", "owner", "group", "warned"),
    [
        (0o700, 1000, 1000, False),
        (0o750, 0, 1000, False),
        (0o755, 1000, 1000, True),
        (0o755, 0, 1000, True),
        (0o711, 0, 0, True),
        (0o2775, 0, 0, True),
        (0o1777, 0, 0, True),
    ],
)
def test_other_modes_and_owners_stay_and_are_named(
    tmp_path: Path, its: int, owner: int, group: int, warned: bool
) -> None:
    path = directory(tmp_path / "a", its, owner, group)
    assert make_directory(path, dry=False) == [] and mode(path) == its
    lines = check_directory(path, "/srv/weights")
    assert bool(lines) is warned
    assert all("tgi_data_dir /srv/weights" in line and "nosuid,nodev" in line for line in lines)


def test_a_link_is_the_users(tmp_path: Path) -> None:
    target = directory(tmp_path / "big", 0o755)
    link = tmp_path / "a"
    link.symlink_to(target)
    assert make_directory(link, dry=False) == [] and mode(target) == 0o755
    assert len(check_directory(link, "/a")) == 1


@pytest.mark.parametrize(("nosuid", "warned"), [(True, False), (False, True)])
def test_a_mount_is_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nosuid: bool, warned: bool
) -> None:
    path = directory(tmp_path / "a", 0o755)
    flags = os.statvfs(path).f_flag & ~os.ST_NOSUID | (os.ST_NOSUID if nosuid else 0)
    monkeypatch.setattr(Path, "is_mount", lambda _: True)
    found = type("Found", (), {"f_flag": flags})
    monkeypatch.setattr(os, "statvfs", lambda _: found)
    assert make_directory(path, dry=False) == [] and mode(path) == 0o755
    assert bool(check_directory(path, "/a")) is warned
