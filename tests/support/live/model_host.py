"""A disposable host with recorded GPUs, and a hub on this machine that it fetches from."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.tgi.catalogue.entries import find_entry, read_catalogue

from tests.support.hub.catalogue_hub import repository_of
from tests.support.hub.local_hub import LocalHub, local_hub
from tests.support.live.planted import commands_watched
from tests.support.playbook import ansible_playbook
from tests.support.roots import ROOT

HOST = "gpu1"
CONTAINER = f"tgi-models-{HOST}"
#: The bridge of the host's network has the first address
_SUBNET, _BRIDGE = "10.233.0.0/24", "10.233.0.1"
_GATEWAY = {"gateway_http_port": 18061, "gateway_https_port": 18461}
_NAMES = ("hub.test", "storage.test")
_EMULATED = {"TGI_EMULATOR_TEXT": "scripted", "TGI_EMULATOR_TOKEN_SECONDS": "0.005"}
TOKEN = "hf_PlantedTokenOfThisTestThatNobodyMaySee"


@dataclass
class ModelHost:
    """The host; ``said`` is all that its runs printed, ``commands`` those that held a secret."""

    hub: LocalHub
    folder: Path
    models: list[dict[str, Any]]
    said: list[str] = field(default_factory=list)
    commands: set[str] = field(default_factory=set)

    @property
    def inventory(self) -> str:
        return str(self.folder / "inventory")

    @property
    def secrets(self) -> list[str]:
        """Return the Hub's token and the keys of the gateway."""
        keys = self.folder / "state" / "secrets"
        return [TOKEN, *(path.read_text() for path in sorted(keys.iterdir()))]

    def play(self, playbook: str, *words: str, **more: Any) -> str:
        """Run a playbook with all that it can print, and keep its facts; return what it said."""
        hub = {"HF_ENDPOINT": self.hub.endpoint, **_EMULATED}
        given = json.dumps({"tgi_models": self.models, "tgi_environment": hub, **more})
        options = ["-i", self.inventory, playbook, "-vvv", "--diff", *words, "-e", given]
        with commands_watched(self.secrets, self.commands):
            done = ansible_playbook(
                *options,
                timeout=600,
                ANSIBLE_CACHE_PLUGIN="ansible.builtin.jsonfile",
                ANSIBLE_CACHE_PLUGIN_CONNECTION=f"{self.folder}/facts",
                ANSIBLE_CALLBACKS_ENABLED="ansible.posix.profile_tasks",
                PROFILE_TASKS_TASK_OUTPUT_LIMIT="all",
            )
        self.said.append(done.stdout + done.stderr)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, command: str, given: str = "") -> str:
        """Run a shell command on the host; raise CalledProcessError."""
        call = ["docker", "exec", "-i", CONTAINER, "sh", "-ec", command]
        done = subprocess.run(call, check=True, capture_output=True, text=True, input=given)
        return done.stdout


@contextmanager
def model_host(folder: Path, gpus: str, models: list[dict[str, Any]]) -> Iterator[ModelHost]:
    """Create the host and the hub, with the repositories of the models; end both."""
    own = {
        "hosts_suite": "trixie", "hosts_gpus": gpus, "ansible_port": 2261,
        "hosts_publish": [f"127.0.0.1:{port}:{port}" for port in _GATEWAY.values()],
        "tgi_weights": "host", "tgi_hf_token": TOKEN, **_GATEWAY,
    }  # fmt: skip
    shared = {
        "hosts_name": CONTAINER.split("-")[1], "hosts_subnet": _SUBNET,
        "hosts_state_dir": str(folder / "state"),
    }  # fmt: skip
    groups: dict[str, Any] = {name: {"hosts": {HOST: None}} for name in ("gpu_hosts", "gateways")}
    groups["disposable"] = {"vars": shared, "hosts": {HOST: own}}
    inventory = folder / "inventory"
    inventory.mkdir()
    inventory.joinpath("hosts.yml").write_text(yaml.safe_dump({"all": {"children": groups}}))
    inventory.joinpath("group_vars").symlink_to(ROOT / "inventories" / "sandbox" / "group_vars")
    try:
        for name in ("destroy", "create"):
            _sandbox(name, inventory)
        with local_hub(_BRIDGE) as hub:
            hub.host, hub.tokens = _NAMES[0], {TOKEN}
            hub.faults.storage_at = f"http://{_NAMES[1]}:{hub.port}"
            for model in models:
                entry = find_entry(model["name"], read_catalogue())
                assert entry
                hub.repositories[entry.id] = repository_of(entry, TOKEN)
            found = ModelHost(hub, folder, models)
            found.run(f"echo {_BRIDGE} {' '.join(_NAMES)} >> /etc/hosts")
            yield found
    finally:
        _sandbox("destroy", inventory)


def _sandbox(name: str, inventory: Path) -> None:
    done = ansible_playbook("-i", str(inventory), f"tests/sandbox/{name}.yml", timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
