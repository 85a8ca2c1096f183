"""Test the options that Docker's unit passes, from texts of ``systemctl show``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.docker.daemon_json import DaemonConfigError
from ansible.module_utils.tgi.docker.daemon_rules import refuse_flags
from ansible.module_utils.tgi.docker.unit_flags import PACKAGED, conflicts, options, read_flags

SHOWN = """\
ExecStart={{ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd {} ; ignore_errors=no ; \
start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }}
Environment=HTTP_PROXY=http://p:1 "MORE=--debug --group staff"
EnvironmentFiles=/etc/default/docker (ignore_errors=yes)
"""


def flags(root: Path, argv: str) -> list[str]:
    shown = SHOWN.format(argv) if argv else "ExecStart=\nEnvironment=\n"
    return read_flags(lambda _: (0, shown, ""), "/bin/systemctl", root)


@pytest.mark.parametrize(
    ("argv", "defaults", "found"),
    [
        ("-H fd:// --containerd=/c.sock", "", ["-H", "fd://", "--containerd=/c.sock"]),
        ("--log-driver journald", "", ["--log-driver", "journald"]),
        # Debian's docker.io: the file is where its users write options
        ("-H fd:// $DOCKER_OPTS", "# DOCKER_OPTS=x\n", ["-H", "fd://"]),
        (
            "-H fd:// $DOCKER_OPTS",
            'DOCKER_OPTS="--dns 8.8.8.8 --log-level=warn"\n',
            ["-H", "fd://", "--dns", "8.8.8.8", "--log-level=warn"],
        ),
        ("$MORE", "", ["--debug", "--group", "staff"]),
        ("--label=${MORE}", "", ["--label=--debug --group staff"]),
        # The file wins over the unit
        ("$MORE", "MORE=-D\n", ["-D"]),
        ("-H fd:// --label 'odd", "", ["-H", "fd://", "--label", "'odd"]),
    ],
)
def test_what_the_unit_passes(tmp_path: Path, argv: str, defaults: str, found: list[str]) -> None:
    (tmp_path / "etc/default").mkdir(parents=True)
    (tmp_path / "etc/default/docker").write_text(defaults)
    assert flags(tmp_path, argv) == found


def test_before_the_package_a_drop_in_counts(tmp_path: Path) -> None:
    assert flags(tmp_path, "") == PACKAGED
    assert read_flags(lambda _: (0, "", ""), None, tmp_path) == PACKAGED
    folder = tmp_path / "etc/systemd/system/docker.service.d"
    folder.mkdir(parents=True)
    (folder / "10-hosts.conf").write_text("ExecStart=\nExecStart=/usr/bin/dockerd \\\n -D")
    assert flags(tmp_path, "") == ["-D"]
    (folder / "20-more.conf").write_text("ExecStart=\nExecStart=-/usr/bin/dockerd\n")
    assert flags(tmp_path, "") == []


def test_options_have_their_words() -> None:
    given = ["-H", "fd://", "-Htcp://x", "--dns=1", "-D", "--log-driver", "journald", "-s", "zfs"]
    assert list(options(given)) == [
        ("host", ["-H", "fd://"]),
        ("host", ["-Htcp://x"]),
        ("dns", ["--dns=1"]),
        ("debug", ["-D"]),
        ("log-driver", ["--log-driver", "journald"]),
        ("storage-driver", ["-s", "zfs"]),
    ]
    assert list(options([])) == []


# What dockerd 26.1.5 said to each of them with --validate
@pytest.mark.parametrize(
    ("given", "config", "found"),
    [
        (["-H", "fd://"], {"hosts": ["fd://"]}, [("-H", "hosts")]),
        (["--log-driver=journald"], {"log-driver": "local"}, [("--log-driver", "log-driver")]),
        (["--log-opt", "mode=blocking"], {"log-opts": {"a": "b"}}, [("--log-opt", "log-opts")]),
        (["--add-runtime", "x=/y"], {"runtimes": {"a": {}}}, []),
        (
            ["--http-proxy=http://u:p@y:2"],
            {"proxies": {"http-proxy": "http://x:1"}},
            [("--http-proxy", "http-proxy")],
        ),
        (["--data-root", "/x", "-D"], {"hosts": [], "log-driver": "local"}, []),
        (["-D"], {"debug": True}, [("-D", "debug")]),
        ([], {"hosts": ["fd://"], "debug": True}, []),
    ],
)
def test_settings_given_twice(
    given: list[str], config: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    assert conflicts(given, config) == found
    if found:
        with pytest.raises(DaemonConfigError, match=f"must not set {found[0][1]}: Docker's unit"):
            refuse_flags(config, "/etc/docker/daemon.json", given)
    else:
        refuse_flags(config, "/etc/docker/daemon.json", given)


@pytest.mark.parametrize("given", [["--config-file=/other"], ["--config-file", "/other"]])
def test_a_unit_that_reads_another_file(given: list[str]) -> None:
    with pytest.raises(DaemonConfigError, match="--config-file /other, so the daemon does not"):
        refuse_flags({}, "/etc/docker/daemon.json", given)
    refuse_flags({}, "/other", given)


def test_a_refusal_shows_no_password() -> None:
    with pytest.raises(DaemonConfigError) as caught:
        refuse_flags({"proxies": {"http-proxy": "x"}}, "/d", ["--http-proxy=http://u:plant@y"])
    assert "plant" not in str(caught.value)
