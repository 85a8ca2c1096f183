"""Test that a disk that takes no more is named, with the remedy."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.common import file_system
from ansible.module_utils.tgi.common.file_system import (
    FileSystem,
    failing_in_words,
    file_system_of,
    in_words,
    size,
)
from ansible.module_utils.tgi.common.files import write

from tests.support.roots import ROOT

GIB = 1024**3
FULL = FileSystem("/var", "/dev/sdb1, xfs", 4096, 20 * GIB, 7, False)
#: Modules that write nothing on a host, or only by programs of the host
READ_ONLY = {
    "docker_in_use", "docker_packages_info", "nvidia_driver_info", "tgi_check", "tgi_check_report",
    "tgi_diagnose_client", "tgi_diagnose_gateway", "tgi_diagnose_gpu_host", "tgi_diagnose_verdict",
    "tgi_bundle_proof", "tgi_gateway_keys", "tgi_layout_image",
    "tgi_image", "tgi_nginx_info", "tgi_plan", "tgi_preflight", "tgi_wait",
}  # fmt: skip
#: Modules whose functions do it for them
BY_FUNCTIONS = {
    "hf_snapshot": "module_utils/tgi/weights/hub_problem.py",
    "tgi_bundle": "plugins/action/tgi_bundle.py",
}


def test_the_longest_and_last_mount_has_the_path(tmp_path: Path) -> None:
    inner = tmp_path / "a b" / "c"
    inner.mkdir(parents=True)
    mounts = tmp_path / "mountinfo"
    spaced = str(tmp_path / "a b").replace(" ", "\\040")
    mounts.write_text(
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        f"23 22 8:2 / {spaced} rw - ext4 /dev/sdb1 rw\n"
        f"24 22 8:3 / {spaced} rw shared:3 - tmpfs shm rw\n"
        f"25 22 8:4 / {tmp_path}/a rw - xfs /dev/sdd1 rw\n"
        "broken\n"
    )
    found = file_system_of(inner / "not" / "there", mounts)
    assert (found.mount, found.kind) == (str(tmp_path / "a b"), "shm, tmpfs")
    assert found.name == f"file system {tmp_path}/a b (shm, tmpfs)"
    assert 0 < found.free <= found.total
    assert not found.read_only
    assert file_system_of(tmp_path, tmp_path / "none").mount == str(tmp_path)


@pytest.mark.parametrize(
    ("number", "found", "said"),
    [
        (errno.ENOSPC, FULL._replace(free=0), "has only 0 bytes of 20.0 GiB left; free space"),
        (errno.ENOSPC, FULL._replace(inodes=0), "has no inodes left; delete small files there"),
        (errno.ENOSPC, FULL, "has only 4.0 KiB of 20.0 GiB left; free space there"),
        (
            errno.ENOSPC,
            FULL._replace(free=9 * GIB),
            "takes no more, though 9.0 GiB are free now; look for a quota",
        ),
        (errno.EDQUOT, FULL, "has a quota that is used up; raise the quota"),
        (errno.EROFS, FULL._replace(read_only=True), "is mounted read-only; see dmesg"),
    ],
)
def test_a_full_disk_is_named(
    monkeypatch: pytest.MonkeyPatch, number: int, found: FileSystem, said: str
) -> None:
    monkeypatch.setattr(file_system, "file_system_of", lambda *_: found)
    line = in_words(OSError(number, "raw", "/var/a"))
    assert line.startswith(f"cannot write /var/a: the file system /var (/dev/sdb1, xfs) {said}")
    assert line.endswith(", then run this again")
    # shutil names the source first
    assert "cannot write /var/b:" in in_words(OSError(number, "raw", "/a", None, "/var/b"))
    assert "Errno" not in in_words(OSError(number, "raw"))


def test_other_errors_keep_their_words() -> None:
    assert in_words(ValueError("no version")) == "no version"
    assert "Permission denied" in in_words(PermissionError(errno.EACCES, "Permission denied"))


def test_sizes_are_easy_to_read() -> None:
    assert [size(one) for one in (0, 2048, 3 * 1024**2, 5 * GIB)] == [
        "0 bytes", "2.0 KiB", "3.0 MiB", "5.0 GiB",
    ]  # fmt: skip


def test_a_write_on_a_full_disk_names_the_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as raised:
        write(tmp_path / "a.conf", b"text")
    assert raised.value.filename == str(tmp_path / "a.conf")
    assert list(tmp_path.iterdir()) == []


def test_a_module_fails_in_words_and_hides_no_fault_of_its_own() -> None:
    said: list[str] = []

    def fail(**result: Any) -> None:
        said.append(result["msg"])

    with failing_in_words(fail):
        raise OSError(errno.ENOSPC, "No space left on device", "/a")
    assert said[0].startswith("cannot write /a: the file system / ")
    with pytest.raises(FileNotFoundError), failing_in_words(fail):
        raise FileNotFoundError(errno.ENOENT, "No such file", "/a")


def test_every_module_that_writes_fails_in_words() -> None:
    modules = {path.stem: path for path in (ROOT / "library").rglob("*.py")}
    assert set(modules) > READ_ONLY
    modules |= {name: ROOT / path for name, path in BY_FUNCTIONS.items()}
    lacking = [
        name
        for name, path in modules.items()
        if name not in READ_ONLY and "in_words(" not in path.read_text()
    ]
    assert not lacking
