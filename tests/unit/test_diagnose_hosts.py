"""The hosts' side, from recorded output of their commands and files of a small root."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi import fence
from ansible.module_utils.tgi.diagnose import cards, machine
from ansible.module_utils.tgi.diagnose.at_gateway import Places, look_at_gateway
from ansible.module_utils.tgi.diagnose.at_gpu_host import Inside, look_at_gpu_host
from ansible.module_utils.tgi.diagnose.error_log import parse_errors, read_errors
from ansible.module_utils.tgi.diagnose.verdict import judge, read_picture
from ansible.module_utils.tgi.wait_docker import Container, Docker, DockerError
from ansible.module_utils.tgi.wait_logs import Line, parse
from ansible.module_utils.tgi.wait_probe import Probe
from check_fakes import FakeTgi
from diagnose_pictures import GATEWAY, GPU
from wait_fakes import ARGS, SHARD, TO_LOAD, TO_SERVE, container, launcher, raw

READY = Probe(True, True, "", True)
REFUSED = Probe(False, False, "GET /health: Connection refused")
SMI = "0, GPU-1, NVIDIA L4, 23034, 580.95.05, 8.9\n"
LIVE = "0, GPU-1, 20000, 23034, 98, 91, 71.5, 72.00, 900, 2040, 0x0000000000000064\n"
APPS = "GPU-1, 4242, /usr/bin/jupyter --token=abc, 18000\nGPU-1, 77, python3, 2000\n"
DMESG = """\
[    0.000000] Linux version 6.12
[  990.500000] NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', GPU has fallen off the bus.
[  400.250000] Out of memory: Killed process 812 (text-generation) total-vm:9kB, anon-rss:8kB
[  950.000000] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task=python3,pid=9,uid=0
"""


class Shell:
    """Answers commands by their beginning; what it does not know is not installed."""

    def __init__(self, **answers: tuple[int, str]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, command: Sequence[str]) -> tuple[int | None, str]:
        line = " ".join(command)
        self.asked.append(line)
        for words, answer in self.answers.items():
            if all(word in line for word in words.split("__")):
                return answer
        return None, ""


def shown(active: str = "active", sub: str = "running", result: str = "success") -> tuple[int, str]:
    return 0, f"LoadState=loaded\nActiveState={active}\nSubState={sub}\nResult={result}\n"


# --- the machine


def test_units() -> None:
    found = machine.unit(Shell(systemctl=shown("failed", "failed", "exit-code")), "nginx")
    assert found == {"load": "loaded", "active": "failed", "sub": "failed", "result": "exit-code"}
    assert machine.unit(Shell(), "nginx") == {}


def test_the_kernels_log() -> None:
    found = machine.kernel(Shell(dmesg=(0, DMESG)), "1000.50 3000.00\n")
    assert found["readable"]
    assert found["xid"] == [{"age": 10, "gpu": "PCI:0000:3b:00", "number": 79}]
    assert found["oom"] == [{"age": 600, "what": "text-generation"}, {"age": 50, "what": "python3"}]
    closed = machine.kernel(Shell(dmesg=(1, "dmesg: read kernel buffer failed")), "1.0 1.0")
    assert closed == {"readable": False, "oom": [], "xid": []}


def test_memory_and_disks(tmp_path: Path) -> None:
    text = "MemTotal:  1000 kB\nMemFree:  5 kB\nMemAvailable:   400 kB\n"
    assert machine.memory(text) == {"total": 1024000, "available": 409600}
    (disk,) = machine.disks([str(tmp_path / "not" / "there")])
    assert disk["path"].endswith("not/there") and 0 < disk["free"] <= disk["total"]


def test_a_real_command_and_one_that_is_not_there() -> None:
    assert machine.run(["sh", "-c", "echo out; echo err >&2; exit 3"]) == (3, "out\nerr\n")
    assert machine.run(["no-such-program-here"]) == (None, "")


def test_cards_and_who_holds_them(tmp_path: Path) -> None:
    shell = Shell(**{"--query-gpu": (0, LIVE), "--query-compute-apps": (0, APPS)})
    (card,) = cards.live(shell)
    assert card["throttled"] == ["the power cap", "heat", "heat (hardware)"]
    assert (card["index"], card["celsius"], card["mhz_most"]) == ("0", 91.0, 2040.0)
    (tmp_path / "77").mkdir()
    (tmp_path / "77" / "cgroup").write_text("0::/system.slice/docker-abc123.scope\n")
    found = cards.holders(shell, ["abc123"], tmp_path)
    assert found == [
        {"uuid": "GPU-1", "pid": 4242, "name": "jupyter", "mib": 18000, "ours": False},
        {"uuid": "GPU-1", "pid": 77, "name": "python3", "mib": 2000, "ours": True},
    ]
    assert cards.live(Shell(nvidia=(2, 'Field "x" is not a valid field'))) == []
    assert cards.live(Shell()) == [] and cards.holders(Shell()) == []


# --- the gateway

NOW = time.mktime((2026, 11, 25, 10, 0, 0, 0, 0, -1))
UPSTREAM = 'upstream: "http://127.0.0.1:8081/v1/chat/completions", host: "llm.example.org"'
ASKED = 'client: 192.0.2.7, server: llm.example.org, request: "POST /v1/x?key=sk-secret HTTP/1.1"'
LOG = f"""\
2026/11/25 09:00:00 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, {ASKED}, {UPSTREAM}
2026/11/25 09:59:00 [error] 7#7: *2 connect() failed (111: Connection refused) while connecting to upstream, {ASKED}, {UPSTREAM}
2026/11/25 09:59:30 [crit] 7#7: *3 open() "/var/lib/nginx/body/1" failed (24: Too many open files), {ASKED}
2026/11/25 09:59:40 [notice] 7#7: signal process started
2026/11/25 09:59:50 [error] 7#7: *9 upstream timed out (110: Connection timed out) while reading response header from upstream, {ASKED}, {UPSTREAM}
not a line of nginx's
"""  # noqa: E501


def test_the_error_log_tells_no_secrets() -> None:
    found = parse_errors(LOG, NOW)
    assert [(one["kind"], one["age"], one["count"]) for one in found] == [
        ("refused", 60, 2),
        ("files", 30, 1),
        ("timeout", 10, 1),
    ]
    assert found[0]["upstream"] == "127.0.0.1:8081"
    text = json.dumps(found)
    assert "sk-secret" not in text and "192.0.2.7" not in text and "/v1/x" not in text


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    assert read_errors(tmp_path / "none") == []


def gateway(tmp_path: Path, probe: Probe = READY, **answers: tuple[int, str]) -> dict[str, Any]:
    """A gateway whose version is on the disk; nothing listens on its status port."""
    root, version = tmp_path / "tgi-gateway", "0123456789abcdef"
    release = root / version
    release.mkdir(parents=True)
    (release / "nginx.conf").write_text("server { listen 127.0.0.1:9; }\n")
    replicas = [{"name": "gpu1", "address": "127.0.0.1:8081"}]
    (release / "backends.json").write_text(json.dumps([{"name": "small", "replicas": replicas}]))
    main = tmp_path / "nginx.conf"
    main.symlink_to(release / "nginx.conf")
    (tmp_path / "state" / "drain").mkdir(parents=True)
    places = Places((9,), main, root, tmp_path / "state", tmp_path / "error.log")
    shell = Shell(**{"systemctl": shown(), **answers})
    seen: dict[str, Any] = look_at_gateway(
        "gw1", places, shell, lambda asked: dict.fromkeys(asked, probe)
    )
    assert not [line for line in shell.asked if "systemctl" in line and "show" not in line]
    return seen


def test_a_gateway_of_the_shape_that_is_judged(tmp_path: Path) -> None:
    seen = gateway(tmp_path)
    assert set(seen) | {"skew"} == set(GATEWAY)
    assert set(seen["models"][0]["replicas"][0]) == set(GATEWAY["models"][0]["replicas"][0])
    complaint = "nginx -t ended with 127"
    assert seen["config"] == {"disk": "0123456789abcdef", "served": None, "complaint": complaint}
    assert seen["models"][0]["replicas"][0]["ready"]


def test_what_nginx_has_against_its_file(tmp_path: Path) -> None:
    said = 'nginx: [emerg] unknown directive "x" in /etc/nginx/nginx.conf:1'
    seen = gateway(tmp_path, nginx__t=(1, said), systemctl=shown("failed", "failed", "exit-code"))
    results = {"clients": {}, "gateways": {"gw1": {"seen": seen}}, "gpus": {}}
    verdict = judge(read_picture(results))
    assert verdict.cause and verdict.cause.link == "config"
    assert 'unknown directive "x"' in verdict.line


def test_a_drained_replica(tmp_path: Path) -> None:
    (tmp_path / "state" / "drain").mkdir(parents=True)
    flag = tmp_path / "state" / "drain" / "small@gpu1"
    flag.touch()
    (tmp_path / "x").mkdir()
    seen = gateway(tmp_path / "x")
    assert not seen["models"][0]["replicas"][0]["drained"]
    places = Places((9,), tmp_path / "x/nginx.conf", tmp_path / "x/tgi-gateway", tmp_path / "state")
    seen = look_at_gateway("gw1", places, Shell(), lambda asked: dict.fromkeys(asked, REFUSED))
    assert seen["models"][0]["replicas"][0]["drained"]


def test_a_host_without_a_gateway(tmp_path: Path) -> None:
    places = Places((9,), tmp_path / "a", tmp_path / "b", tmp_path / "c", tmp_path / "d")
    shell = Shell(systemctl=(0, "LoadState=not-found\nActiveState=inactive\n"))
    seen = look_at_gateway("gw1", places, shell, lambda asked: dict.fromkeys(asked, READY))
    assert seen["models"] == [] and seen["config"]["disk"] is None
    verdict = judge(read_picture({"clients": {}, "gateways": {"gw1": {"seen": seen}}, "gpus": {}}))
    assert verdict.line.startswith("BROKEN: nginx on gw1: nginx is not installed")


# --- a GPU host


class FakeDocker(Docker):  # type: ignore[misc]
    """One container and its log."""

    def __init__(self, one: Container | None, lines: list[Line] = (), away: str = "") -> None:  # type: ignore[assignment]
        self.one, self.lines, self.away = one, list(lines), away

    def containers(self, projects: Any) -> dict[str, Container]:
        if self.away:
            raise DockerError(self.away)
        return {name: self.one for name in projects if self.one}

    def logs(self, container_id: str) -> list[Line] | None:  # noqa: ARG002
        return self.lines

    def last_exit_code(self, *_: Any) -> int | None:
        return 1


PORTS = json.dumps({"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8081"}]})
RULES = fence.files("/etc/tgi-fence", "10.0.0.5", [("10.0.0.5", 8081)], ["10.0.0.9"])["rules"]


def gpu_host(
    tmp_path: Path,
    docker: FakeDocker,
    fake: FakeTgi | None = None,
    probe: Probe = READY,
    answers: Mapping[str, tuple[int, str]] = {},
) -> tuple[dict[str, Any], Shell]:
    """A root with a deployed model; its engine in memory."""
    project = tmp_path / "opt/tgi/small"
    project.mkdir(parents=True)
    (project / "compose.yaml").write_text(
        '# Written by tgi-ansible\nports: ["127.0.0.1:8081:80"]\ndevice_ids: ["nvidia.com/gpu=0"]\n'
    )
    (tmp_path / "proc/net").mkdir(parents=True)
    shell = Shell(
        **{
            "systemctl": shown(),
            "inspect__Ports": (0, PORTS),
            "nvidia-smi__-L": (0, "GPU 0: NVIDIA L4 (UUID: GPU-1)\n"),
            "--query-gpu=index,uuid,name": (0, SMI),
            "--query-gpu": (0, LIVE),
            "--query-compute-apps": (0, APPS),
            "DockerRootDir": (0, "/var/lib/docker\n"),
            "dmesg": (0, DMESG.replace("79", "13")),
            **answers,
        }
    )
    wish = Inside(
        "gpu1",
        [{"name": "small", "model_id": "acme/small", "gpus": ["0"]}],
        root=tmp_path,
        transport=(fake or FakeTgi()).transport(),
        timeout=5,
    )
    seen = look_at_gpu_host(wish, shell, docker, lambda asked: dict.fromkeys(asked, probe))
    return seen, shell


def cause_of(seen: dict[str, Any]) -> tuple[str, str]:
    verdict = judge(read_picture({"clients": {}, "gateways": {}, "gpus": {"gpu1": {"seen": seen}}}))
    return (verdict.cause.link, verdict.cause.found.code) if verdict.cause else ("", "")


def up(**changes: Any) -> Container:
    return container(id="abc123", name="tgi-small-tgi-1", project="tgi-small", **changes)


def test_a_gpu_host_of_the_shape_that_is_judged(tmp_path: Path) -> None:
    seen, shell = gpu_host(tmp_path, FakeDocker(up(), parse(raw(*TO_SERVE))))
    assert set(seen) | {"skew"} == set(GPU)
    model, wanted = seen["models"][0], GPU["models"][0]
    assert set(model) == set(wanted)
    for name in ("container", "health", "load", "chat", "stream", "tools", "visible"):
        assert set(model[name]) == set(wanted[name]), name
    assert set(model["state"]) >= set(wanted["state"])
    assert model["published"] == ["127.0.0.1:8081"] and model["visible"]["count"] == 1
    assert model["generate"]["problem"] == ""
    # It only looks
    verbs = {line.split()[1] for line in shell.asked if line.startswith("docker")}
    assert verbs == {"inspect", "exec", "info"}


def test_the_fake_tgi_knows_no_tools(tmp_path: Path) -> None:
    seen, _ = gpu_host(tmp_path, FakeDocker(up(), parse(raw(*TO_SERVE))))
    assert seen["models"][0]["tools"]["kind"] == "ignored"
    assert cause_of(seen) == ("direct.tools", "ignored")


def test_out_of_memory_while_loading(tmp_path: Path) -> None:
    oom = launcher("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "ERROR")
    lines = parse(raw(*TO_LOAD, (9, oom)))
    dead = up(status="exited", exit_code=1, finished=1_700_000_010.0)
    seen, _ = gpu_host(tmp_path, FakeDocker(dead, lines), probe=REFUSED)
    assert seen["models"][0]["state"]["cause"] == "oom_load"
    # jupyter holds 18000 MiB of that GPU and is none of ours
    assert cause_of(seen) == ("holders", "held")
    seen["holders"] = []
    assert cause_of(seen) == ("log", "oom_load")


def test_a_crash_loop_is_told_by_the_run_before(tmp_path: Path) -> None:
    gated = launcher("huggingface_hub.errors.GatedRepoError: 403", "ERROR")
    lines = parse(raw((0.1, ARGS), (2, gated), (5.0, ARGS), (5.2, SHARD)))
    looping = up(restarts=4, finished=1_700_000_003.0, started=1_700_000_004.9)
    seen, _ = gpu_host(tmp_path, FakeDocker(looping, lines), FakeTgi("refused"), REFUSED)
    assert cause_of(seen) == ("log", "gated")
    verdict = judge(read_picture({"clients": {}, "gateways": {}, "gpus": {"gpu1": {"seen": seen}}}))
    assert "restarted 4 times" in "".join(row["seen"] for row in verdict.rows())


def test_loading(tmp_path: Path) -> None:
    now = time.time()
    docker = FakeDocker(up(started=now - 30, created=now - 31), [])
    seen, _ = gpu_host(tmp_path, docker, FakeTgi("refused"), REFUSED)
    assert cause_of(seen) == ("log", "loading")
    assert seen["models"][0]["health"]["fault"] == "connection refused"


def test_an_engine_that_says_now_why_it_fails(tmp_path: Path) -> None:
    message = "Method Decode encountered an error. CUDA error: an illegal memory access"
    now = time.time()
    lines = [*parse(raw(*TO_SERVE)), Line(now - 5, message, message, "ERROR")]
    late = Probe(False, True, "POST /generate answered 424", True)
    seen, _ = gpu_host(tmp_path, FakeDocker(up(), lines), FakeTgi("no-generate"), late)
    assert cause_of(seen) == ("log", "cuda_serving")
    lines[-1] = Line(now - 5000, message, message, "ERROR")
    (tmp_path / "b").mkdir()
    seen, _ = gpu_host(tmp_path / "b", FakeDocker(up(), lines), FakeTgi("no-generate"), late)
    assert cause_of(seen) == ("generation", "424")


def test_docker_that_does_not_answer(tmp_path: Path) -> None:
    docker = FakeDocker(None, away="Cannot connect to the Docker daemon")
    seen, _ = gpu_host(tmp_path, docker, answers={"systemctl": shown("failed")})
    assert cause_of(seen) == ("docker", "down")


def test_gpus_lost_by_the_container(tmp_path: Path) -> None:
    lost = (255, "Failed to initialize NVML: Unknown Error\n")
    seen, _ = gpu_host(tmp_path, FakeDocker(up()), answers={"nvidia-smi__-L": lost})
    said = "Failed to initialize NVML: Unknown Error"
    assert seen["models"][0]["visible"] == {"count": 0, "said": said}
    assert cause_of(seen)[0] == "access"


def test_a_container_without_nvidia_smi_is_no_proof(tmp_path: Path) -> None:
    seen, _ = gpu_host(tmp_path, FakeDocker(up()), answers={"nvidia-smi__-L": (127, "no")})
    assert seen["models"][0]["visible"] is None


@pytest.mark.parametrize("stands", [True, False])
def test_the_fence(tmp_path: Path, stands: bool) -> None:
    path = tmp_path / "etc/tgi-fence/rules"
    path.parent.mkdir(parents=True)
    path.write_text(RULES)
    jump = f"-A X -j {fence.CHAIN}\n" if stands else "-A X -j ACCEPT\n"
    answers = {f"-S__{fence.CHAIN}": (0, RULES), "iptables": (0, jump)}
    seen, _ = gpu_host(tmp_path, FakeDocker(up()), answers=answers)
    assert seen["fence"] == {"in_force": stands, "sources": ["10.0.0.9/32"]}


def test_nothing_of_the_environment_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "HF_TOKEN", "hf_verysecret")
    seen, _ = gpu_host(tmp_path, FakeDocker(up(), parse(raw(*TO_SERVE))))
    text = json.dumps(seen)
    assert "hf_verysecret" not in text and "sesame-open" not in text and "token=abc" not in text
