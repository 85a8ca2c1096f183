"""A gateway, from recorded output of its commands and the files of a small root."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.module_utils.tgi.diagnose.look.on_gateway import Places, look_at_gateway
from ansible.module_utils.tgi.diagnose.verdict import judge, read_picture
from ansible.module_utils.tgi.readiness.probe import Probe

from tests.support.diagnose.pictures import GATEWAY
from tests.support.diagnose.shell import READY, REFUSED, Shell, shown


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
    wanted = {"disk": "0123456789abcdef", "served": None, "complaint": complaint}
    assert seen["config"] == {**wanted, "edited": False}
    assert seen["models"][0]["replicas"][0]["ready"]


def test_a_main_file_edited_by_hand_is_that_version_still(tmp_path: Path) -> None:
    gateway(tmp_path)
    main = tmp_path / "nginx.conf"
    main.unlink()
    main.write_text(f"# {tmp_path}/tgi-gateway/0123456789abcdef\nserver {{}}\n")
    places = Places((9,), main, tmp_path / "tgi-gateway", tmp_path / "state")
    seen = look_at_gateway("gw1", places, Shell(), lambda asked: dict.fromkeys(asked, READY))
    assert seen["config"]["edited"] and seen["config"]["disk"] == "0123456789abcdef"
    assert seen["models"][0]["replicas"][0]["ready"]


def test_the_renewal_of_an_acme_certificate(tmp_path: Path) -> None:
    assert gateway(tmp_path / "a")["renewal"] == {}
    (tmp_path / "b" / "tgi-gateway" / "0123456789abcdef").mkdir(parents=True)
    main = tmp_path / "b" / "tgi-gateway" / "0123456789abcdef" / "nginx.conf"
    main.write_text("ssl_certificate /etc/tgi-gateway/acme/live/a/fullchain.pem;\n")
    (tmp_path / "b" / "nginx.conf").symlink_to(main)
    places = Places((9,), tmp_path / "b/nginx.conf", tmp_path / "b/tgi-gateway", tmp_path / "b")
    shell = Shell(acme_timer=shown("active", "waiting"), acme_service=shown(result="exit-code"))
    shell.answers = {word.replace("_", "."): said for word, said in shell.answers.items()}
    seen = look_at_gateway("gw1", places, shell, lambda asked: dict.fromkeys(asked, READY))
    assert seen["renewal"] == {"timer": "active", "result": "exit-code"}


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
    replica = seen["models"][0]["replicas"][0]
    assert replica["drained"].endswith("UTC, less than a minute")
    assert "gateway_drain_replica: gpu1" in replica["take_back"]


def test_a_host_without_a_gateway(tmp_path: Path) -> None:
    places = Places((9,), tmp_path / "a", tmp_path / "b", tmp_path / "c", tmp_path / "d")
    shell = Shell(systemctl=(0, "LoadState=not-found\nActiveState=inactive\n"))
    seen = look_at_gateway("gw1", places, shell, lambda asked: dict.fromkeys(asked, READY))
    assert seen["models"] == [] and seen["config"]["disk"] is None
    verdict = judge(read_picture({"clients": {}, "gateways": {"gw1": {"seen": seen}}, "gpus": {}}))
    assert verdict.line.startswith("BROKEN: nginx on gw1: nginx is not installed")
