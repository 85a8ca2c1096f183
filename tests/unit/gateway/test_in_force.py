"""Test that a gateway knows which replicas it publishes, also of hosts that are off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible.module_utils.tgi.gateway.in_force import addresses_in_force, read_published


def test_the_addresses_of_the_configuration_in_force(tmp_path: Path) -> None:
    assert read_published(tmp_path) == {}
    releases = tmp_path / "etc/nginx/tgi-gateway"
    for version, port in (("a" * 16, 8081), ("b" * 16, 8082)):
        (releases / version).mkdir(parents=True)
        replicas = [{"name": "gpu2", "address": f"10.0.0.6:{port}"}]
        text = json.dumps([{"name": "small", "replicas": replicas}])
        (releases / version / "backends.json").write_text(text)
        (releases / version / "nginx.conf").write_text("")
    main = tmp_path / "etc/nginx/nginx.conf"
    main.symlink_to(f"/etc/nginx/tgi-gateway/{'b' * 16}/nginx.conf")
    assert read_published(tmp_path) == {"small@gpu2": "10.0.0.6:8082"}
    (releases / ("b" * 16) / "backends.json").write_text("{")
    assert read_published(tmp_path) == {}


def test_a_main_file_edited_by_hand_is_still_in_force(tmp_path: Path) -> None:
    release = tmp_path / "tgi-gateway" / ("a" * 16)
    release.mkdir(parents=True)
    replicas = [{"name": "gpu2", "address": "10.0.0.6:8081"}]
    (release / "backends.json").write_text(json.dumps([{"name": "small", "replicas": replicas}]))
    (release / "nginx.conf").write_text(f"# {release}\n")
    main = tmp_path / "nginx.conf"
    with pytest.raises(FileNotFoundError):
        addresses_in_force(main, release.parent)
    main.symlink_to(release / "nginx.conf")
    assert addresses_in_force(main, release.parent) == {"small@gpu2": ["10.0.0.6:8081"]}
    main.unlink()
    main.write_text(f"# {release}\n")
    assert addresses_in_force(main, release.parent) == {"small@gpu2": ["10.0.0.6:8081"]}
    # One that moves has both addresses
    replicas.insert(0, {"name": "gpu2", "address": "10.0.0.6:9000"})
    (release / "backends.json").write_text(json.dumps([{"name": "small", "replicas": replicas}]))
    both = {"small@gpu2": ["10.0.0.6:9000", "10.0.0.6:8081"]}
    assert addresses_in_force(main, release.parent) == both
