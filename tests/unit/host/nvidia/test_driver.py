"""Test what the driver's role installs on each system, and how a host's driver is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible.module_utils.tgi.common.commands import CommandResult
from ansible.module_utils.tgi.host.nvidia.driver import Machine
from ansible.module_utils.tgi.host.nvidia.driver_failure import explain
from ansible.module_utils.tgi.host.nvidia.kernels import flavours, mirror, offered

from tests.support.platforms import DNF, value

DEBIAN = ["libcuda1", "nvidia-smi", "nvidia-persistenced"]
STATE = {"kernel": "6.1.0-28-amd64", "flavours": ["amd64"]}
UBUNTU = {"kernel": "6.8.0-45-generic", "flavours": ["generic-hwe-24.04"]}


def packages(platform: str, state: dict[str, Any], **more: Any) -> list[str]:
    more = {"__nvidia_driver_state": state, **more}
    found: list[str] = value("nvidia_driver", platform, "__nvidia_driver_packages", **more)
    return found


@pytest.mark.parametrize("platform", ["debian-12", "debian-13"])
def test_debians_driver(platform: str) -> None:
    headers = ["linux-headers-6.1.0-28-amd64", "linux-headers-amd64"]
    assert packages(platform, STATE) == ["nvidia-kernel-dkms", *DEBIAN, *headers]
    assert packages(platform, STATE, nvidia_driver_module="open") == [
        "nvidia-open-kernel-dkms",
        *DEBIAN,
        *headers,
    ]


@pytest.mark.parametrize("platform", ["ubuntu-22.04", "ubuntu-24.04"])
def test_ubuntus_driver(platform: str) -> None:
    assert packages(platform, UBUNTU) == [
        "nvidia-headless-no-dkms-580-server-open",
        "nvidia-utils-580-server",
        "linux-modules-nvidia-580-server-open-6.8.0-45-generic",
        "linux-modules-nvidia-580-server-open-generic-hwe-24.04",
    ]
    more = {"nvidia_driver_branch": "535", "nvidia_driver_module": "proprietary"}
    assert packages(platform, {**UBUNTU, "flavours": []}, **more) == [
        "nvidia-headless-no-dkms-535-server",
        "nvidia-utils-535-server",
        "linux-modules-nvidia-535-server-6.8.0-45-generic",
    ]


@pytest.mark.parametrize("platform", DNF)
def test_red_hats_relatives_have_none_of_their_own(platform: str) -> None:
    assert packages(platform, {"kernel": "5.14.0", "flavours": []}) == []
    own = ["nvidia-driver-cuda", "kmod-nvidia-open-dkms"]
    assert packages(platform, STATE, nvidia_driver_packages=own) == own


def test_the_kernels_that_a_host_follows() -> None:
    said = """\
linux-image-6.1.0-28-amd64 installed
linux-image-6.1.0-21-amd64 config-files
linux-image-amd64 installed
linux-image-amd64-dbg installed
linux-image-cloud-amd64 not-installed
linux-image-generic-hwe-24.04 installed
linux-image-unsigned-6.8.0-45-generic installed
"""
    assert flavours(lambda _: CommandResult(0, said)) == ["amd64", "generic-hwe-24.04"]
    assert flavours(lambda _: CommandResult(None, "")) == []


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("nvidia-smi:\n  Installed: (none)\n  Candidate: 535.261.03-1\n", True),
        ("nvidia-smi:\n  Installed: (none)\n  Candidate: (none)\n", False),
        ("", False),
    ],
)
def test_what_apt_could_install(said: str, known: bool) -> None:
    assert offered("nvidia-smi", lambda _: CommandResult(0, said)) is known


def test_the_mirror_of_a_hosts_release() -> None:
    asked: list[Sequence[str]] = []

    def ask(command: Sequence[str]) -> CommandResult:
        asked.append(command)
        return CommandResult(
            0, "http://mirror.example.org/debian/\nhttp://other.example.org/debian/\n"
        )

    assert mirror("bookworm", ask) == "http://mirror.example.org/debian/"
    assert "Codename: bookworm" in asked[0]
    assert mirror("bookworm", lambda _: CommandResult(0, "")) == ""


def test_the_reason_names_what_was_seen() -> None:
    asked: list[Sequence[str]] = []

    def ask(command: Sequence[str]) -> CommandResult:
        asked.append(command)
        return CommandResult(1, "")

    answer = CommandResult(
        9, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."
    )
    line = explain(answer, Machine(secure_boot=True), "a driver", ask)
    assert "Secure Boot is on, and the module is not signed" in line
    assert asked == [["modinfo", "-F", "signer", "nvidia"]]
