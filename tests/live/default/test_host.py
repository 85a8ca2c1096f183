"""Check the hosts from inside: firewall, secrets, containers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.live.endpoints import load_endpoints

CONTAINER = "tgi-smollm2-135m-tgi-1"


@pytest.fixture(scope="module")
def container(host: Any) -> dict[str, Any]:
    inspected: list[dict[str, Any]] = json.loads(host.check_output(f"docker inspect {CONTAINER}"))
    return inspected[0]


@pytest.fixture(scope="module")
def secrets(inventory: str) -> list[str]:
    state = load_endpoints(inventory)[0].state
    return [file.read_text() for file in (state / "secrets").iterdir()]


def test_the_gpu_is_given_by_name(container: dict[str, Any]) -> None:
    requests = container["HostConfig"]["DeviceRequests"]
    assert [(one["Driver"], one["DeviceIDs"]) for one in requests] == [
        ("cdi", ["nvidia.com/gpu=0"])
    ]


def test_the_container_sees_that_gpu_alone(host: Any) -> None:
    seen = host.check_output(f"docker exec {CONTAINER} nvidia-smi -L").strip().splitlines()
    assert [line for line in seen if line.startswith("GPU ")] == [
        "GPU 0: NVIDIA L4 (UUID: GPU-51a10000-0000-4000-8000-000000000000)"
    ]


def test_the_container_is_confined(container: dict[str, Any]) -> None:
    config = container["HostConfig"]
    assert config["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in config["SecurityOpt"]
    assert config["RestartPolicy"]["Name"] == "unless-stopped"
    assert container["Config"]["StopTimeout"] > 90
    assert "@sha256:" in container["Config"]["Image"]


def test_engines_listen_on_loopback_only(host: Any) -> None:
    listening = host.check_output("ss -Hltn")
    engines = [line.split()[3] for line in listening.splitlines() if ":808" in line.split()[3]]
    published = [address for address in engines if address.endswith((":8081", ":8082"))]
    assert published
    assert all(address.startswith("127.0.0.1:") for address in published)


def test_secrets_are_for_root_alone(host: Any) -> None:
    files = "/opt/tgi/smollm2-135m/secrets.env"
    assert host.check_output(f"stat -c '%U %a' {files}") == "root 600"


def test_no_key_and_no_prompt_is_left_on_the_host(host: Any, secrets: list[str]) -> None:
    patterns = " ".join(f"-e {word}" for word in [*secrets, "'capital of France'"])
    found = host.run(f"grep -rlF {patterns} /etc/nginx /var/log/nginx /var/lib/nginx /opt/tgi")
    assert found.stdout.strip() == ""


def test_the_engine_outlives_its_daemon_and_logs_in_bounds(host: Any) -> None:
    config = json.loads(host.check_output("cat /etc/docker/daemon.json"))
    assert config["live-restore"] is True
    assert config["log-opts"]["max-size"]


def test_a_new_engine_is_hardened(host: Any, container: dict[str, Any]) -> None:
    """Ask Docker and the kernel, not the file: containers of the default bridge cannot talk to
    each other, and none gains privileges.
    """
    bridge = json.loads(host.check_output("docker network inspect bridge"))[0]
    assert bridge["Options"]["com.docker.network.bridge.enable_icc"] == "false"
    assert "-i docker0 -o docker0 -j DROP" in host.check_output("iptables -S FORWARD")
    image = container["Config"]["Image"]
    look = f"docker run --rm --network none --entrypoint cat {image} /proc/self/status"
    assert "NoNewPrivs:\t1" in host.check_output(look)


def test_the_toolkit_is_pinned(host: Any) -> None:
    policy = host.check_output("apt-cache policy nvidia-container-toolkit")
    assert "Installed: 1.20.0-1" in policy
    assert "1001" in policy
