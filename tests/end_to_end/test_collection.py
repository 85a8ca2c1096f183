"""The collection works outside the checkout: its modules, a role and its documentation."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from collection.build import build
from tests.support.emulator_process import MODEL, running
from tests.support.roots import ROOT

BIN = Path(sys.executable).parent
PREFIX = "tgi.serving."
#: One host that only this test uses.
HOSTS: dict[str, Any] = {
    "hosts_name": "collection",
    "ansible_port": 2251,
    "hosts_suite": "trixie",
}


class Elsewhere:
    """An empty directory with the installed collection and no file of the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        installed = folder / "collections"
        self.environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith("ANSIBLE_")},
            "ANSIBLE_COLLECTIONS_PATH": str(installed),
            "ANSIBLE_NOCOLOR": "1",
            "PATH": f"{BIN}:{os.environ['PATH']}",
        }
        tarball = build(folder / "build")
        install = ["collection", "install", "--offline", "--no-deps", "-p", str(installed)]
        self.run("ansible-galaxy", *install, str(tarball))

    def run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [program, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def play(self, plays: list[dict[str, Any]], *arguments: str) -> str:
        (self.folder / "play.yml").write_text(yaml.safe_dump(plays))
        return self.run("ansible-playbook", "play.yml", *arguments)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    return Elsewhere(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Path]:
    """Create a disposable host, and return its inventory."""
    connection = ROOT / "inventories/sandbox/group_vars/disposable/connection.yml"
    variables = {
        **yaml.safe_load(connection.read_text()),
        **HOSTS,
        "hosts_state_dir": str(tmp_path / "state"),
    }
    inventory = tmp_path / "hosts.yml"
    group = {"hosts": {"one": None}, "vars": variables}
    inventory.write_text(yaml.safe_dump({"all": {"children": {"disposable": group}}}))
    for playbook in ("destroy", "create"):
        sandbox(playbook, inventory)
    yield inventory
    sandbox("destroy", inventory)


def sandbox(playbook: str, inventory: Path) -> None:
    done = subprocess.run(
        [BIN / "ansible-playbook", "-i", inventory, f"tests/sandbox/{playbook}.yml"],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_tgi_check_proves_a_model_by_its_full_name(elsewhere: Elsewhere) -> None:
    with running() as server:
        model = {"name": "house", "model_id": MODEL, "port": int(server.url.rsplit(":", 1)[1])}
        options = {"view": "direct", "models": [model], "checks": ["health", "generate.basic"]}
        said = elsewhere.play(
            [
                {
                    "hosts": "localhost",
                    "gather_facts": False,
                    "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
                    "tasks": [
                        {f"{PREFIX}tgi_check": options, "register": "found"},
                        {"ansible.builtin.debug": {"msg": "{{ found.summary.verdict }}"}},
                    ],
                }
            ]
        )
    assert '"msg": "passed"' in said


def test_the_role_docker_runs_by_its_full_name(elsewhere: Elsewhere, host: Path) -> None:
    play = {"hosts": "one", "roles": [f"{PREFIX}docker"], "vars": {"docker_source": "distro"}}
    said = elsewhere.play([play], "-i", str(host), "--check")
    assert "TASK [tgi.serving.docker : Keep Docker's apt repository" in said
    assert re.search(r"changed=[1-9]\d* +unreachable=0 +failed=0", said), said


def test_the_preflight_refuses_an_inventory_by_its_full_name(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """Its action plugin reads the specifications of all roles, by their place in the collection."""
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("gpu_hosts: {hosts: {here: {ansible_connection: local, tgi_modles: 1}}}")
    tasks = [{f"{PREFIX}tgi_preflight": {}, "register": "found", "ignore_errors": True}]
    plays = [{"hosts": "gpu_hosts", "gather_facts": False, "tasks": tasks}]
    said = elsewhere.play(plays, "-i", str(inventory))
    assert "tgi_modles" in said
    assert "tgi_models" in said


def test_ansible_doc_renders_every_module(elsewhere: Elsewhere) -> None:
    modules = sorted(f"{PREFIX}{path.stem}" for path in (ROOT / "library").rglob("*.py"))
    documented = json.loads(elsewhere.run("ansible-doc", "--json", *modules))
    assert sorted(documented) == modules
    assert all(one["doc"]["short_description"] for one in documented.values())
    # From the fragment that tgi_check shares with tgi_plan and others
    assert "url" in documented[f"{PREFIX}tgi_check"]["doc"]["options"]
