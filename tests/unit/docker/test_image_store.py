"""Test where Docker keeps its images, with and without an engine that answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.common.commands import CommandResult
from ansible.module_utils.tgi.docker.image_store import (
    address_pools,
    has_image,
    image_directory,
    leaves_images_to_containerd,
)

OVERLAY = '/var/lib/docker [["Backing Filesystem","extfs"],["Supports d_type","true"]]\n'
SNAPSHOTTER = '/data/docker [["driver-type","io.containerd.snapshotter.v1"]]\n'


@pytest.mark.parametrize(
    ("version", "features", "found"),
    [
        ("29.*", None, True),
        ("5:29.1.2-1", None, True),
        ("28.*", None, False),
        ("5:26.1.5-1", None, False),
        ("", None, False),
        ("29.*", {"containerd-snapshotter": False}, False),
        ("28.*", {"containerd-snapshotter": True}, True),
        ("29.*", {"cdi": True, "containerd-snapshotter": "odd"}, True),
        ("30.0.*", "odd", True),
    ],
)
def test_who_keeps_the_images_of_a_new_engine(version: str, features: Any, found: bool) -> None:
    assert leaves_images_to_containerd(version, features) is found


@pytest.mark.parametrize(
    ("info", "config", "data_root", "by_containerd", "found"),
    [
        # No engine yet
        (None, None, "", False, "/var/lib/docker"),
        (None, None, "/srv/docker", False, "/srv/docker"),
        (None, {"data-root": "/old"}, "", False, "/old"),
        (None, {"data-root": "/old"}, "/srv/docker", False, "/srv/docker"),
        (None, None, "/srv/docker", True, "/big/containerd"),
        (None, {"features": {"containerd-snapshotter": False}}, "", True, "/var/lib/docker"),
        (None, {"features": {"containerd-snapshotter": True}}, "", False, "/big/containerd"),
        (None, "{", "", False, "/var/lib/docker"),
        # An engine that answers
        (OVERLAY, {"data-root": "/odd"}, "", True, "/var/lib/docker"),
        (OVERLAY, None, "/srv/docker", True, "/srv/docker"),
        (SNAPSHOTTER, None, "", False, "/big/containerd"),
        (SNAPSHOTTER, None, "/srv/docker", False, "/big/containerd"),
    ],
)
def test_the_directory_of_images(
    tmp_path: Path, info: str | None, config: Any, data_root: str, by_containerd: bool, found: str
) -> None:
    (tmp_path / "etc/docker").mkdir(parents=True)
    (tmp_path / "etc/containerd").mkdir()
    (tmp_path / "etc/containerd/config.toml").write_text('version = 3\nroot = "/big/containerd"\n')
    if config is not None:
        text = config if isinstance(config, str) else json.dumps(config)
        (tmp_path / "etc/docker/daemon.json").write_text(text)
    answer = CommandResult(None, "") if info is None else CommandResult(0, info)
    assert image_directory(tmp_path, data_root, by_containerd, lambda _: answer) == found


@pytest.mark.parametrize("text", ["", "#root = '/x'\n[plugins]\n  root = '/y'\n"])
def test_containerd_has_a_directory_of_its_own(tmp_path: Path, text: str) -> None:
    (tmp_path / "etc/containerd").mkdir(parents=True)
    (tmp_path / "etc/containerd/config.toml").write_text(text)
    found = image_directory(tmp_path, "", True, lambda _: CommandResult(None, ""))
    assert found == "/var/lib/containerd"


def test_an_image_that_is_there() -> None:
    asked: list[Sequence[str]] = []

    def ask(command: Sequence[str]) -> CommandResult:
        asked.append(command)
        return CommandResult(0 if command[-1] == "there" else 1, "")

    assert has_image("there", ask) and not has_image("away", ask)
    assert asked[0][:3] == ["docker", "image", "inspect"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("{", ()),
        ('{"default-address-pools": [{"base": "10.213.0.0/16", "size": 24}]}', ("10.213.0.0/16",)),
        ('{"default-address-pools": [{"base": "fd00::/48", "size": 64}, 5, {}]}', ()),
        ('{"default-address-pools": null}', ()),
    ],
)
def test_the_networks_of_containers(tmp_path: Path, text: str, found: tuple[str, ...]) -> None:
    (tmp_path / "etc/docker").mkdir(parents=True)
    (tmp_path / "etc/docker/daemon.json").write_text(text)
    assert address_pools(tmp_path) == found
