"""Test the removal of Docker: its previous settings, and containers that forbid it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.docker.daemon_record import undo
from ansible.module_utils.tgi.docker.registry_certificates import MARK

from tests.support.run_module import load, run

OURS: dict[str, Any] = {
    "live-restore": True,
    "features": {"cdi": True},
    "log-driver": "local",
    "log-opts": {"max-size": "50m", "max-file": "5"},
    "gone": None,
}
MERGED = {key: value for key, value in OURS.items() if value is not None}


@pytest.mark.parametrize(
    ("original", "current", "left"),
    [
        ({}, MERGED, {}),
        ({"debug": True}, {**MERGED, "debug": True}, {"debug": True}),
        ({"live-restore": True}, MERGED, {"live-restore": True}),
        ({"live-restore": False}, MERGED, {"live-restore": False}),
        # Changed by hand since
        ({}, {**MERGED, "live-restore": False}, {"live-restore": False}),
        ({}, {**MERGED, "features": {"cdi": True, "x": False}}, {"features": {"x": False}}),
        ({"features": {"cdi": False}}, MERGED, {"features": {"cdi": False}}),
        ({"features": {}}, MERGED, {"features": {}}),
        # Removed by a null, or with the driver it belonged to
        ({"gone": 1}, MERGED, {"gone": 1}),
        (
            {"log-driver": "syslog", "log-opts": {"tag": "x"}},
            {**MERGED, "log-opts": {"max-size": "50m", "max-file": "5"}},
            {"log-driver": "syslog", "log-opts": {"tag": "x"}},
        ),
    ],
)
def test_what_is_left_of_the_settings(
    original: dict[str, Any], current: dict[str, Any], left: dict[str, Any]
) -> None:
    assert undo(current, original, OURS) == left


def ask(path: Path, capsys: pytest.CaptureFixture[str], check: bool = False) -> dict[str, Any]:
    settings = {"live-restore": True}
    return run(load("docker_daemon_undo"), capsys, check, path=str(path), settings=settings)


def test_the_file_from_before_comes_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "docker" / "daemon.json"
    path.parent.mkdir()
    path.write_text('{"live-restore": true, "debug": true}')
    (path.parent / "daemon.json.original-tgi-ansible").write_text('{"debug": false}')
    (path.parent / "daemon.json.before-tgi-ansible").write_text('{"live-restore": true}')
    assert ask(path, capsys, check=True)["changed"] is True
    assert len(list(path.parent.iterdir())) == 3
    assert ask(path, capsys)["changed"] is True
    assert [file.name for file in path.parent.iterdir()] == ["daemon.json"]
    assert json.loads(path.read_text()) == {"debug": True}
    assert ask(path, capsys)["changed"] is False


def test_our_authorities_go_and_the_replaced_one_returns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificates = tmp_path / "certs.d"
    for registry, text in (("ours", MARK), ("replaced", MARK), ("others", "theirs")):
        (certificates / registry).mkdir(parents=True)
        (certificates / registry / "ca.crt").write_text(text)
    (certificates / "replaced" / "ca.crt.before-tgi-ansible").write_text("before")
    assert ask(tmp_path / "daemon.json", capsys)["changed"] is True
    left = {str(file.relative_to(certificates)): file for file in certificates.glob("*/*")}
    assert sorted(left) == ["others/ca.crt", "replaced/ca.crt"]
    assert left["replaced/ca.crt"].read_text() == "before"
    assert ask(tmp_path / "daemon.json", capsys)["changed"] is False


def test_no_file_from_before_is_none_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "docker" / "daemon.json"
    path.parent.mkdir()
    path.write_text('{"live-restore": true}')
    (path.parent / "daemon.json.original-tgi-ansible").write_text("")
    assert ask(path, capsys)["changed"] is True
    assert not path.parent.exists()
    assert ask(path, capsys)["changed"] is False


def test_a_file_that_was_never_written_is_not_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "daemon.json"
    path.write_text('{"live-restore":true}')
    assert ask(path, capsys)["changed"] is False
    assert path.read_text() == '{"live-restore":true}'


def container(name: str, project: str = "", **host: Any) -> dict[str, Any]:
    labels = {"com.docker.compose.project.working_dir": project} if project else None
    return {"name": f"/{name}", "labels": labels, "host": host}


CDI: dict[str, Any] = {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=0"]}]}


@pytest.mark.parametrize(
    ("what", "refused"),
    [("engine", ["trainer", "web"]), ("gpus", ["trainer"])],
)
def test_containers_that_are_not_ours_forbid_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    what: str,
    refused: list[str],
) -> None:
    there = [container("web"), container("trainer", **CDI), container("ours", "/opt/tgi/a", **CDI)]

    def answer(_: Any, command: list[str]) -> tuple[int, str, str]:
        rows = there if command[1] == "inspect" else [{}] * 3
        return 0, "".join(f"{json.dumps(row).replace(' ', '')}\n" for row in rows), ""

    basic = "ansible.module_utils.basic.AnsibleModule"
    monkeypatch.setattr(f"{basic}.get_bin_path", lambda _, name, *__, **___: name)
    monkeypatch.setattr(f"{basic}.run_command", answer)
    module = load("docker_in_use")
    said = run(module, capsys, what=what, except_below="/opt/tgi")
    assert (said["failed"], said["containers"]) == (True, refused)
    assert said["msg"].startswith(", ".join(refused))
    assert "ours" in run(module, capsys, what=what)["containers"]
    there[:2] = []
    assert run(module, capsys, what=what, except_below="/opt/tgi")["changed"] is False


def test_a_daemon_that_does_not_answer_has_left_processes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    basic = "ansible.module_utils.basic.AnsibleModule"
    monkeypatch.setattr(f"{basic}.get_bin_path", lambda _, name, *__, **___: name)
    monkeypatch.setattr(f"{basic}.run_command", lambda *_: (1, "", "no daemon"))
    module = load("docker_in_use")
    for count, failed in ((0, False), (1, True)):
        monkeypatch.setattr(module, "shims", lambda found=count: found)
        assert bool(run(module, capsys, what="engine").get("failed")) is failed
