"""Test that drop-in and directories exist before nginx starts, and are removed with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.tgi.gateway.nginx import unit_files
from ansible.module_utils.tgi.gateway.nginx.outcome import ApplyError
from ansible.module_utils.tgi.gateway.nginx.service import Nginx

from tests.support.nginx_fakes import release, system

UNIT = "etc/systemd/system/nginx.service.d/tgi-gateway.conf"


def test_a_fresh_nginx_starts_confined(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path, drop_in="[Service]\n")
    nginx.running = False
    outcome = gateway.put_in_force(release(tmp_path))
    assert (tmp_path / UNIT).read_text() == "[Service]\n"
    assert nginx.asked.index("daemon-reload") < nginx.asked.index("start")
    assert "confine nginx" in outcome.did
    assert not gateway.put_in_force(release(tmp_path)).changed


def test_a_running_nginx_is_not_restarted_for_it(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    gateway.put_in_force(release(tmp_path))
    nginx.asked.clear()
    gateway, nginx.asked = system(tmp_path, drop_in="[Service]\n")[0], nginx.asked
    gateway.nginx = nginx  # type: ignore[assignment, unused-ignore]
    outcome = gateway.put_in_force(release(tmp_path))
    assert outcome.did == ["confine nginx, from its next start"]
    assert nginx.asked == []


def test_what_a_confined_nginx_cannot_load_is_refused_before(tmp_path: Path) -> None:
    """Refuse at once what would fail at the next start, perhaps at a boot."""
    gateway, nginx = system(tmp_path, drop_in="[Service]\n")
    nginx.needs_more = True
    with pytest.raises(ApplyError, match="nothing changed: permission denied"):
        gateway.put_in_force(release(tmp_path))
    assert not gateway.host.unit.exists()
    gateway.host.drop_in = ""
    gateway.put_in_force(release(tmp_path))
    gateway.host.drop_in = "[Service]\n"
    with pytest.raises(
        ApplyError, match="would not start with this drop-in, nothing changed: permission"
    ):
        gateway.put_in_force(release(tmp_path))
    assert not gateway.host.unit.exists()


def test_the_drop_ins_lines_become_properties() -> None:
    asked: list[list[str]] = []

    def run(command: list[str]) -> tuple[int, str, str]:
        asked.append(command)
        return (
            1,
            "",
            "nginx: [emerg] mkdir() failed (30: Read-only file system)\nnginx: test failed",
        )

    nginx = Nginx(run, "", [Path("/nowhere")])
    text = "# why\n[Service]\nReadWritePaths=/run -/var\nSystemCallFilter=~@obsolete\n"
    said = nginx.test_confined(Path("/etc/nginx.conf"), text)
    assert said.endswith("(gateway_hardening): mkdir() failed (30: Read-only file system)")
    assert "--property=ReadWritePaths=/run -/var" in asked[0]
    assert asked[0][-5:] == ["nginx", "-t", "-q", "-c", "/etc/nginx.conf"]
    assert nginx.test_confined(Path("/etc/nginx.conf"), "") == ""


def test_without_it_the_drop_in_goes(tmp_path: Path) -> None:
    gateway, _ = system(tmp_path, drop_in="[Service]\n")
    gateway.put_in_force(release(tmp_path))
    gateway.host.drop_in = ""
    assert gateway.put_in_force(release(tmp_path)).changed
    assert not (tmp_path / UNIT).parent.exists()


def test_drain_flags_survive_and_go_with_the_gateway(tmp_path: Path) -> None:
    gateway, _ = system(tmp_path)
    gateway.put_in_force(release(tmp_path))
    flag = tmp_path / "state/drain/model@a"
    flag.touch()
    assert not gateway.put_in_force(release(tmp_path)).changed
    (tmp_path / "state/drain").chmod(0o700)
    assert gateway.put_in_force(release(tmp_path)).changed
    assert flag.exists()
    assert flag.parent.stat().st_mode & 0o777 == 0o755
    assert gateway.withdraw()[0].changed
    assert not (tmp_path / "state").exists()
    assert not gateway.withdraw()[0].changed


def test_needrestart_is_configured_only_where_it_is_installed(tmp_path: Path) -> None:
    gateway, _ = system(tmp_path)
    gateway.put_in_force(release(tmp_path))
    assert not (tmp_path / "etc/needrestart").exists()
    (tmp_path / "etc/needrestart/conf.d").mkdir(parents=True)
    assert gateway.put_in_force(release(tmp_path)).changed
    told = tmp_path / "etc/needrestart/conf.d/tgi-gateway.conf"
    assert r"qr(^nginx\.service$)} = 0;" in told.read_text()
    gateway.withdraw()
    assert not told.exists()
    assert told.parent.exists()


def test_a_takeover_that_fails_takes_the_drop_in_back(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path, drop_in="[Service]\n")
    nginx.running = False
    nginx.breaks = {release(tmp_path).version}
    with pytest.raises(ApplyError):
        gateway.put_in_force(release(tmp_path))
    assert not (tmp_path / UNIT).exists()


def test_check_mode_brings_nothing(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path, check_mode=True, drop_in="[Service]\n")
    outcome = gateway.put_in_force(release(tmp_path))
    assert len(outcome.did) == 4
    assert nginx.asked == []
    assert not (tmp_path / "etc").exists()


ROTATION = {name: f"text of {name}\n" for name in unit_files.ROTATION}


def test_logs_are_rotated_by_size_until_the_gateway_goes(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path, rotation=ROTATION)
    outcome = gateway.put_in_force(release(tmp_path))
    assert "rotate the logs when they are large" in outcome.did
    for name, path in unit_files.ROTATION.items():
        assert (tmp_path / "etc" / path).read_text() == ROTATION[name]
    assert nginx.asked.index("daemon-reload") < nginx.asked.index("enable")
    assert not gateway.put_in_force(release(tmp_path)).changed
    gateway.withdraw()
    assert nginx.asked.index("disable") < nginx.asked.index("stop")
    assert nginx.asked[-1] == "reset-failed"
    assert not list((tmp_path / "etc").rglob("*gateway-logs*"))
    assert not (tmp_path / "etc/tgi-gateway").exists()
    assert not gateway.host.leftovers()
