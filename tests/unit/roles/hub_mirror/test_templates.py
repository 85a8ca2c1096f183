"""Test what the role writes for nginx and systemd; tests/live/default fetches from it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.playbook import ansible_playbook
from tests.support.roots import ROOT

ROLE = ROOT / "roles" / "hub_mirror"
SECURE = {
    "hub_mirror_address": "fd00::9",
    "hub_mirror_certificate": "/pki/chain.pem",
    "hub_mirror_allowed": ["fd00::/64"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with two configurations, written by Ansible as the role does."""
    path = tmp_path_factory.mktemp("mirror")
    places = {"__hub_mirror_state": str(path), "__hub_mirror_seen": str(path / "run/hub")}
    plain = {"hub_mirror_address": "127.0.0.1", "hub_mirror_allowed": ["192.0.2.0/24"]}
    tasks = [
        {
            "ansible.builtin.template": {
                "src": str(ROLE / "templates" / source),
                "dest": str(path / target),
            },
            "vars": {**places, **given},
        }
        for source, target, given in (
            ("nginx.conf.j2", "nginx.conf", plain),
            ("nginx.conf.j2", "secure.conf", SECURE),
            ("tgi-hub-mirror.service.j2", "unit", {"hub_mirror_cache_dir": "/var/lib/tgi/hub"}),
        )
    ]
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [str(ROLE / "defaults/main.yml"), str(ROLE / "vars/main.yml")],
        "tasks": tasks,
    }
    (path / "play.yml").write_text(json.dumps([play]))
    done = ansible_playbook(str(path / "play.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    return path


def directives(path: Path) -> list[str]:
    """Return the lines of a configuration without blanks around them."""
    return [line.strip() for line in path.read_text().splitlines()]


def test_only_those_that_are_allowed_and_the_host_itself_get_in(folder: Path) -> None:
    lines = directives(folder / "nginx.conf")
    doors = [line for line in lines if line.startswith(("allow", "deny", "listen"))]
    assert doors[1:] == [
        "allow 192.0.2.0/24;",
        "allow 127.0.0.1;",
        "allow ::1;",
        "allow 127.0.0.1;",
        "deny all;",
    ]
    assert not [line for line in lines if "ssl" in line]


def test_with_a_certificate_nothing_is_plain(folder: Path) -> None:
    lines = directives(folder / "secure.conf")
    (listen,) = [line for line in lines if line.startswith("listen")]
    assert re.fullmatch(r"listen \[fd00::9\]:\d+ ssl;", listen)
    assert "ssl_certificate /etc/tgi-hub-mirror/certificate.pem;" in lines
    assert "ssl_certificate_key /etc/tgi-hub-mirror/key.pem;" in lines


def test_the_service_sees_the_cache_below_a_closed_directory(folder: Path) -> None:
    unit = directives(folder / "unit")
    assert f"BindReadOnlyPaths=/var/lib/tgi/hub:{folder}/run/hub" in unit
    assert "ProtectSystem=strict" in unit
    # Tested before it starts, and before a reload
    test = "/usr/sbin/nginx -t -q -c /etc/tgi-hub-mirror/nginx.conf"
    assert [line for line in unit if line.endswith(test)] == [
        f"ExecStartPre={test}",
        f"ExecReload={test}",
    ]
