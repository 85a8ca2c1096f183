"""Test the check of the disk that gets the engine's image."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.common.commands import CommandResult
from ansible.module_utils.tgi.models.record import Record, to_text
from ansible.module_utils.tgi.preflight import on_host
from ansible.module_utils.tgi.preflight.inventory import host_request

from tests.support.preflight.host_root import as_root, fake_root, request_for

__all__ = ["as_root"]

OLD, NEW = "tgi@sha256:0", "tgi@sha256:1"
HOUSE: dict[str, Any] = {"name": "house", "port": 8090, "gpus": []}


def problems(
    root: Path, monkeypatch: pytest.MonkeyPatch, *models: dict[str, Any], image: str, **more: Any
) -> list[str]:
    def ask(command: Sequence[str]) -> CommandResult:
        there = command[:3] == ["docker", "image", "inspect"] and command[-1] == OLD
        return CommandResult(0, "sha256:1\n") if there else CommandResult(None, "")

    monkeypatch.setattr(f"{on_host.__name__}.commands.ask", ask)
    request = request_for(*models, image=image, docker_data_root="/small/docker", **more)
    return list(on_host.inspect_host(request, root)["problems"])


@pytest.mark.parametrize("deployed", [False, True])
def test_a_full_disk_of_docker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deployed: bool
) -> None:
    root = fake_root(tmp_path)
    if deployed:
        folder = root / "opt/tgi/house"
        folder.mkdir(parents=True)
        (folder / "compose.yaml").write_text("# Written by tgi-ansible\n")
        record = replace(Record("house", "tgi-house", 8090, []), image=NEW)
        (folder / "deployed.json").write_text(to_text(record))
    (line,) = problems(root, monkeypatch, HOUSE, image=NEW, min_free_image_gib=1e6)
    assert (
        line.startswith("file system /") and "GiB free, but the image needs 1e+06 in /sma" in line
    )
    assert line.endswith("or lower preflight_min_free_image_gib")
    assert problems(root, monkeypatch, HOUSE, image=NEW) == []
    assert problems(root, monkeypatch, HOUSE, image=OLD, min_free_image_gib=1e6) == []
    # A gateway alone needs no image
    assert problems(root, monkeypatch, image=NEW, min_free_image_gib=1e6) == []


def test_the_request_says_where_images_will_be() -> None:
    given = {
        "tgi_image": NEW,
        "docker_version": "29.*",
        "docker_data_root": "/srv/docker",
        "preflight_min_free_image_gib": 25,
    }
    asked = host_request(given, ["gpu_hosts"])
    assert (asked.image, asked.docker_data_root, asked.min_free_image_gib) == (
        NEW,
        "/srv/docker",
        25,
    )
    assert asked.images_by_containerd is True
    settings = {"features": {"containerd-snapshotter": False}}
    asked = host_request({**given, "docker_daemon_settings": settings}, ["gpu_hosts"])
    assert asked.images_by_containerd is False
    assert json.dumps(asked.to_options())
