"""Check by engine and kernel, not by files, that what docs/docker-bench.md says is in force."""

from __future__ import annotations

import pytest

from tests.support.live.gpu_hosts import BYSTANDER, CONTAINERS, PORTS, Machine

MODELS = [name for name in CONTAINERS if name != BYSTANDER]


def test_what_the_daemon_runs_with(machine: Machine) -> None:
    info = machine.json("docker info --format '{{json .}}'")
    assert info["LiveRestoreEnabled"] is True
    assert info["LoggingDriver"] == "local"
    assert info["Swarm"]["LocalNodeState"] == "inactive"
    assert info["ExperimentalBuild"] is False
    assert "name=seccomp,profile=builtin" in info["SecurityOptions"]


def test_an_engine_in_use_is_left_as_it_is(machine: Machine) -> None:
    """Foreign containers may talk to each other, and gain privileges, as they could before."""
    address = machine.inspect(BYSTANDER)["NetworkSettings"]["IPAddress"]
    image = machine.inspect(MODELS[0])["Config"]["Image"]
    get = f"--entrypoint curl {image} -fsS -m 3 -o /dev/null http://{address}/bin/busybox"
    machine.run(f"docker run --rm --network bridge {get}")
    look = "docker run --rm --network none bystander /bin/busybox cat /proc/self/status"
    status = machine.run(look)
    assert "NoNewPrivs:\t0" in status


def test_who_may_talk_to_the_daemon(machine: Machine) -> None:
    assert machine.run("stat -c '%U:%G %a' /var/run/docker.sock") == "root:docker 660\n"
    assert machine.run("getent group docker").strip().rpartition(":")[2] == ""
    listening = machine.run("ss -Hltnp")
    assert "dockerd" not in listening


def test_files_of_the_daemon_are_for_root_to_write(machine: Machine) -> None:
    found = machine.run("find /etc/docker ! -user root -o -perm /022 -o ! -group root")
    assert found == ""


@pytest.mark.parametrize("name", MODELS)
def test_what_a_model_is_confined_to(machine: Machine, name: str) -> None:
    container = machine.inspect(name)
    host = container["HostConfig"]
    assert host["Privileged"] is False
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["PidsLimit"] > 0
    assert [host[f"{kind}Mode"] for kind in ("Pid", "UTS", "Userns")] == ["", "", ""]
    assert host["IpcMode"] in ("private", "shareable")
    assert host["NetworkMode"] == f"{name.removesuffix('-tgi-1')}_default"
    assert {bind["HostIp"] for binds in host["PortBindings"].values() for bind in binds} == {
        "127.0.0.1"
    }
    repository = f"models--acme--{name.removeprefix('tgi-').removesuffix('-tgi-1')}"
    assert sorted(mount["Destination"] for mount in container["Mounts"]) == [
        "/data",
        f"/data/hub/.locks/{repository}",
        f"/data/hub/{repository}",
    ]
    assert container["Config"]["Healthcheck"]["Test"][0] == "CMD"
    assert "@sha256:" in container["Config"]["Image"]


@pytest.mark.parametrize("name", MODELS)
def test_what_the_kernel_holds_a_model_to(machine: Machine, name: str) -> None:
    process = machine.inspect(name)["State"]["Pid"]
    status = machine.run(f"cat /proc/{process}/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    assert int(fields["CapEff"], 16) == 0
    assert int(fields["CapBnd"], 16) == 0


def test_nothing_is_broken_by_it(machine: Machine) -> None:
    for model in PORTS:
        assert "Paris" in machine.answers(model)
