"""Test the preflight's rules about the docker role's variables."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.preflight.docker_rules import check_docker

from tests.support.tls_pairs import make

GOOD: dict[str, Any] = {
    "docker_registry_mirrors": ["https://mirror.example.org", "http://10.0.0.9:5000/v2"],
    "docker_insecure_registries": ["mirror:5000", "10.0.0.0/8", "[fd00::1]:5000"],
    "docker_http_proxy": "http://me:w0rd@proxy.example.org:3128",
    "docker_https_proxy": "socks5://proxy:1080/",
    "docker_registry_cas": {"r:5000": make().certificate, "s": "/etc/ssl/ca.pem"},
    "docker_address_pools": [
        {"base": "10.213.0.0/16", "size": 24},
        {"base": "fd00::/48", "size": 64},
    ],
    "docker_daemon_settings": {"log-opts": {"max-size": "1m", "labels": None}, "debug": True},
    "docker_data_root": "/srv/docker",
    "docker_log_max_size": "50m",
    "docker_log_max_files": 5,
    "docker_users": ["anna", "svc_tgi", "j.doe@example.org"],
}


def test_good_values_pass() -> None:
    assert check_docker(GOOD) == []
    assert check_docker({}) == []
    assert check_docker(dict.fromkeys(GOOD)) == []


POOL = {"base": "10.213.0.0/16", "size": 24}
BAD: dict[str, tuple[str, Any, str]] = {
    "mirror without scheme": (
        "docker_registry_mirrors",
        ["mirror.example.org"],
        'docker_registry_mirrors[0] is "mirror.example.org", not a URL; write one such as https://mirror',
    ),
    "registry with scheme": (
        "docker_insecure_registries",
        ["http://mirror:5000"],
        'docker_insecure_registries[0] is "http://mirror:5000", not a registry; write',
    ),
    "proxy with a sign in its password": (
        "docker_http_proxy",
        "http://me:w#rd@proxy:3128",
        "docker_http_proxy has # in its user or password, where programs end the host's name; "
        "percent-encode its password (# is %23, / %2F",
    ),
    "proxy with a percent sign": (
        "docker_https_proxy",
        "http://me:100%su@proxy:3128",
        "docker_https_proxy has a % that begins no escape; percent-encode its password",
    ),
    "proxy without scheme": (
        "docker_https_proxy",
        "me:w0rd@proxy:3128",
        "docker_https_proxy is not a proxy URL; write one such as http://proxy",
    ),
    "authority that is none": (
        "docker_registry_cas",
        {"r:5000": "REPLACE_ME"},
        "docker_registry_cas.r:5000 is not a PEM certificate; write its text",
    ),
    "registry with a path": (
        "docker_registry_cas",
        {"r/x": "/etc/ssl/ca.pem"},
        "docker_registry_cas.r/x is not a registry's name; write its host",
    ),
    "pool with host bits": (
        "docker_address_pools",
        [{"base": "10.213.0.1/16", "size": 24}],
        'docker_address_pools[0].base is "10.213.0.1/16", not a network; write one such as 10.213',
    ),
    "piece larger than its pool": (
        "docker_address_pools",
        [{"base": "10.213.0.0/16", "size": 8}],
        "docker_address_pools[0].size is 8, not a prefix length within 10.213.0.0/16; write",
    ),
    "pools over each other": (
        "docker_address_pools",
        [POOL, {"base": "10.213.5.0/24", "size": 28}],
        "docker_address_pools[1].base overlaps 10.213.0.0/16; write another network",
    ),
    "hosts": (
        "docker_daemon_settings",
        {"hosts": ["tcp://0.0.0.0:2375"]},
        "docker_daemon_settings.hosts is set, but the systemd unit passes -H",
    ),
    "password in the settings": (
        "docker_daemon_settings",
        {"proxies": {"https-proxy": "http://me:w0rd@proxy:3128"}},
        "docker_daemon_settings.proxies holds a password; write docker_http_proxy",
    ),
    "log option that is a number": (
        "docker_daemon_settings",
        {"log-opts": {"max-file": 5}},
        'docker_daemon_settings.log-opts.max-file is not a text; write "5", in quotes',
    ),
    "relative data-root": (
        "docker_data_root",
        "srv/docker",
        'docker_data_root is "srv/docker", not a path; write an absolute path',
    ),
    "user that is an option": (
        "docker_users",
        ["--root"],
        'docker_users[0] is "--root", not a user name; write a user of the host',
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_each_bad_value_gives_one_line(case: str) -> None:
    name, value, words = BAD[case]
    (found,) = check_docker({**GOOD, name: value})
    assert found.startswith(words)
    assert "w0rd" not in found
