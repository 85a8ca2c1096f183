"""A machine and a gateway, from recorded output of their commands and files of a small root."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.tgi.diagnose.look.error_log import parse_errors, read_errors
from ansible.module_utils.tgi.diagnose.look.on_gateway import Places, look_at_gateway
from ansible.module_utils.tgi.diagnose.verdict import judge, read_picture
from ansible.module_utils.tgi.host import machine
from ansible.module_utils.tgi.host.nvidia import gpu_load
from ansible.module_utils.tgi.readiness.probe import Probe

from tests.support.diagnose.pictures import GATEWAY
from tests.support.diagnose.shell import APPS, DMESG, LIVE, READY, REFUSED, Shell, shown

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
    (card,) = gpu_load.live(shell)
    assert card["throttled"] == ["the power cap", "heat", "heat (hardware)"]
    assert (card["index"], card["celsius"], card["mhz_most"]) == ("0", 91.0, 2040.0)
    (tmp_path / "77").mkdir()
    (tmp_path / "77" / "cgroup").write_text("0::/system.slice/docker-abc123.scope\n")
    found = gpu_load.holders(shell, ["abc123"], tmp_path)
    assert found == [
        {"uuid": "GPU-1", "pid": 4242, "name": "jupyter", "mib": 18000, "ours": False},
        {"uuid": "GPU-1", "pid": 77, "name": "python3", "mib": 2000, "ours": True},
    ]
    assert gpu_load.live(Shell(nvidia=(2, 'Field "x" is not a valid field'))) == []
    assert gpu_load.live(Shell()) == [] and gpu_load.holders(Shell()) == []


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
