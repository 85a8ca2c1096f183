"""Test the check of a whole host, and of the programs that listen on its ports."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.common.commands import CommandResult, ask
from ansible.module_utils.tgi.host import firewall
from ansible.module_utils.tgi.host.nvidia.gpus import QUERY
from ansible.module_utils.tgi.host.ports import DOCKER
from ansible.module_utils.tgi.models.record import SCHEMA, Record, to_text
from ansible.module_utils.tgi.preflight import on_host
from ansible.module_utils.tgi.preflight.host_request import PortRequest
from ansible.module_utils.tgi.preflight.inventory import host_request
from ansible.module_utils.tgi.rollout.holder import Holder
from ansible.module_utils.tgi.rollout.lock import hold

from tests.support.preflight.host_root import (
    as_root,
    fake_root,
    release,
    request_for,
)

__all__ = ["as_root"]


@pytest.mark.parametrize("edited", [False, True])
def test_the_certificate_that_a_gateway_serves(tmp_path: Path, edited: bool) -> None:
    root, directory = fake_root(tmp_path), tmp_path / "etc/nginx/tgi-gateway/0123456789abcdef"
    directory.mkdir(parents=True)
    assert on_host.inspect_host(request_for(), root)["certificate"] == ""
    (directory / "nginx.conf").write_text(f"ssl_certificate {directory}/tls.crt;\n")
    (directory / "tls.crt").write_text("certificate\n")
    link = tmp_path / "etc/nginx/nginx.conf"
    if edited:
        link.write_text((directory / "nginx.conf").read_text())
    else:
        link.symlink_to(directory / "nginx.conf")
    assert on_host.inspect_host(request_for(), root)["certificate"] == "certificate\n"
    assert on_host.inspect_host(request_for(gateway_config=""), root)["certificate"] == ""


HOUSE = {"name": "house", "port": 8081, "gpus": []}


def deploy(root: Path, name: str, port: int) -> None:
    folder = root / "opt/tgi" / name
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text("# Written by tgi-ansible\n")
    (folder / "deployed.json").write_text(to_text(Record(name, f"tgi-{name}", port, [])))


@pytest.mark.parametrize("program", DOCKER)
@pytest.mark.parametrize(
    ("deployed", "port", "starts"),
    [
        ({}, 8081, ["port 8081 is taken by {} (pid 42)"]),
        ({"house": 8081}, 8081, []),
        # The model with this port was renamed: the role stops the old container first
        ({"old": 8081}, 8081, []),
        # The user put a model before a deployed one, which moves that to the next port
        ({"other": 8081}, 8081, ["port 8081 is published by the deployed model other; write"]),
        ({"house": 8090}, 8081, ["port 8081 is taken by {} (pid 42)"]),
    ],
)
def test_a_port_that_docker_publishes(
    tmp_path: Path, program: str, deployed: dict[str, int], port: int, starts: list[str]
) -> None:
    root = fake_root(tmp_path, program)
    for name, its in deployed.items():
        deploy(root, name, its)
    models = [{**HOUSE, "port": port}, {**HOUSE, "name": "other", "port": port + 1}]
    found = on_host.inspect_host(request_for(*models), root)["problems"]
    assert len(found) == len(starts)
    assert all(
        line.startswith(start.format(program)) for line, start in zip(found, starts, strict=True)
    )


def test_a_host_that_runs_the_model_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = fake_root(tmp_path)
    deploy(root, "house", 8081)
    (root / "opt/tgi/other").mkdir()
    (root / "etc/nginx/tgi-gateway").mkdir(parents=True)
    (root / "etc/systemd/system").mkdir(parents=True)
    (root / "etc/systemd/system/tgi-fence.service").touch()
    (root / "etc/tgi-fence").mkdir()
    closed = firewall.files("/etc/tgi-fence", "10.0.0.5", [("10.0.0.5", 8081)], ["10.0.0.9"])
    (root / "etc/tgi-fence/rules").write_text(closed["rules"])
    monkeypatch.setattr(f"{on_host.__name__}.importlib.util.find_spec", lambda name: name)
    # The running models themselves fill the disk
    answer = on_host.inspect_host(request_for(HOUSE, min_free_disk_gib=1e9), root)
    assert answer["problems"] == []
    (model,) = answer["facts"].pop("models")
    assert (model["name"], model["port"], model["gpus"]) == ("house", 8081, [])
    assert "environment" not in model
    assert answer["facts"] == {
        "gpus": [],
        "driver_version": None,
        "cdi": [],
        "deployed": ["house"],
        "gateway": True,
        "address": "10.0.0.5",
        "addresses": ["10.0.0.5"],
        "published": {},
        "drained": [],
        "firewall_sources": ["10.0.0.9/32"],
        "ports_closed": True,
        "firewall_holds": False,
        "comes_back": False,
        "checks_ready": True,
    }
    assert answer["clock"] > 0


def test_a_model_that_leaves_the_list_moves_no_other(tmp_path: Path) -> None:
    root = fake_root(tmp_path)
    for place, name in enumerate("abc"):
        deploy(root, name, 8081 + place)
    rest: list[dict[str, Any]] = [{"name": name, "gpus": []} for name in "bc"]
    answer = on_host.inspect_host(request_for(*rest), root)
    assert answer["problems"] == []
    assert [model["port"] for model in answer["facts"]["models"]] == [8082, 8083]
    rest[1]["port"] = 8082
    lines = on_host.inspect_host(request_for(*rest), root)["problems"]
    assert lines[-1].startswith("port 8082 is published by the deployed model b")


def test_only_marked_projects_are_ours(tmp_path: Path) -> None:
    root = fake_root(tmp_path)
    for name in ("house", "elsewhere"):
        deploy(root, name, 8081)
        path = root / "opt/tgi" / name / "compose.yaml"
        path.write_text("name: tgi-x\n" + path.read_text())
    answer = on_host.inspect_host(request_for(HOUSE), root)
    assert answer["facts"]["deployed"] == []
    assert answer["problems"][0].startswith("/opt/tgi/house/compose.yaml was not written by")
    assert not any("elsewhere" in line for line in answer["problems"])


def test_everything_wrong_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = fake_root(tmp_path, command="python3", cpu="")
    (root / "etc/os-release").write_text(release("debian", "11"))
    monkeypatch.setattr(f"{on_host.__name__}.os.geteuid", lambda: 1000)
    monkeypatch.setattr(f"{on_host.__name__}.importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(f"{on_host.__name__}.sys.executable", "/opt/conda/bin/python")
    monkeypatch.setattr(f"{on_host.__name__}.commands.ask", lambda _: CommandResult(None, ""))
    gateway = (PortRequest(443, "gateway_https_port"),)
    more = {"min_memory_gib": 64.0, "min_free_disk_gib": 1e9, "gateway_ports": gateway}
    answer = on_host.inspect_host(request_for({**HOUSE, "gpus": ["0"]}, **more), root)
    starts = [
        "user has uid 1000",
        "operating system is debian 11",
        "processor has no AVX2",
        "memory is 15.5 GiB",
        "disk has ",
        "NVIDIA driver is not installed",
        "port 8081 is taken by python3 (pid 42)",
        "port 443 is taken by an unknown process",
        "ansible_python_interpreter is /opt/conda/bin/python",
    ]
    assert len(answer["problems"]) == len(starts)
    for line, start in zip(answer["problems"], starts, strict=True):
        assert line.startswith(start)
    facts = answer["facts"]
    assert (facts["deployed"], facts["gateway"]) == ([], False)
    assert facts["checks_ready"] is False


@pytest.mark.parametrize("there", [{"httpx"}, {"jsonschema"}, {"httpx", "jsonschema"}])
def test_the_checks_need_both_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: set[str]
) -> None:
    monkeypatch.setattr(
        f"{on_host.__name__}.importlib.util.find_spec", lambda name: name if name in there else None
    )
    facts = on_host.inspect_host(request_for(HOUSE), fake_root(tmp_path))["facts"]
    assert facts["checks_ready"] is (len(there) == 2)


def test_nvidia_smi_is_asked_as_it_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask(QUERY) == CommandResult(None, "")
    (tmp_path / "nvidia-smi").write_text('#!/bin/sh\necho "$*"; exit 9\n')
    (tmp_path / "nvidia-smi").chmod(0o755)
    answer = ask(QUERY)
    assert answer.rc == 9
    assert "--query-gpu=index,uuid,name,memory.total,driver_version,compute_cap" in answer.text


def test_a_gateway_alone_may_be_any_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = fake_root(tmp_path, cpu="")
    monkeypatch.setattr(f"{on_host.__name__}.platform.machine", lambda: "aarch64")
    assert on_host.inspect_host(request_for(min_memory_gib=0.0), root)["problems"] == []


@pytest.mark.parametrize(("address", "count"), [("10.0.0.5", 0), ("10.0.0.6", 1), ("", 0)])
def test_the_address_to_bind_is_the_hosts_own(tmp_path: Path, address: str, count: int) -> None:
    root = fake_root(tmp_path, command="nginx")
    found = on_host.inspect_host(request_for(bind_address=address), root)["problems"]
    assert len(found) == count
    line = 'tgi_bind_address is "10.0.0.6", not an address of this host; write one of 10.0.0.5'
    assert found == [line] * count


def test_models_of_a_machine_that_deploys_none_are_resolved_but_not_checked(tmp_path: Path) -> None:
    asked = replace(request_for(HOUSE, min_memory_gib=0.0), deploys=False)
    answer = on_host.inspect_host(asked, fake_root(tmp_path, command="python3", cpu=""))
    assert answer["problems"] == []
    assert [model["port"] for model in answer["facts"]["models"]] == [8081]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is damaged (it holds no JSON mapping); delete this file: the next run reads"),
        ('{"schema": 1, "name": "house"}', "is damaged (project is missing or wrong); delete"),
        (f'{{"schema": {SCHEMA + 1}}}', "has schema 2, but this version knows 1 at most; deploy"),
    ],
)
def test_an_unreadable_record_is_refused(tmp_path: Path, text: str, words: str) -> None:
    root = fake_root(tmp_path)
    deploy(root, "house", 8081)
    (root / "opt/tgi/house/deployed.json").write_text(text)
    found = on_host.inspect_host(request_for(HOUSE), root)["problems"]
    # No second line says that Docker has the port
    assert len(found) == 1
    assert found[0].startswith(f"/opt/tgi/house/deployed.json {words}")


@pytest.fixture
def without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Docker have the container of a model whose files are gone."""
    ports = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8081"}]}
    seen = json.dumps({"config": {}, "host": {"PortBindings": ports}})
    answers = {"ps": "c1 tgi-house /opt/tgi/house\n", "inspect": seen}
    monkeypatch.setattr(
        f"{on_host.__name__}.commands.ask",
        lambda command: CommandResult(0, answers.get(command[1], "")),
    )


@pytest.mark.usefixtures("without_files")
def test_a_port_of_a_container_that_the_role_cannot_stop_stays_taken(tmp_path: Path) -> None:
    answer = on_host.inspect_host(request_for({**HOUSE, "name": "other"}), fake_root(tmp_path))
    (line,) = answer["problems"]
    assert line.startswith("port 8081 is taken by docker-proxy (pid 42); stop the container")
    assert answer["notes"][0].endswith("remove it with docker compose -p tgi-house down")


@pytest.mark.usefixtures("without_files")
def test_a_compose_file_deleted_by_hand_is_written_again(tmp_path: Path) -> None:
    answer = on_host.inspect_host(request_for(HOUSE, min_free_disk_gib=1e9), fake_root(tmp_path))
    assert answer["problems"] == []
    assert answer["facts"]["models"][0]["port"] == 8081
    assert answer["notes"] == [
        "/opt/tgi/house/compose.yaml is gone, but its container is there: the role tgi writes it "
        "again"
    ]


def test_a_forgotten_drain_is_named(tmp_path: Path) -> None:
    root = fake_root(tmp_path, command="nginx")
    (root / "etc/nginx/tgi-gateway").mkdir(parents=True)
    (root / "var/lib/tgi-gateway/drain").mkdir(parents=True)
    (root / "var/lib/tgi-gateway/drain/house@gpu1").touch()
    answer = on_host.inspect_host(request_for(min_memory_gib=0.0), root)
    (line,) = answer["notes"]
    assert line.startswith("gpu1 gets no requests for house: it is drained since")
    (flag,) = answer["facts"]["drained"]
    assert flag.pop("at") == pytest.approx(answer["clock"], abs=60)
    assert flag == {"model": "house", "replica": "gpu1", "by": "", "run": False, "why": ""}


OLD, NEW = "tgi@sha256:0", "tgi@sha256:1"
BIG: dict[str, Any] = {"name": "house", "port": 8090, "gpus": []}


def image_problems(
    root: Path, monkeypatch: pytest.MonkeyPatch, *models: dict[str, Any], image: str, **more: Any
) -> list[str]:
    def answer(command: Sequence[str]) -> CommandResult:
        there = command[:3] == ["docker", "image", "inspect"] and command[-1] == OLD
        return CommandResult(0, "sha256:1\n") if there else CommandResult(None, "")

    monkeypatch.setattr(f"{on_host.__name__}.commands.ask", answer)
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
    (line,) = image_problems(root, monkeypatch, BIG, image=NEW, min_free_image_gib=1e6)
    assert (
        line.startswith("file system /") and "GiB free, but the image needs 1e+06 in /sma" in line
    )
    assert line.endswith("or lower preflight_min_free_image_gib")
    assert image_problems(root, monkeypatch, BIG, image=NEW) == []
    assert image_problems(root, monkeypatch, BIG, image=OLD, min_free_image_gib=1e6) == []
    # A gateway alone needs no image
    assert image_problems(root, monkeypatch, image=NEW, min_free_image_gib=1e6) == []


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


def test_the_lock_of_another_run(tmp_path: Path) -> None:
    root, lock = fake_root(tmp_path), tmp_path / "run/tgi-ansible.lock"
    lock.parent.mkdir()
    assert on_host.inspect_host(request_for(), root)["lock"] is None
    anna = Holder("anna", "ctl1", "b00t", 4711, 100)
    hold(anna, path=lock)
    found = on_host.inspect_host(request_for(), root)
    assert found["lock"]["holder"] == asdict(anna)
    assert json.dumps(found)
    lock.write_text("not ours")
    problems = on_host.inspect_host(request_for(), root)["problems"]
    assert [line for line in problems if "is no lock of this project" in line]
