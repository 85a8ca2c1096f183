"""Test settings that dockerd --validate accepts and with which Docker does not work."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.docker.daemon_json import DaemonConfigError
from ansible.module_utils.tgi.docker.daemon_rules import (
    LOG_DRIVERS,
    refuse_absent_runtimes,
    refuse_flags,
    refuse_overlooked,
)

OVERLOOKED: dict[str, tuple[dict[str, Any], str]] = {
    "runtime that is not there": ({"default-runtime": "nvidia"}, "names nvidia, which runtimes"),
    "runtimes null": ({"default-runtime": "nvidia", "runtimes": None}, "names nvidia"),
    "log driver": (
        {"log-driver": "bogus"},
        "bogus does not exist: write one of awslogs",
    ),
    "log driver of Windows": ({"log-driver": "etwlogs"}, "etwlogs does not exist"),
    "log driver that is a number": ({"log-driver": 7}, "log-driver 7 does not exist"),
    "mirror": ({"registry-mirrors": ["ftp://x"]}, "registry-mirrors names ftp://x: write it with"),
    "metrics": ({"metrics-addr": "localhost"}, "metrics-addr localhost has no port"),
    "nftables": ({"firewall-backend": "nftables"}, "rules of the models do not hold"),
    "plugin that is not installed": ({"log-driver": "loki"}, "docker plugin install"),
}


@pytest.mark.parametrize("case", OVERLOOKED)
def test_what_the_daemon_overlooks_is_refused(case: str) -> None:
    config, words = OVERLOOKED[case]
    with pytest.raises(DaemonConfigError, match=words):
        refuse_overlooked(config)


def test_nftables_as_an_option_of_the_unit_is_refused() -> None:
    with pytest.raises(DaemonConfigError, match="remove the option from Docker's unit"):
        refuse_flags({}, "/etc/docker/daemon.json", ["--firewall-backend=nftables"])
    refuse_flags({}, "/etc/docker/daemon.json", ["--firewall-backend=iptables"])


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"firewall-backend": "iptables"},
        {"default-runtime": "runc"},
        {"default-runtime": "nvidia", "runtimes": {"nvidia": {"path": "nvidia-container-runtime"}}},
        *({"log-driver": driver} for driver in LOG_DRIVERS),
        {"metrics-addr": "[::1]:9"},
        {"registry-mirrors": ["http://m"]},
        {"registry-mirrors": "for dockerd to refuse"},
    ],
)
def test_what_the_daemon_takes_is_not_refused(config: dict[str, Any]) -> None:
    refuse_overlooked(config)


@pytest.mark.parametrize("driver", ["loki", "loki:latest"])
def test_an_installed_plugin_is_a_log_driver(driver: str) -> None:
    refuse_overlooked({"log-driver": driver}, ["loki:latest"])


def test_a_runtime_needs_its_program() -> None:
    config = {
        "default-runtime": "runc",
        "runtimes": {"own": {"path": "/no/such"}, "site": {"path": "/gone"}, "odd": 7},
    }
    with pytest.raises(DaemonConfigError, match=r"runtimes.own: its path /no/such does not exist"):
        refuse_absent_runtimes(config, {"runtimes": {"own": {}}}, lambda _name: None)
    refuse_absent_runtimes(config, {"runtimes": {"own": {}}}, lambda name: name)
    refuse_absent_runtimes(config, {}, lambda _name: None)
    default = {**config, "default-runtime": "site"}
    with pytest.raises(DaemonConfigError, match=r"runtimes.site: its path /gone does not exist"):
        refuse_absent_runtimes(default, {}, lambda _name: None)


@pytest.mark.parametrize(
    "config",
    [{}, {"runtimes": None}, {"runtimes": {"kata": {"runtimeType": "io.containerd.kata.v2"}}}],
)
def test_a_runtime_of_containerd_has_no_path(config: dict[str, Any]) -> None:
    refuse_absent_runtimes(config, config, lambda _name: None)
