"""Test that logins in addresses are refused, with their place, and shown nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.preflight.logins import check_key_sources, check_logins

SECRET = "pl4nted"
DIGEST = "@sha256:" + "0" * 64
BAD: dict[str, tuple[Any, str, str]] = {
    "docker_apt_uri": (f"https://u:{SECRET}@m.example.org/d", "", "put the login into /etc/apt"),
    "nvidia_container_toolkit_apt_uri": (
        f"http://{SECRET}@m.example.org/$(ARCH)",
        "",
        "auth.conf.d/NAME.conf on the host (mode 0600: machine HOST login USER password PASSWORD)",
    ),
    "gateway_nginx_apt_uri": (f"https://u:{SECRET}@m.example.org/", "", "without it"),
    "nvidia_driver_apt_uri": (f"https://u:{SECRET}@m.example.org/", "", "without it"),
    "docker_yum_baseurl": (
        f"https://u:{SECRET}@m.example.org/9/$basearch",
        "",
        "put USER:PASSWORD into /etc/dnf/vars/mirrorlogin on the host (mode 0600), and write "
        "$mirrorlogin@ in front of the host's name",
    ),
    "docker_apt_key": (f"https://u:{SECRET}@m.example.org/gpg", "", "put the key's file on the"),
    "nvidia_container_toolkit_yum_key": (f"https://u:{SECRET}@m/gpg", "", "and write its path"),
    "docker_registry_mirrors": ([f"https://u:{SECRET}@m"], "[0]", "let the mirror admit the host"),
    "tgi_image": (f"u:{SECRET}@r.example.org/tgi{DIGEST}", "", "run docker login as root on the"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_login_is_refused(name: str) -> None:
    value, place, words = BAD[name]
    (found,) = check_logins({name: value})
    assert found.startswith(f"{name}{place} holds a login, ")
    assert words in found
    assert SECRET not in found


def test_what_is_let_through() -> None:
    good = {
        "docker_apt_uri": "https://mirror.example.org/docker@stable/debian",
        "docker_yum_baseurl": "https://$mirrorlogin@mirror.example.org/9/$basearch",
        "docker_apt_key": "/srv/mirror/docker.asc",
        "docker_registry_mirrors": ["https://mirror.example.org", 5],
        "tgi_image": f"ghcr.io/huggingface/text-generation-inference:3.3.7{DIGEST}",
        "nvidia_driver_apt_uri": "",
        # Other rules check these
        "docker_http_proxy": "http://u:p@proxy.example.org:3128",
    }
    assert list(check_logins(good)) == []
    assert list(check_logins({"tgi_image": f"ubuntu:24.04{DIGEST}"})) == []


@pytest.mark.parametrize(
    "source", ["https://x.org/gpg", "http://mirror:8080/a", "/srv/k.asc", "file:///srv/k", ""]
)
def test_a_url_or_a_path(source: str) -> None:
    assert list(check_key_sources({"docker_apt_key": source})) == []


@pytest.mark.parametrize("source", ["docker.asc", "~/k.asc", "mirror/gpg", "/srv/my key"])
def test_what_no_host_finds(source: str) -> None:
    (line,) = check_key_sources({"nvidia_container_toolkit_yum_key": source})
    where = "nvidia_container_toolkit_yum_key is "
    assert line.startswith(f'{where}"{source}", neither a URL nor an absolute path; write a URL')
