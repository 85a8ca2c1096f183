"""Run the playbook on this machine and an unreachable one; check the modules' options."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.diagnose.pictures import Case
from tests.support.playbook import ansible_playbook
from tests.support.preflight.playbook_hosts import CONFIGURATION, SECRET, free_ports
from tests.support.roots import ROOT
from tests.support.run_module import load, run

PLAYBOOK = ROOT / "playbooks" / "diagnose.yml"
MODULES = [f"tgi_diagnose_{one}" for one in ("client", "gateway", "gpu_host", "verdict")]


def inventory(**more: Any) -> dict[str, Any]:
    """Return an inventory: this machine as gateway and GPU host, and an unreachable GPU host."""
    http, https, ssh = free_ports(3)
    variables = {
        "ansible_python_interpreter": sys.executable,
        "ansible_become": False,
        "gateway_server_name": "localhost",
        "gateway_https_port": https,
        "gateway_http_port": http,
        "gateway_tls": {"source": "files", "certificate": "/none", "key": "/none"},
        "gateway_tiers": {"team": {"requests_per_second": 5, "burst": 5, "concurrent": 2}},
        "gateway_consumers": [{"name": "checks", "tier": "team", "keys": [SECRET]}],
        "tgi_models": [{"name": "a", "model_id": "acme/a", "environment": {"X": SECRET}}],
        "tgi_base_dir": "/nowhere/tgi",
        **more,
    }
    away = {
        "ansible_host": "127.0.0.1",
        "ansible_port": ssh,
        "ansible_ssh_common_args": "-o ConnectTimeout=3",
    }
    here = {"ansible_connection": "local"}
    return {
        "all": {
            "vars": variables,
            "children": {
                "gpu_hosts": {"hosts": {"here": here, "away": away}},
                "gateways": {"hosts": {"here": {}}},
            },
        }
    }


def play(tmp_path: Path, hosts: dict[str, Any], *options: str) -> tuple[int, str]:
    """Run the playbook with -vvvv; return exit code and output."""
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(hosts))
    (tmp_path / "password").write_text("open sesame")
    (tmp_path / "ansible.cfg").write_text(CONFIGURATION.format(root=ROOT))
    words = ["-vvvv", *options, "-i", "hosts.yml", str(PLAYBOOK)]
    done = ansible_playbook(*words, cwd=tmp_path, ANSIBLE_CONFIG="ansible.cfg")
    output = done.stdout + done.stderr
    assert SECRET not in output
    recap = re.findall(r"(?m)^\w+ +: ok=\d+ +changed=(\d+) +unreachable=(\d+)", output)
    assert set(recap) == {("0", "0")}, output
    return done.returncode, output


def test_a_machine_without_a_deployment(tmp_path: Path) -> None:
    code, output = play(tmp_path, inventory(), "--check")
    assert code == 2
    # The controller asks the gateway, although one host is unreachable
    assert re.search(r"(?m)connection +here +broken +127\.0\.0\.1:\d+: conn", output)
    assert re.search(r"(?m)way in +away +broken +cannot be reached by SSH: .*refused", output)
    assert re.search(r"(?m)way in +here +ok", output)
    assert re.search(r"(?m)container of a +here +(broken|not reached)", output)


def test_an_inventory_that_the_preflight_would_refuse(tmp_path: Path) -> None:
    hosts = inventory(gateway_consumers="{{ vault_undefined }}", tgi_image="latest")
    code, output = play(tmp_path, hosts)
    assert code == 2
    assert re.search(r"(?m)connection +here +broken", output)
    assert re.search(r"(?m)way in +away +broken", output)
    assert re.search(r"(?m)container of a +here", output)


def test_a_part_of_the_hosts(tmp_path: Path) -> None:
    code, output = play(tmp_path, inventory(), "--limit", "away")
    assert code == 2
    assert "BROKEN: way in on away: cannot be reached by SSH" in output
    assert not re.search(r"(?m) here  ", output)


def test_no_hosts_at_all(tmp_path: Path) -> None:
    code, output = play(tmp_path, {"all": {"children": {"gpu_host": {"hosts": {"x": {}}}}}})
    assert code == 2
    assert "UNKNOWN: the endpoint could not be inspected as a client" in output


def test_without_a_name_for_the_endpoint(tmp_path: Path) -> None:
    hosts = inventory()
    del hosts["all"]["vars"]["gateway_server_name"]
    code, output = play(tmp_path, hosts)
    assert code == 2
    assert re.search(r"(?m)DNS +here +unknown +the endpoint could not be asked: .*gateway_", output)
    assert re.search(r"(?m)way in +away +broken", output)


def test_the_verdict_of_recorded_observations(capsys: pytest.CaptureFixture[str]) -> None:
    case = Case()
    module = load("tgi_diagnose_verdict")
    answer = run(module, capsys, **case.results())
    assert answer["broken"] is False and answer["changed"] is False and answer["cause"] == {}
    case.died("oom_load", "out of GPU memory: the weights do not fit", "quantize it")
    for check in (False, True):
        answer = run(module, capsys, check, **case.results())
        assert answer["broken"] and answer["cause"]["link"] == "log"
        assert answer["msg"] == (
            "BROKEN: log of small on gpu1: out of GPU memory: the weights do not fit (while "
            "loading shards). Remedy: quantize it. It breaks: chat of small on gw1, way to the "
            "engine of small on gw1, container of small on gpu1."
        )
        assert answer["table"].splitlines()[0] == answer["msg"]


def test_limits_of_slowness_are_options(capsys: pytest.CaptureFixture[str]) -> None:
    module = load("tgi_diagnose_verdict")
    answer = run(module, capsys, max_ttft=0.1, **Case().results())
    assert answer["broken"] and answer["cause"]["link"] == "pace"
    case = Case()
    case.gpu["skew"] = 5.5
    assert run(module, capsys, max_clock_skew=5, **case.results())["cause"]["link"] == "gpu.clock"


@pytest.mark.parametrize("name", MODULES)
def test_what_is_documented_is_what_is_taken(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = load(name)
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    needed: dict[str, Any] = {
        name: "https://x" for name, option in documented.items() if option.get("required")
    }
    answer = run(module, capsys, no_such_option=1, **needed)
    taken = re.search(r"Supported parameters include: ([^.]*)\.", answer["msg"])
    assert taken
    names = set(re.findall(r"\w+", re.sub(r"\([^)]*\)", "", taken.group(1))))
    assert names == set(documented)
    for text in (module.EXAMPLES, module.RETURN):
        assert yaml.safe_load(text)
