"""Test that Ansible brings a host its part of a bundle, once, and says what the bundle lacks."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.bundle.small_bundle import ENTRY, small_bundle
from tests.support.playbook import ansible_playbook

PLAY = """
- hosts: host
  gather_facts: false
  tasks:
    - tgi_bundle_files:
        bundle: "{{ made }}"
        directory: "{{ there }}"
        system: "{{ system | default('debian-13') }}"
        image: "{{ image }}"
        models: ["{{ model }}"]
      register: found
    - debug: {var: found}
"""


class Site:
    """A bundle, a directory as the host's, and the play."""

    def __init__(self, tmp_path: Path) -> None:
        self.there, self.play = tmp_path / "host/bundle", tmp_path / "play.yml"
        self.there.parent.mkdir()
        self.play.write_text(PLAY)
        image = small_bundle(tmp_path / "made")
        self.given = {
            "ansible_python_interpreter": sys.executable,
            "made": str(tmp_path / "made"),
            "there": str(self.there),
            "image": image,
        }

    def run(self, *words: str, **more: str) -> tuple[int, str]:
        values = json.dumps({**self.given, "model": ENTRY, **more})
        inventory = ["-i", "host,", "-e", "ansible_connection=local"]
        done = ansible_playbook(*inventory, "-e", values, *words, str(self.play))
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_host_gets_its_part_and_a_second_run_nothing(site: Site) -> None:
    code, said = site.run("--check")
    assert code == 0, said
    assert "changed=1" in said
    assert not site.there.exists()
    code, said = site.run()
    assert code == 0, said
    names = {one.relative_to(site.there).parts[0] for one in site.there.rglob("*")}
    assert names == {"apt", "images", "weights", "apt.conf", "sources.d", ".proven.json"}
    code, said = site.run()
    assert code == 0, said
    assert "changed=0" in said
    assert "brought: []" in said


def test_what_the_bundle_lacks_is_said_before_anything_comes(site: Site) -> None:
    code, said = site.run(system="debian-12")
    assert code == 2
    assert "The bundle does not have all that this host needs; nothing was changed" in said
    assert "- the host has debian-12, and the bundle packages for debian-13" in said
    assert not site.there.exists()
