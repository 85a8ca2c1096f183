"""Test the facts that the role reads of a host's nginx, and the refusals on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.gateway.nginx.apply import refuse_other_sites
from ansible.module_utils.tgi.gateway.nginx.installed import (
    inspect_nginx,
    nginx_host_problems,
    read_versions,
)
from ansible.module_utils.tgi.gateway.nginx.outcome import ApplyError

NJS = "/usr/lib/nginx/modules/ngx_http_js_module.so"
ORG = "nginx version: nginx/1.30.6\nconfigure arguments: --prefix=/etc/nginx --user=nginx"


class FakeHost:
    """Fake nginx -V and dpkg-query on a host with these packages."""

    def __init__(self, build: str, packages: str) -> None:
        self.build = build
        self.packages = packages

    def __call__(self, command: list[str]) -> tuple[int, str, str]:
        if command[0] == "dpkg-query":
            return 1, self.packages, "no packages found matching x"
        return 0, "", self.build


def place(root: Path, *names: str) -> None:
    for name in names:
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize(
    ("build", "nginx", "openssl"),
    [
        ("nginx version: nginx/1.26.3\nbuilt with OpenSSL 3.5.1 1 Jul 2025", "1.26.3", "3.5.1"),
        ("nginx version: nginx/1.24.0 (Ubuntu)\nbuilt with OpenSSL 3.0.10 (running with OpenSSL "
         "3.0.13 30 Jan 2024)", "1.24.0", "3.0.13"),
        ("sh: nginx: not found", "1.22.0", "3.0.0"),
    ],
)  # fmt: skip
def test_versions_are_what_runs(build: str, nginx: str, openssl: str) -> None:
    found = read_versions(build, "", "1.22.0", "distro")
    assert (found["nginx"], found["openssl"]) == (nginx, openssl)
    assert found["present"] is ("not found" not in build)


@pytest.mark.parametrize(
    ("build", "packages", "njs", "layout"),
    [
        (
            "nginx version: nginx/1.26.3",
            "libnginx-mod-http-js 0.8.9-1 installed",
            "0.8.9",
            "distro",
        ),
        (ORG, "nginx-module-njs 1.30.6+1.0.2-1~trixie installed", "1.0.2", "nginx_org"),
        ("sh: nginx: not found", "", "", "nginx_org"),
    ],
)
def test_whose_packages_they_are(build: str, packages: str, njs: str, layout: str) -> None:
    found = read_versions(build, packages, "1.22.0", "nginx_org")
    assert (found["njs"], found["layout"]) == (njs, layout)


def test_a_host_with_a_gateway(tmp_path: Path) -> None:
    place(tmp_path, NJS, "/proc/net/if_inet6", "/etc/tgi-gateway/acme/cli.ini")
    place(
        tmp_path, *(f"/etc/tgi-gateway/acme/renewal/{n}.conf" for n in ("b.example", "a.example"))
    )
    (tmp_path / "etc/nginx").mkdir()
    (tmp_path / "etc/nginx/nginx.conf").symlink_to("/etc/nginx/tgi-gateway/0123/nginx.conf")
    host = FakeHost("nginx version: nginx/1.26.3\n", "certbot 2.1 installed\n")
    found = inspect_nginx(host, NJS, "1.22.0", "distro", ["certbot"], tmp_path)
    flags = ("installed", "ipv6", "ours", "acme", "certbot")
    assert {name: found[name] for name in flags} == dict.fromkeys(flags, True)
    assert found["certificates"] == ["a.example", "b.example"]


def test_a_host_without_one(tmp_path: Path) -> None:
    host = FakeHost("nginx version: nginx/1.26.3\n", "certbot 2.1 config-files\n")
    found = inspect_nginx(host, NJS, "1.22.0", "distro", ["certbot"], tmp_path)
    flags = ("installed", "ipv6", "ours", "acme", "certbot")
    assert {name: found[name] for name in flags} == dict.fromkeys(flags, False)
    assert (found["present"], found["certificates"]) == (True, [])


def test_a_token_budget_needs_a_newer_njs() -> None:
    tiers: dict[str, Any] = {"a": {"tokens_per_minute": 5}, "b": {}}
    (found,) = nginx_host_problems(tiers, {"njs": "0.7.9"})
    assert found.startswith("gateway_tiers.a.tokens_per_minute needs njs 0.8, this host has 0.7.9;")
    assert nginx_host_problems(tiers, {"njs": "0.8.0"}) == []
    assert nginx_host_problems(tiers, {"njs": ""}) == []


def test_an_nginx_with_sites_that_are_not_ours(tmp_path: Path) -> None:
    main, host = tmp_path / "nginx.conf", FakeHost("", "")
    main.write_text("http { include /etc/nginx/conf.d/*.conf; }")
    refuse_other_sites(host, "refuse", main)
    place(tmp_path, "conf.d/shop.conf")
    with pytest.raises(ApplyError, match=r"shop\.conf.*gateway_other_sites: include"):
        refuse_other_sites(host, "refuse", main)
    refuse_other_sites(host, "include", main)
    refuse_other_sites(host, "replace", main)
