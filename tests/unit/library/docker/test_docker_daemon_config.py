"""Test the module docker_daemon_config with fake dockerd and docker."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.run_module import load, run
from tests.support.tls_pairs import make

Run = Callable[..., dict[str, Any]]
PEM = make().certificate
OURS = {"live-restore": True, "features": {"cdi": True}}


class Host:
    """A directory with a daemon.json, and a PATH with the test's programs only."""

    def __init__(self, root: Path) -> None:
        self.file, self.bin, self.root = root / "docker/daemon.json", root / "bin", root
        self.bin.mkdir()
        self.program("systemctl", "exit 0")
        self.shims = 0
        self.warned: list[str] = []
        self.module: Any = None

    def program(self, name: str, script: str) -> None:
        (self.bin / name).write_text(f'#!/bin/sh\necho "$0 $*" >> {self.root}/calls\n{script}\n')
        (self.bin / name).chmod(0o755)

    def write(self, text: str, mode: int = 0o644) -> None:
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(text)
        self.file.chmod(mode)

    def calls(self) -> str:
        path = self.root / "calls"
        return path.read_text() if path.exists() else ""

    def files(self) -> list[str]:
        return sorted(p.name for p in self.file.parent.glob("*"))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def apply(host: Host, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    module: Any = load("docker_daemon_config")
    host.module = module
    monkeypatch.setattr(module, "objection", lambda *_: "")

    def find(_module: Any, name: str, *_args: Any, **_more: Any) -> str | None:
        return str(host.bin / name) if (host.bin / name).exists() else None

    monkeypatch.setattr(module.AnsibleModule, "get_bin_path", find)
    monkeypatch.setattr(module, "shims", lambda: host.shims)
    monkeypatch.setattr(module.AnsibleModule, "warn", lambda _self, text: host.warned.append(text))

    def call(
        check: bool = False,
        defaults: Any = None,
        proxies: Any = None,
        authorities: Any = None,
        fresh: Any = None,
        raw: Any = None,
        own: Any = None,
        secrets: Any = None,
        **settings: Any,
    ) -> dict[str, Any]:
        if raw is None:
            raw = settings or OURS
        more = {"settings": raw, "defaults": defaults or {}, "fresh": fresh or {}}
        more |= {"own": own or {}, "proxies": proxies or {}, "authorities": authorities or {}}
        more["secrets"] = secrets or {}
        return run(module, capsys, check, path=str(host.file), **more)

    return call


def test_first_file(apply: Run, host: Host) -> None:
    answer = apply()
    assert answer["changed"] is True
    assert answer["changed_keys"] == ["features", "live-restore"]
    assert json.loads(host.file.read_text()) == OURS
    assert host.file.stat().st_mode & 0o777 == 0o644
    assert host.files() == ["daemon.json", "daemon.json.original-tgi-ansible"]
    assert answer["diff"]["before"] == ""
    again = apply()
    assert (again["changed"], again["restart_required"]) == (False, False)
    assert "running" not in again


UNIT = "echo 'ExecStart={{ path=/d ; argv[]=/usr/bin/dockerd {} ; ignore_errors=no }}'"


def test_hosts_in_the_file_stay_where_the_unit_passes_none(apply: Run, host: Host) -> None:
    host.program("systemctl", UNIT.format("--containerd=/c"))
    host.write('{"hosts": ["fd://", "tcp://127.0.0.1:2375"]}')
    assert apply(debug=True)["changed_keys"] == ["debug"]
    assert json.loads(host.file.read_text())["hosts"] == ["fd://", "tcp://127.0.0.1:2375"]


def test_an_option_of_the_unit_is_no_key_too(apply: Run, host: Host) -> None:
    host.program("systemctl", UNIT.format("-H fd:// --log-driver=journald"))
    refused = apply(defaults={"log-driver": "local"})
    assert (
        refused["failed"]
        and "must not set log-driver: Docker's unit passes --log-driver" in (refused["msg"])
    )
    assert not host.file.exists()
    # The remedy of the message
    answer = apply(raw={**OURS, "log-driver": None})
    assert "log-driver" not in json.loads(host.file.read_text()) and answer["changed"]


def test_the_umask_does_not_matter(apply: Run, host: Host) -> None:
    before = os.umask(0o077)
    try:
        apply()
    finally:
        os.umask(before)
    assert host.file.stat().st_mode & 0o777 == 0o644


def test_foreign_settings_and_mode_stay_and_the_file_before_is_kept(apply: Run, host: Host) -> None:
    text = '{"dns":["10.0.0.1"],\n\n"features":{"containerd-snapshotter":false}}'
    host.write(text, 0o600)
    answer = apply()
    assert json.loads(host.file.read_text()) == {
        "dns": ["10.0.0.1"],
        "features": {"containerd-snapshotter": False, "cdi": True},
        "live-restore": True,
    }
    assert host.file.stat().st_mode & 0o777 == 0o600
    backup = host.file.with_name("daemon.json.before-tgi-ansible")
    assert backup.read_text() == text
    assert "dns" in answer["diff"]["before"] and "cdi" in answer["diff"]["after"]


def test_odd_formatting_is_no_change(apply: Run, host: Host) -> None:
    text = '{"features":   {"cdi":true},"live-restore":true}'
    host.write(text)
    assert apply()["changed"] is False
    assert host.file.read_text() == text


def test_a_link_is_followed(apply: Run, host: Host) -> None:
    host.write("{}")
    real = host.root / "elsewhere.json"
    host.file.rename(real)
    host.file.symlink_to(real)
    apply()
    assert host.file.is_symlink()
    assert json.loads(real.read_text()) == OURS


def test_check_mode_writes_nothing(apply: Run, host: Host) -> None:
    assert apply(check=True)["changed"] is True
    assert not host.file.parent.exists()
    host.program("dockerd", "echo 'unknown directive' >&2; exit 1")
    assert apply(check=True)["failed"] is True


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "broken file": ('{"a"', OURS, "is not valid JSON"),
    "hosts": ("", {"hosts": []}, "must not set hosts"),
    "hosts in the file": ('{"hosts": []}', OURS, "must not set hosts"),
    "default-runtime": ("", {"default-runtime": "nvidia"}, "which runtimes does not define"),
    "log-driver": ("", {"log-driver": "bogus"}, "log-driver bogus does not exist"),
    "runtime": ("", {"runtimes": {"x": {"path": "/no/such"}}}, "runtimes.x: its path /no/such"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_settings_change_nothing(case: str, apply: Run, host: Host) -> None:
    text, settings, words = REFUSED[case]
    host.write(text)
    answer = apply(**settings)
    assert answer["failed"] is True
    assert words in answer["msg"]
    assert (host.file.read_text(), host.files()) == (text, ["daemon.json"])


def test_the_daemon_itself_refuses(apply: Run, host: Host) -> None:
    host.write("{}")
    host.program("dockerd", 'echo "unable to configure with file $3: bogus" >&2; exit 1')
    answer = apply()
    assert answer["msg"] == (
        "dockerd refuses the settings, nothing was changed: "
        "unable to configure with file daemon.json: bogus"
    )
    assert host.file.read_text() == "{}"


def test_the_daemon_accepts_what_it_is_shown(apply: Run, host: Host) -> None:
    host.program("dockerd", f'cat "$3" > {host.root}/seen')
    apply()
    assert json.loads((host.root / "seen").read_text()) == OURS
    assert "--validate --config-file" in host.calls()


def test_a_daemon_too_old_to_be_asked_is_no_refusal(apply: Run, host: Host) -> None:
    host.program("dockerd", "echo 'unknown flag: --validate' >&2; exit 125")
    assert apply()["changed"] is True


EFFECTS = [
    ({"live-restore": True}, False),
    ({"registry-mirrors": ["https://m.example.org"]}, False),
    ({"runtimes": {"nvidia": {"path": "/bin/sh"}}}, False),
    ({"features": {"cdi": True}}, True),
    ({"log-driver": "local"}, True),
    ({"live-restore": True, "icc": False}, True),
]


@pytest.mark.parametrize(("settings", "restart"), EFFECTS)
def test_reload_or_restart(settings: dict[str, Any], restart: bool, apply: Run) -> None:
    assert apply(**settings)["restart_required"] is restart


@pytest.mark.parametrize(("code", "running"), [(0, True), (3, False)])
def test_it_tells_whether_a_daemon_runs(code: int, running: bool, apply: Run, host: Host) -> None:
    host.program("systemctl", f"exit {code}")
    assert apply()["running"] is running
    assert "systemctl is-active --quiet docker" in host.calls()


@pytest.mark.parametrize("key", ["data-root", "storage-driver"])
def test_what_would_orphan_containers_waits_for_them(key: str, apply: Run, host: Host) -> None:
    host.program("docker", "printf 'aaa\\nbbb\\n'")
    answer = apply(**{key: "other"})
    assert f"{key} cannot change while 2 containers exist" in answer["msg"]
    assert "docker ps --all --quiet" in host.calls(), "stopped ones would be lost too"
    assert not host.file.exists()
    assert apply()["changed"] is True, "other settings may"
    host.program("docker", "exit 1")
    host.shims = 3
    assert "while 3 containers exist" in apply(**{key: "other"})["msg"], "no daemon, but they run"
    host.program("docker", "exit 0")
    assert apply(**{key: "other"})["changed"] is True


def test_plugins_are_asked_for_only_when_a_driver_may_be_one(apply: Run, host: Host) -> None:
    host.program("docker", "echo loki:latest")
    apply(**{"log-driver": "local"})
    assert "plugin ls" not in host.calls()
    assert apply(**{"log-driver": "loki"})["changed"] is True
    assert apply(**{"log-driver": "lokii"})["failed"] is True


LOGGING = {"log-driver": "local", "log-opts": {"max-size": "50m"}}


@pytest.mark.parametrize(
    "own",
    [
        {"log-driver": "json-file", "log-opts": {"max-file": "3"}},
        {"log-driver": "journald"},
        {"log-opts": {"labels": "x"}},
    ],
)
def test_the_sites_own_logging_stays(own: dict[str, Any], apply: Run, host: Host) -> None:
    host.write(json.dumps(own))
    apply(defaults=LOGGING)
    assert json.loads(host.file.read_text()) == {**OURS, **own}


def test_defaults_fill_a_file_without_logging(apply: Run, host: Host) -> None:
    apply(defaults=LOGGING, **{"log-opts": {"max-size": "9m"}})
    assert json.loads(host.file.read_text())["log-opts"] == {"max-size": "9m"}
    assert apply(defaults=LOGGING, **{"log-opts": {"max-size": "9m"}})["changed"] is False


def unit(host: Host, started: float) -> None:
    """Fake a daemon that started ``started`` seconds from now."""
    moment = int((time.monotonic() + started) * 1e6)
    lines = f"ExecMainStartTimestampMonotonic={moment}\\nStateChangeTimestampMonotonic={moment}"
    host.program("systemctl", f"printf 'ActiveState=active\\n{lines}\\n'")


def test_what_an_aborted_run_wrote_is_yet_to_be_applied(apply: Run, host: Host) -> None:
    host.write('{"dns": []}')
    apply()
    unit(host, -60)
    again = apply()
    assert (again["changed"], again["changed_keys"]) == (True, ["features", "live-restore"])
    assert (again["running"], again["restart_required"]) == (True, True)
    apply(debug=True)
    kept = Path(again["backup"]).read_text()
    assert kept == '{"dns": []}', "what the daemon runs with is what there is to return to"
    unit(host, 60)
    assert apply()["changed"] is False


def test_a_backup_of_old_is_not_returned_to(apply: Run, host: Host) -> None:
    host.write("{}")
    old = host.file.with_name("daemon.json.before-tgi-ansible")
    host.file.rename(old)
    assert apply()["backup"] == ""
    assert old.with_name(old.name + ".old").read_text() == "{}"
    assert apply(debug=True)["backup"] == str(old)


PROXY = "http://me:w0rd@proxy.example.org:3128"


def test_a_proxys_password_is_for_root_and_in_no_answer(apply: Run, host: Host) -> None:
    given = {"https": PROXY, "no_proxy": "localhost,10.0.0.0/8"}
    answer = apply(proxies=given)
    assert json.loads(host.file.read_text())["proxies"] == {
        "https-proxy": PROXY,
        "no-proxy": "localhost,10.0.0.0/8",
    }
    assert host.file.stat().st_mode & 0o777 == 0o600
    assert answer["restart_required"] is True
    assert "w0rd" not in json.dumps({**answer, "invocation": ""})
    assert "***@proxy.example.org" in answer["diff"]["after"]
    assert apply(proxies=given)["changed"] is False
    apply(proxies=given, debug=True)
    kept = host.file.with_name("daemon.json.before-tgi-ansible")
    assert (kept.stat().st_mode & 0o777, PROXY in kept.read_text()) == (0o600, True)


def test_a_log_drivers_token_is_for_root_and_in_no_answer(apply: Run, host: Host) -> None:
    token = {"log-opts": {"splunk-token": "w0rd"}}
    answer = apply(secrets=token, **{"log-opts": {"max-size": "1m"}})
    assert json.loads(host.file.read_text())["log-opts"] == {
        "splunk-token": "w0rd",
        "max-size": "1m",
    }
    assert host.file.stat().st_mode & 0o777 == 0o600
    assert "w0rd" not in json.dumps({**answer, "invocation": ""})


def test_a_password_that_others_may_read_is_taken_from_them(apply: Run, host: Host) -> None:
    host.write(json.dumps({**OURS, "proxies": {"http-proxy": PROXY}}))
    assert apply(check=True)["changed"] is True
    answer = apply()
    assert (answer["changed"], answer["changed_keys"]) == (True, [])
    assert host.file.stat().st_mode & 0o777 == 0o600
    assert apply()["changed"] is False


def test_authorities_stand_where_docker_looks(apply: Run, host: Host) -> None:
    certs = host.file.parent / "certs.d"
    given = {"registry.example.org:5000": PEM, "other.example.org": PEM}
    assert apply(check=True, authorities=given)["authorities"] != []
    assert not certs.exists()
    first = apply(authorities=given)
    assert len(first["authorities"]) == 2
    file = certs / "registry.example.org:5000/ca.crt"
    assert PEM.strip() in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o444
    again = apply(authorities=given)
    assert (again["changed"], again["changed_keys"]) == (False, [])
    (certs / "site").mkdir()
    (certs / "site/ca.crt").write_text(PEM)
    fewer = apply(authorities={"other.example.org": PEM})
    assert fewer["authorities"] == [str(certs / "registry.example.org:5000/ca.crt")]
    assert (fewer["restart_required"], (certs / "site/ca.crt").read_text()) == (False, PEM)


def test_an_authority_that_is_not_ours_is_backed_up(apply: Run, host: Host) -> None:
    path = host.file.parent / "certs.d/r/ca.crt"
    path.parent.mkdir(parents=True)
    path.write_text(PEM)
    assert apply(authorities={"r": PEM})["authorities"] == [], "the same text is the same"
    path.write_text("another")
    assert apply(authorities={"r": PEM})["authorities"] == [str(path)]
    assert path.with_name("ca.crt.before-tgi-ansible").read_text() == "another"


def test_a_bad_authority_changes_nothing(apply: Run, host: Host) -> None:
    answer = apply(authorities={"registry.example.org": "no certificate"})
    assert answer["msg"].startswith("docker_registry_cas.registry.example.org is not a PEM")
    assert not host.file.exists()


@pytest.mark.parametrize("text", ["", '{"dns": ["10.0.0.1"],\n "debug": true}'])
def test_what_the_role_found_is_kept_once(text: str, apply: Run, host: Host) -> None:
    if text:
        host.write(text, 0o640)
    original = host.file.with_name("daemon.json.original-tgi-ansible")
    apply(check=True)
    assert not original.exists()
    apply()
    apply(debug=False)
    assert original.read_text() == text
    assert original.stat().st_mode & 0o777 == (0o640 if text else 0o644)


HARD = {"icc": False, "no-new-privileges": True}


def test_an_unused_engine_is_hardened(apply: Run, host: Host) -> None:
    assert apply(fresh=HARD)["changed_keys"] == [
        "features",
        "icc",
        *list(OURS)[:1],
        *list(HARD)[1:],
    ]
    assert json.loads(host.file.read_text()) == {**OURS, **HARD}
    host.program("docker", "echo aaa")
    assert apply(fresh=HARD)["changed"] is False, "with containers of its own now"


def test_an_engine_in_use_is_not(apply: Run, host: Host) -> None:
    host.program("docker", "echo aaa")
    apply(fresh=HARD)
    assert json.loads(host.file.read_text()) == OURS
    assert "docker ps --all --quiet" in host.calls()
    apply(fresh=HARD, icc=False)
    assert json.loads(host.file.read_text())["icc"] is False, "it may be asked for"


def test_hardening_settings_of_the_user_stay(apply: Run, host: Host) -> None:
    host.write('{"icc": true}')
    apply(fresh=HARD)
    assert json.loads(host.file.read_text()) == {**OURS, **HARD, "icc": True}


def test_log_settings_of_ours_follow_what_is_asked(apply: Run, host: Host) -> None:
    apply(defaults=LOGGING)
    bigger = {**LOGGING, "log-opts": {"max-size": "90m"}}
    assert apply(defaults=bigger)["changed_keys"] == ["log-opts"]
    assert json.loads(host.file.read_text())["log-opts"] == {"max-size": "90m"}
    host.write('{"log-driver": "journald"}')
    apply(defaults=LOGGING)
    assert json.loads(host.file.read_text())["log-driver"] == "journald", "replaced by hand"


def test_networks_wait_for_the_last_container(apply: Run, host: Host) -> None:
    host.program("docker", "echo aaa")
    apply(**{"userland-proxy": False, "debug": True})
    (warning,) = host.warned
    assert warning.startswith("userland-proxy: Docker keeps its networks while containers run")
    apply(debug=False)
    host.program("docker", "exit 0")
    apply(icc=False)
    assert len(host.warned) == 1


def test_an_authorization_plugin_must_be_there(apply: Run, host: Host) -> None:
    host.program("docker", "echo opa:latest")
    assert apply(**{"authorization-plugins": ["opa"]})["changed"] is True
    answer = apply(**{"authorization-plugins": ["nosuch"]})
    assert answer["msg"].startswith("authorization-plugins names nosuch, which is not installed")


def test_a_null_takes_out_what_the_role_put_in(apply: Run, host: Host) -> None:
    """The role also passes proxies; a null of the user overrides them."""
    given = {"proxies": {"http": PROXY}, "fresh": HARD}
    apply(raw={}, **given)
    assert {"icc", "proxies"} <= set(json.loads(host.file.read_text()))
    nulls = {"proxies": None, "icc": None}
    assert apply(raw=nulls, **given)["changed"] is True
    assert json.loads(host.file.read_text()) == {"no-new-privileges": True}
    assert apply(raw=nulls, **given)["changed"] is False


def test_a_restart_that_would_fail_is_tried_elsewhere(
    apply: Run, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse(dockerd: str, _before: Any, after: Any, _flags: Any) -> str:
        asked.append(dockerd)
        return "no such option" if "storage-opts" in after else ""

    monkeypatch.setattr(host.module, "objection", refuse)
    host.program("dockerd", "exit 0")
    bad = {"storage-opts": ["x"]}
    assert apply(**bad)["changed"] is True, "nothing runs that it would harm"
    host.program("docker", "echo aaa")
    host.file.unlink()
    assert apply(check=True, **bad)["changed"] is True
    assert apply(debug=True)["changed"] is True, "a reload is no start"
    assert asked == []
    answer = apply(**bad)
    assert answer["msg"] == ("dockerd refuses the settings, nothing was changed: no such option")
    assert json.loads(host.file.read_text()) == {"debug": True}


def test_an_emptied_variable_takes_its_setting_out(apply: Run, host: Host) -> None:
    host.write('{"dns": ["10.0.0.1"]}')
    own = {"registry-mirrors": ["https://m"]}
    apply(raw=own, own=own, proxies={"http": PROXY})
    assert set(json.loads(host.file.read_text())) == {"dns", "registry-mirrors", "proxies"}
    assert apply(check=True, raw={}, own={})["changed"] is True
    answer = apply(raw={}, own={})
    assert answer["changed_keys"] == ["proxies", "registry-mirrors"]
    assert json.loads(host.file.read_text()) == {"dns": ["10.0.0.1"]}
    assert apply(raw={}, own={})["changed"] is False
