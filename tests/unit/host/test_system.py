"""Test the checks of release, processor and memory on recorded files; disk and clock."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.tgi.common.file_system import FileSystem
from ansible.module_utils.tgi.host import system

from tests.support.platforms import PLATFORMS, recorded

FLAGS = "processor\t: 0\nflags\t\t: fpu sse4_2 avx {}f16c\n\nprocessor\t: 1\n"
MEMINFO = "MemTotal:       16305316 kB\nMemFree:         1000000 kB\n"


def release(name: str, version: str) -> str:
    return f'PRETTY_NAME="{name} {version}"\nNAME="{name}"\nVERSION_ID="{version}"\nID={name}\n'


@pytest.mark.parametrize(
    ("name", "version", "good"),
    [
        ("debian", "12", True),
        ("debian", "13", True),
        ("debian", "11", False),
        ("ubuntu", "22.04", True),
        ("ubuntu", "24.04", True),
        ("ubuntu", "20.04", False),
        ("ubuntu", "22", False),
        ("rocky", "9.6", True),
        ("rocky", "8.10", False),
        ("almalinux", "9", True),
        ("rhel", "9.4", True),
        ("rhel", "10.0", False),
        ("fedora", "9", False),
    ],
)
def test_releases(name: str, version: str, good: bool) -> None:
    found = system.check_release(release(name, version))
    remedy = "use one of Debian 12 and 13, Ubuntu 22.04 and 24.04, RHEL 9, Rocky 9, AlmaLinux 9"
    assert found == ([] if good else [f"operating system is {name} {version}; {remedy}"])


@pytest.mark.parametrize("platform", PLATFORMS)
def test_recorded_systems(platform: str) -> None:
    os_release = recorded(platform)["os_release"]
    assert system.check_release(os_release) == []
    gateway = system.check_release(os_release, gateway=True)
    assert (gateway == []) is (platform in ("debian-12", "debian-13", "ubuntu-24.04"))


def test_a_gateway_needs_njs() -> None:
    (found,) = system.check_release(release("ubuntu", "22.04"), gateway=True)
    assert found == (
        "operating system is ubuntu 22.04, which has no nginx with njs for a gateway; "
        "use one of Debian 12 and 13, Ubuntu 24.04"
    )
    (found,) = system.check_release(recorded("rocky-9")["os_release"], gateway=True)
    assert found == (
        "operating system is Rocky Linux 9.6 (Blue Onyx), on which models can run, but no gateway: "
        "its nginx has no njs; use one of Debian 12 and 13, Ubuntu 24.04"
    )


@pytest.mark.parametrize(
    ("machine", "cpuinfo", "words"),
    [
        ("x86_64", FLAGS.format("avx2 "), ""),
        ("x86_64", FLAGS.format(""), "has no AVX2; TGI would end with signal 4"),
        ("x86_64", "processor: 0\n", ""),
        ("aarch64", FLAGS.format(""), "is aarch64; use an x86_64 host"),
    ],
)
def test_processors(machine: str, cpuinfo: str, words: str) -> None:
    found = system.check_processor(machine, cpuinfo)
    assert (len(found) == 1 and words in found[0]) if words else found == []


def test_memory_and_disk() -> None:
    assert system.check_memory(MEMINFO, 15) == []
    (found,) = system.check_memory(MEMINFO, 16)
    assert found.startswith("memory is 15.5 GiB; ")
    assert system.check_disk("/srv", 50 * 1024**3, 50) == []
    (found,) = system.check_disk("/srv", 49 * 1024**3, 50)
    assert found.startswith("disk has 49.0 GiB free for /srv; free some space")


def test_a_full_file_system_is_refused_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert system.check_room(["/etc", "/not/there"], tmp_path) == []
    root = FileSystem("/", "/dev/sda1, ext4", 2**20, 2**34, 9, False)
    shm = FileSystem("/tmp", "tmpfs, tmpfs", 2**20, 2**21, None, False)
    monkeypatch.setattr(system, "file_system_of", lambda path: shm if str(path) == "/tmp" else root)
    assert system.check_room(["/etc", "/var/lib", "/tmp"]) == [
        "/etc is on the file system / (/dev/sda1, ext4), which has only 1.0 MiB of 16.0 GiB left; "
        "free space there (du -xh -d2 / shows where it went)"
    ]
    root = root._replace(read_only=True)
    assert "mounted read-only" in system.check_room(["/etc"])[0]


def test_free_space_of_what_does_not_exist_yet(tmp_path: Path) -> None:
    assert system.free_space(str(tmp_path / "a" / "b")) > 0


@pytest.mark.parametrize(
    ("host", "skew"), [(105.0, 0.0), (100.0, 0.0), (110.0, 0.0), (170.5, 60.5), (38.0, -62.0)]
)
def test_the_journey_is_no_skew(host: float, skew: float) -> None:
    assert system.clock_skew(host, 100.0, 110.0) == skew
    assert bool(system.check_clock(skew, 60)) == (abs(skew) > 60)
