"""Disposable hosts that lose their network, and the inventory that names them before and after."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.support.hub.weight_sites import REVISION
from tests.support.playbook import ansible_playbook
from tests.support.roots import ROOT

PREFIX = "tgi-air-gap"
INSIDE = f"{PREFIX}-inside"
#: Host -> its last number in both networks
HOSTS = {"gpu1": 11, "edge1": 21}
MODELS = ("acme/scribe", "acme/clerk")
_SANDBOX = ROOT / "inventories/sandbox/group_vars"
_EMULATED = {"TGI_EMULATOR_TEXT": "scripted", "TGI_EMULATOR_TOKEN_SECONDS": "0.005"}


def shell(*command: str, check: bool = True) -> str:
    """Return what a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


class AirGap:
    """Two hosts and a mirror that stands for the internet; ``cut`` takes the hosts away from it."""

    def __init__(self, place: Path, hub: str) -> None:
        self.state, self.inventory = place / "state", place / "inventory"
        (self.inventory / "group_vars").mkdir(parents=True)
        for group in ("disposable", "all"):
            (self.inventory / "group_vars" / group).symlink_to(_SANDBOX / group)
        self.inside = False
        self._hub, self._mirror = hub, "127.0.0.1"
        self._registry = "127.0.0.1:5000"
        self._write()

    def create(self) -> None:
        """Start hosts and mirror."""
        done = self.play("tests/sandbox/create.yml")
        assert done.returncode == 0, done.stdout + done.stderr
        address = f'{{{{(index .NetworkSettings.Networks "{PREFIX}").IPAddress}}}}'
        self._mirror = shell("docker", "inspect", "--format", address, f"{PREFIX}-mirror")
        self._registry = shell("docker", "port", f"{PREFIX}-mirror", "5000/tcp").splitlines()[0]
        self._write()

    def cut(self) -> None:
        """Leave the hosts a network with this machine alone."""
        shell("docker", "network", "create", "--internal", "--subnet", "10.234.0.0/24", INSIDE)
        for host, number in HOSTS.items():
            name = f"{PREFIX}-{host}"
            shell("docker", "network", "connect", "--ip", f"10.234.0.{number}", INSIDE, name)
            shell("docker", "network", "disconnect", PREFIX, name)
            # Docker before 28 gives an internal network a default route and drops what takes it
            self.on(host, "ip route delete default 2>/dev/null")
        shell("docker", "rm", "--force", "--volumes", f"{PREFIX}-mirror")
        self.inside = True
        self._write()

    def destroy(self) -> None:
        """Remove all of it."""
        self.play("tests/sandbox/destroy.yml")
        shell("docker", "network", "rm", INSIDE, check=False)

    def play(self, *words: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Run a playbook on the hosts."""
        return ansible_playbook("-i", str(self.inventory), *words, timeout=timeout)

    def on(self, host: str, command: str) -> str:
        """Return what a shell on a host prints."""
        return shell("docker", "exec", f"{PREFIX}-{host}", "sh", "-c", command, check=False)

    def _write(self) -> None:
        hosts = {name: self._host(number) for name, number in HOSTS.items()}
        everything = {
            "children": {
                "gpu_hosts": {"hosts": {"gpu1": None}, "vars": self._gpu_hosts()},
                "gateways": {"hosts": {"edge1": None}, "vars": self._gateways()},
                "disposable": {
                    "hosts": hosts,
                    "vars": {
                        "hosts_name": PREFIX.removeprefix("tgi-"),
                        "hosts_state_dir": str(self.state),
                        "hosts_subnet": "10.233.0.0/24",
                    },
                },
            }
        }
        text = yaml.safe_dump({"all": everything}, sort_keys=False)
        (self.inventory / "hosts.yml").write_text(text)

    def _host(self, number: int) -> dict[str, Any]:
        port = 2260 + number // 10
        there = {"ansible_host": f"10.234.0.{number}", "ansible_port": 22}
        return {
            "hosts_suite": "trixie",
            "hosts_address": f"10.233.0.{number}",
            "ansible_port": port,
            "ansible_ssh_extra_args": f"-o HostKeyAlias=[127.0.0.1]:{port}",
            **({"hosts_gpus": "l4x2"} if number == HOSTS["gpu1"] else {}),
            **(there if self.inside else {}),
        }

    def _gpu_hosts(self) -> dict[str, Any]:
        image, key = self._state("image"), self._state("nvidia.fingerprint")
        name = image.partition("/")[2]
        models = [
            {"name": one.partition("/")[2], "model_id": one, "revision": REVISION,
             "max_input_tokens": 1024, "max_total_tokens": 2048}
            for one in MODELS
        ]  # fmt: skip
        return {
            "docker_source": "distro",
            "docker_insecure_registries": [self._registry],
            "nvidia_container_toolkit_apt_uri": f"http://{self._mirror}/nvidia/$(ARCH)",
            "nvidia_container_toolkit_apt_key": f"http://{self._mirror}/nvidia/gpgkey",
            "nvidia_container_toolkit_apt_key_fingerprint": key,
            "tgi_image": f"{self._registry}/{name}",
            "tgi_bind_address": f"10.234.0.{HOSTS['gpu1']}",
            # The Hub of the test is on loopback, which is another one inside
            "tgi_environment": {**_EMULATED, **({} if self.inside else {"HF_ENDPOINT": self._hub})},
            "tgi_models": models,
            "rollout_steady_seconds": 1,
        }

    def _gateways(self) -> dict[str, Any]:
        text = (_SANDBOX / "gateways/gateway.yml").read_text()
        own = {"checks_connect_to": f"10.234.0.{HOSTS['edge1']}"}
        return {**yaml.safe_load(text), **own}

    def _state(self, name: str) -> str:
        path = self.state / name
        return path.read_text() if path.exists() else "none"


def changes(said: str) -> dict[str, str]:
    """Return host -> what the recap of a run says of it."""
    recap: Sequence[str] = said.partition("PLAY RECAP")[2].splitlines()
    return {line.split()[0]: line for line in recap if "changed=" in line}
