"""Test the units that start models again, what they run, and when systemd is reloaded."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.common.places import MARK
from ansible.module_utils.tgi.host.boot_units import COLLECTOR, MODEL, in_place, link, units

from tests.support.run_module import load, run


def value(unit: str, name: str) -> str:
    """Return a setting of a unit, as systemd reads it."""
    found = re.search(rf"(?m)^{name}=(.*)$", unit)
    assert found, f"no {name}"
    return found[1].replace("%%", "%").replace("$$", "$")


def shell(command: str) -> str:
    """Return the script that /bin/sh gets."""
    found = re.fullmatch(r'/bin/sh -c "(.*)"', command)
    assert found, command
    assert not re.search(r'[\\"$%]', found[1]), "systemd would read that as its own"
    return found[1]


def program(directory: Path, name: str, script: str) -> None:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / name).chmod(0o755)


def execute(script: str, work: Path, programs: Path) -> subprocess.CompletedProcess[str]:
    path = {"PATH": f"{programs}:/usr/bin:/bin"}
    command = ["/bin/sh", "-c", script]
    return subprocess.run(command, cwd=work, env=path, capture_output=True, text=True, check=False)


def test_nothing_stops_a_model_with_the_daemon() -> None:
    for text in units("/opt/tgi").values():
        assert not re.search(r"(?m)^(PartOf|BindsTo|Requires|ExecStop|RemainAfterExit)=", text)
    assert value(units("/opt/tgi")[COLLECTOR], "WantedBy") == "docker.service"
    assert value(units("/opt/tgi")[MODEL], "After").split() == [
        "docker.service",
        "nvidia-cdi-refresh.service",
    ]


def test_a_percent_sign_is_none_of_systemds() -> None:
    assert "WorkingDirectory=/srv/100%%/%i\n" in units("/srv/100%")[MODEL]


def test_the_models_there_are_get_started(tmp_path: Path) -> None:
    base = tmp_path / "base"
    for name, text in (("llama-3.1-8b", MARK), ("b", f"{MARK}: more"), ("others", "name: x")):
        (base / name).mkdir(parents=True)
        (base / name / "compose.yaml").write_text(f"{text}\nservices: {{}}\n")
    program(tmp_path / "bin", "systemctl", 'echo "$@"')
    script = shell(value(units(str(base))[COLLECTOR], "ExecStart"))
    done = execute(script, base, tmp_path / "bin")
    assert (done.returncode, done.stdout) == (
        0,
        "start --no-block tgi@b.service tgi@llama-3.1-8b.service\n",
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    assert execute(script, empty, tmp_path / "bin").stdout == ""


@pytest.mark.parametrize(
    ("state", "brought"),
    [
        ("", True),
        ("running ", True),
        ("exited ", False),
        ('exited could not select device driver "cdi" with capabilities: [[gpu]]', True),
        ("created CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=0", True),
    ],
)
def test_what_was_stopped_on_purpose_stays_so(tmp_path: Path, state: str, brought: bool) -> None:
    script = 'case "$1" in compose) [ -z "$state" ] || echo 1f;; inspect) echo "$state";; esac'
    program(tmp_path / "bin", "docker", f"state='{state}'\n{script}")
    condition = shell(value(units("/opt/tgi")[MODEL], "ExecCondition"))
    assert (execute(condition, tmp_path, tmp_path / "bin").returncode == 0) is brought


class Host:
    """A host's programs: what was run, and which containers run."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.containers: list[dict[str, Any]] = []
        self.state = "inactive"

    def __call__(self, command: list[str], **__: Any) -> tuple[int, str, str]:
        self.ran.append(" ".join(command[:2]))
        if command[1] == "show":
            return 0, f"{self.state}\n", ""
        if command[1] == "ps":
            return 0, "1f\n" * len(self.containers), ""
        return 0, "".join(f"{json.dumps(one)}\n" for one in self.containers), ""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host()
    basic = "ansible.module_utils.basic.AnsibleModule"
    monkeypatch.setattr(f"{basic}.get_bin_path", lambda _, name, *__, **___: name)
    monkeypatch.setattr(f"{basic}.run_command", made)
    return made


def test_made_once_and_unmade(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(**more: Any) -> dict[str, Any]:
        return run(load("tgi_boot_units"), capsys, directory=str(tmp_path), **more)

    assert ask(check=True)["changed"] is True
    assert (list(tmp_path.iterdir()), host.ran) == ([], [])
    assert ask()["changed"] is True
    assert "systemctl daemon-reload" in host.ran
    assert in_place("/opt/tgi", tmp_path)
    assert link(tmp_path).resolve() == tmp_path / COLLECTOR
    host.ran.clear()
    assert (ask()["changed"], host.ran) == (False, [])
    assert ask(base_dir="/srv/tgi")["did"] == [
        f"wrote {tmp_path / name}" for name in (COLLECTOR, MODEL)
    ]
    assert ask(state="absent")["changed"] is True
    assert "systemctl stop" in host.ran
    assert [path.name for path in tmp_path.rglob("*") if not path.is_dir()] == []
    assert ask(state="absent")["changed"] is False


@pytest.mark.parametrize(
    ("hosted", "reloaded"),
    [
        ({"DeviceRequests": [{"Driver": "cdi"}]}, True),
        ({"DeviceRequests": None, "Runtime": "runc"}, True),
        ({"DeviceRequests": [{"Driver": ""}]}, False),
        ({"Runtime": "nvidia"}, False),
    ],
)
def test_no_reload_that_could_take_a_gpu(
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    hosted: dict[str, Any],
    reloaded: bool,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(
        "ansible.module_utils.basic.AnsibleModule.warn", lambda _, w: said.append(w)
    )
    host.containers = [{"name": "/other", "labels": None, "host": hosted}]
    assert run(load("tgi_boot_units"), capsys, directory=str(tmp_path))["changed"] is True
    assert ("systemctl daemon-reload" in host.ran) is reloaded
    assert [words.split()[0] for words in said] == ([] if reloaded else ["other"])


@pytest.mark.parametrize(
    ("state", "stopped"), [("inactive", False), ("failed", True), ("activating", True)]
)
def test_a_model_that_goes_is_forgotten(
    host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str], state: str, stopped: bool
) -> None:
    host.state = state
    answer = run(load("tgi_boot_units"), capsys, directory=str(tmp_path), forget="llama-3.1-8b")
    assert answer["changed"] is stopped
    assert (host.ran[1:] == ["systemctl stop", "systemctl reset-failed"]) is stopped
    assert list(tmp_path.iterdir()) == []
