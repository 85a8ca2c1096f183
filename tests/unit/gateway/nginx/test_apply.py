"""Test that nginx serves the new configuration, or the old one and the play fails."""

from __future__ import annotations

import errno
import hashlib
import shutil
from pathlib import Path

import pytest
from ansible.module_utils.tgi.gateway.nginx import release as gateway_release
from ansible.module_utils.tgi.gateway.nginx import unit_files
from ansible.module_utils.tgi.gateway.nginx.outcome import ApplyError

from tests.support.nginx_fakes import release, system


def test_the_first_takes_over_and_the_second_run_changes_nothing(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    wanted = release(tmp_path)
    first = gateway.put_in_force(wanted)
    assert first.changed
    assert nginx.serving == wanted.version
    assert (tmp_path / "tgi-gateway/replaced/nginx.conf").read_text() == "the distribution's\n"
    nginx.asked.clear()
    assert not gateway.put_in_force(wanted).changed
    assert nginx.asked == []


def test_a_secret_alone_is_a_new_version_and_never_shown(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    gateway.put_in_force(release(tmp_path))
    outcome = gateway.put_in_force(release(tmp_path, secret="other"))
    assert outcome.changed
    assert nginx.serving == release(tmp_path, secret="other").version
    assert "s3cret" not in str(outcome.diff)
    assert "other" not in str(outcome.diff)
    assert "tls.key" in str(outcome.diff)


def test_check_mode_says_so_and_touches_nothing(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path, check_mode=True)
    before = sorted(tmp_path.rglob("*"))
    outcome = gateway.put_in_force(release(tmp_path))
    assert outcome.changed
    assert outcome.diff
    assert sorted(tmp_path.rglob("*")) == before
    assert nginx.asked == []


def test_what_nginx_refuses_is_never_put_in_force(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    old, new = release(tmp_path), release(tmp_path, "worse")
    gateway.put_in_force(old)
    nginx.refuses = {new.version}
    nginx.asked.clear()
    with pytest.raises(ApplyError, match=r"nothing changed: \[emerg\]"):
        gateway.put_in_force(new)
    assert "reload" not in nginx.asked
    assert gateway.link.version() == nginx.serving == old.version
    assert not new.directory.exists()


def test_a_reload_that_does_not_take_is_taken_back(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    old, new = release(tmp_path), release(tmp_path, "busy port")
    gateway.put_in_force(old)
    nginx.ignores = {new.version}
    with pytest.raises(ApplyError, match=r"bind\(\).*back in place and served"):
        gateway.put_in_force(new)
    assert gateway.link.version() == nginx.serving == old.version
    # The old version names its own status port; the new one may have another
    assert nginx.status_urls == ["http://127.0.0.1:8079/config-version"]


@pytest.mark.parametrize("fails", ["release.write", "kept copy", "link", "rotation"])
def test_a_full_disk_leaves_no_half_of_a_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    gateway, nginx = system(
        tmp_path, drop_in="[Service]\n", rotation={"tgi-gateway-logs.conf": "a"}
    )
    before = sorted(tmp_path.rglob("*"))
    with monkeypatch.context() as patch:
        if fails == "release.write":
            patch.setattr(gateway_release, "write", full)
        elif fails == "rotation":
            patch.setattr(unit_files, "write", full)
        else:
            where, name = (shutil, "copy2") if fails == "kept copy" else (Path, "symlink_to")
            patch.setattr(where, name, full)
        with pytest.raises(OSError, match="No space left"):
            gateway.put_in_force(release(tmp_path))
    assert (tmp_path / "nginx.conf").read_text() == "the distribution's\n"
    assert not (tmp_path / "tgi-gateway").exists()
    assert gateway.host.confines_anew()
    assert "reload" not in nginx.asked
    assert set(before) <= set(tmp_path.rglob("*"))
    assert gateway.put_in_force(release(tmp_path)).changed
    old = release(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(gateway_release, "write", full)
        with pytest.raises(OSError, match="No space left"):
            gateway.put_in_force(release(tmp_path, "# more\n"))
    assert gateway.link.version() == nginx.serving == old.version
    assert not release(tmp_path, "# more\n").directory.exists()


def test_a_takeover_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    nginx.running = False
    new = release(tmp_path)
    nginx.breaks = {new.version}
    with pytest.raises(ApplyError, match="nginx is stopped as before"):
        gateway.put_in_force(new)
    assert (tmp_path / "nginx.conf").read_text() == "the distribution's\n"
    assert not (tmp_path / "nginx.conf").is_symlink()
    assert not (tmp_path / "tgi-gateway").exists()


def test_a_stopped_or_stale_process_is_drift(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    wanted = release(tmp_path)
    gateway.put_in_force(wanted)
    nginx.stop()
    assert gateway.put_in_force(wanted).did == [
        "reload or start nginx, which does not serve its configuration"
    ]
    assert nginx.running
    nginx.serving = "an older one"
    assert gateway.put_in_force(wanted).changed
    assert nginx.serving == wanted.version


def test_an_installed_update_takes_over_without_a_restart(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    gateway.put_in_force(release(tmp_path))
    nginx.is_outdated = True
    nginx.asked.clear()
    outcome = gateway.put_in_force(release(tmp_path))
    assert outcome.did == ["replace the running nginx by the installed version"]
    assert nginx.asked[-1] == "replace"
    assert not gateway.put_in_force(release(tmp_path)).changed


def test_installed_packages_are_returned_though_no_version_was_in_force(tmp_path: Path) -> None:
    gateway, _ = system(tmp_path)
    (tmp_path / "tgi-gateway").mkdir()
    (tmp_path / "tgi-gateway/packages").write_text("nginx\nnjs\n")
    assert gateway.withdraw()[1] == ["nginx", "njs"]
    assert not (tmp_path / "tgi-gateway").exists()


def test_a_file_changed_by_hand_is_drift(tmp_path: Path) -> None:
    gateway, _ = system(tmp_path)
    wanted = release(tmp_path)
    gateway.put_in_force(wanted)
    (wanted.directory / "nginx.conf").write_text("mine\n")
    assert gateway.put_in_force(wanted).changed
    assert wanted.stale() == []


def test_boot_is_drift_too(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    gateway.put_in_force(release(tmp_path))
    nginx.starts_at_boot = False
    assert gateway.put_in_force(release(tmp_path)).changed
    assert nginx.starts_at_boot


@pytest.mark.parametrize("other", ["sites-enabled/shop", "conf.d/shop.conf"])
def test_sites_that_are_not_ours_are_not_replaced_silently(tmp_path: Path, other: str) -> None:
    gateway, _ = system(tmp_path)
    (tmp_path / other).parent.mkdir()
    (tmp_path / other).touch()
    with pytest.raises(ApplyError, match=r"shop.*gateway_other_sites"):
        gateway.put_in_force(release(tmp_path))
    assert not (tmp_path / "tgi-gateway").exists()
    assert gateway.put_in_force(release(tmp_path), "replace").changed


def test_the_default_site_does_not_count_until_it_is_edited(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    site = tmp_path / "sites-available/default"
    for directory in ("sites-enabled", "sites-available"):
        (tmp_path / directory).mkdir()
    (tmp_path / "sites-enabled/default").symlink_to(site)
    site.write_text("server { root /srv/shop; }\n")
    nginx.package = {str(site): hashlib.md5(b"server {}\n").hexdigest()}
    with pytest.raises(ApplyError, match=r"sites-enabled/default\)"):
        gateway.put_in_force(release(tmp_path))
    site.write_text("server {}\n")
    assert gateway.put_in_force(release(tmp_path)).changed


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("http { server { listen 80; } }\n", True),
        ("http {\n\tserver\n\t{\n}}\n", True),
        ("worker_processes 9; # server { }\nmail {\n#\tserver {\n}\n", False),
        ("http { upstream shop { server 192.0.2.1; } log_format a '$server{'; }\n", False),
    ],
)
def test_a_server_in_the_main_file_is_not_ours(tmp_path: Path, text: str, foreign: bool) -> None:
    gateway, _ = system(tmp_path)
    (tmp_path / "nginx.conf").write_text(text)
    if foreign:
        with pytest.raises(ApplyError, match=r"nginx\.conf\)"):
            gateway.put_in_force(release(tmp_path))
        assert (tmp_path / "nginx.conf").read_text() == text
    assert gateway.put_in_force(release(tmp_path), "replace" if foreign else "refuse").changed


def test_withdrawing_restores_and_names_installed_packages(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    gateway.put_in_force(release(tmp_path))
    (tmp_path / "tgi-gateway/packages").write_text("nginx\nnjs\n")
    outcome, packages = gateway.withdraw()
    assert outcome.changed
    assert packages == ["nginx", "njs"]
    assert (tmp_path / "nginx.conf").read_text() == "the distribution's\n"
    assert not (tmp_path / "tgi-gateway").exists()
    assert nginx.asked[-1] == "reload"
    assert gateway.withdraw() == (type(outcome)(), [])


def test_withdrawing_leaves_what_was_replaced_later(tmp_path: Path) -> None:
    gateway, _ = system(tmp_path)
    gateway.put_in_force(release(tmp_path))
    (tmp_path / "nginx.conf").unlink()
    (tmp_path / "nginx.conf").write_text("an admin's later one\n")
    gateway.put_in_force(release(tmp_path))
    outcome, _ = gateway.withdraw()
    later = tmp_path / "tgi-gateway/replaced/nginx.conf.1"
    assert f"left {later}, which the gateway replaced later" in outcome.did
    assert later.read_text() == "an admin's later one\n"
    assert (tmp_path / "nginx.conf").read_text() == "the distribution's\n"
    assert gateway.withdraw() == (type(outcome)(), [])


def test_withdrawing_without_the_replaced_file_is_refused(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    wanted = release(tmp_path)
    gateway.put_in_force(wanted)
    gateway.link.kept.unlink()
    with pytest.raises(ApplyError, match="is missing"):
        gateway.withdraw()
    assert nginx.serving == gateway.link.version() == wanted.version


def test_what_nginx_serves_in_spite_of_is_a_warning(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    assert gateway.put_in_force(release(tmp_path)).warnings == []
    nginx.alerts, nginx.few_files = "setrlimit() failed", "a worker may open 1024 files"
    alert, files = gateway.put_in_force(release(tmp_path, "# more\n")).warnings
    assert alert == "nginx serves, but says: setrlimit() failed; correct that on this host"
    assert files.startswith("a worker may open 1024 files; let the host, or the container")
    assert gateway.put_in_force(release(tmp_path, "# more\n")).changed is False
