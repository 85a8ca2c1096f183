"""Test who holds a port, and on which addresses."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from pathlib import Path

import pytest
from ansible.module_utils.tgi.host.ports import (
    DOCKER,
    Listener,
    Owner,
    WantedPort,
    check_ports,
    find_owners,
    listening,
)

from tests.support.preflight.host_root import TCP, TCP6, fake_root


def test_who_listens(tmp_path: Path) -> None:
    assert listening([TCP, TCP6]) == [
        Listener("127.0.0.1", 8081, "111"),
        Listener("::", 443, "113"),
    ]
    owners = find_owners(fake_root(tmp_path) / "proc", {8081, 8082, 443})
    assert owners == {8081: Owner("docker-proxy", 42), 443: Owner()}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the sockets of every process")
def test_a_real_listener_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert find_owners(Path("/proc"), {port})[port].pid == os.getpid()


@pytest.mark.parametrize(
    ("ours", "owner", "line"),
    [
        ((), None, ""),
        (["nginx"], Owner("nginx", 1), ""),
        (DOCKER, Owner("docker-proxy", 1), ""),
        (DOCKER, Owner("dockerd", 1), ""),
        ((), Owner("docker-proxy", 9), "port 80 is taken by docker-proxy (pid 9); stop the cont"),
        ((), Owner("dockerd", 9), "port 80 is taken by dockerd (pid 9); stop the container (docke"),
        ((), Owner("python3", 9), "port 80 is taken by python3 (pid 9); stop it, or "),
        (["nginx"], Owner("apache2", 9), "port 80 is taken by apache2 (pid 9)"),
        (["nginx"], Owner(), "port 80 is taken by an unknown process"),
        ((), Owner(), "port 80 is taken by an unknown process"),
    ],
)
def test_taken_ports(ours: Collection[str], owner: Owner | None, line: str) -> None:
    wanted = WantedPort(80, "gateway_http_port", ours)
    found = check_ports([wanted], {80: owner} if owner else {})
    assert (len(found) == 1 and found[0].startswith(line)) if line else found == []
    assert not found or "write another port as gateway_http_port" in found[0]


WORDS = {
    "127.0.0.1": "0100007F",
    "127.0.0.2": "0200007F",
    "10.0.0.5": "0500000A",
    "0.0.0.0": "00000000",
    "::": "0" * 32,
    "::1": "0" * 24 + "01000000",
    "::ffff:127.0.0.1": "0000000000000000FFFF00000100007F",
}


@pytest.mark.parametrize(
    ("listener", "addresses", "taken"),
    [
        ("127.0.0.1", ["127.0.0.1"], True),
        ("127.0.0.2", ["127.0.0.1"], False),
        ("127.0.0.2", [], True),
        ("10.0.0.5", ["127.0.0.1"], False),
        ("10.0.0.5", ["127.0.0.1", "10.0.0.5"], True),
        ("0.0.0.0", ["127.0.0.1"], True),
        ("::", ["127.0.0.1"], True),
        ("::1", ["127.0.0.1"], False),
        ("::ffff:127.0.0.1", ["127.0.0.1"], True),
    ],
)
def test_a_listener_on_another_address_leaves_the_port(
    tmp_path: Path, listener: str, addresses: list[str], taken: bool
) -> None:
    root = fake_root(tmp_path)
    table = TCP.replace("0100007F:1F91", f"{WORDS[listener]}:1F91")
    (root / "proc/net" / ("tcp6" if ":" in listener else "tcp")).write_text(table)
    if ":" in listener:
        (root / "proc/net/tcp").write_text("")
    owners = find_owners(root / "proc", {8081}, addresses)
    assert owners == ({8081: Owner("docker-proxy", 42)} if taken else {})


def test_the_program_to_stop_is_named_before_docker(tmp_path: Path) -> None:
    root = fake_root(tmp_path, "dockerd")
    table = TCP.replace("0100007F:1F92", "0500000A:1F91").replace(" 01 ", " 0A ")
    (root / "proc/net/tcp").write_text(table)
    (root / "proc/43/fd").mkdir(parents=True)
    (root / "proc/43/comm").write_text("python3\n")
    (root / "proc/43/fd/3").symlink_to("socket:[112]")
    assert find_owners(root / "proc", {8081}) == {8081: Owner("python3", 43)}
