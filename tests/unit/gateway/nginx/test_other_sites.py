"""Test that other sites are refused, replaced or included, and that clashes are named."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from ansible.module_utils.tgi.gateway.nginx.other_sites import OTHERS_MARK, clashes, with_others
from ansible.module_utils.tgi.gateway.nginx.outcome import ApplyError
from ansible.module_utils.tgi.gateway.nginx.release import Release

from tests.support.nginx_fakes import CONF, system

OWN = f"{CONF}server {{ listen 443 ssl; server_name llm.example.org; }}\n    {OTHERS_MARK}\n"


def included(path: Path, others: list[Path]) -> Release:
    """Make a release that serves sites that are not ours too."""
    return Release(path / "tgi-gateway", {"nginx.conf": with_others(OWN, others)}, {})


def shop(path: Path, name: str = "shop.example.org") -> Path:
    """Write a site that is not ours."""
    site = path / "conf.d/shop.conf"
    site.parent.mkdir(exist_ok=True)
    site.write_text(f"server {{ listen 443 ssl; server_name www.example.org {name}; }}\n")
    return site


def test_a_new_site_is_a_new_version_that_includes_it(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    without = included(tmp_path, gateway.others())
    gateway.put_in_force(without, "include")
    site = shop(tmp_path)
    with_site = included(tmp_path, gateway.others())
    assert gateway.put_in_force(with_site, "include").changed
    assert nginx.serving == with_site.version != without.version
    # A pattern, so that the owner may remove the site without breaking nginx
    assert f"    include {tmp_path}/conf.d/shop.con[f];\n" in with_site.main.read_text()
    assert site.exists()


def test_what_was_included_does_not_go_unasked(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    shop(tmp_path)
    first = included(tmp_path, gateway.others())
    gateway.put_in_force(first, "include")
    bare = included(tmp_path, [])
    with pytest.raises(ApplyError, match=r"shop\.conf.*gateway_other_sites: include"):
        gateway.put_in_force(bare, "refuse")
    assert nginx.serving == first.version
    assert gateway.put_in_force(bare, "replace").changed


def test_a_name_claimed_twice_is_refused_with_its_file(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    gateway.put_in_force(included(tmp_path, []), "include")
    before = nginx.serving
    shop(tmp_path, "llm.example.org")
    new = included(tmp_path, gateway.others())
    with pytest.raises(
        ApplyError, match=r"shop\.conf claims server name llm\.example\.org on port"
    ):
        gateway.put_in_force(new, "include")
    assert nginx.serving == gateway.link.version() == before
    assert not new.directory.exists()


@pytest.mark.parametrize(
    ("site", "ports"),
    [
        ("server { listen 443 ssl; server_name a.org llm.example.org; }", ["443"]),
        ("server{listen [::]:80;location / { return 200; }\nserver_name llm.example.org;}", ["80"]),
        ("server { server_name llm.example.org; }", ["80"]),
        ("server { listen 127.0.0.1; server_name llm.example.org; }", ["80"]),
        ("server { listen 8080; server_name llm.example.org; }", []),
        ("server { listen unix:/run/443; server_name llm.example.org; }", []),
        ("server { listen 443; server_name a.org; }\nserver { listen 90; server_name b.org; }", []),
        ("# server { listen 443; server_name llm.example.org; }", []),
        ("server { listen 443; } server { listen 1; server_name llm.example.org; }", []),
        ("server { listen 443 ssl; server_name 'LLM.example.org'; }", ["443"]),
        ("server { include {here}/listen.inc; server_name llm.example.org; }", ["443"]),
    ],
)
def test_a_name_is_claimed_by_port(tmp_path: Path, site: str, ports: list[str]) -> None:
    own = (
        "server { listen 80 default_server; server_name _; }\n"
        "server { listen 443 ssl; server_name llm.example.org; }"
    )
    path = tmp_path / "shop.conf"
    (tmp_path / "listen.inc").write_text("listen 443 ssl;")
    path.write_text(site.replace("{here}", str(tmp_path)))
    claims = [f"{path} claims server name llm.example.org on port {port} too" for port in ports]
    assert clashes(own, [path]) == claims


def test_a_main_file_with_servers_cannot_be_included(tmp_path: Path) -> None:
    gateway, _ = system(tmp_path)
    (tmp_path / "nginx.conf").write_text("http { server { listen 80; } }\n")
    with pytest.raises(ApplyError, match=r"nginx\.conf\).*sites-enabled or conf\.d"):
        gateway.put_in_force(included(tmp_path, []), "include")


STOCK = """user www-data;
include /etc/nginx/modules-enabled/*.conf;
http { include /etc/nginx/mime.types; include /etc/nginx/conf.d/*.conf; }
"""


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        (STOCK, False),
        (STOCK.replace("mime.types;", 'mime.types; include "vhosts/*.conf";'), True),
        (STOCK + "stream { server { listen 5432; } }", True),
        (STOCK + "include /srv/nginx/*.conf;", True),
        (STOCK.replace("www-data", "web"), False),
    ],
)
def test_a_main_file_that_serves_more_than_packages_do_is_a_site(
    tmp_path: Path, text: str, foreign: bool
) -> None:
    gateway, nginx = system(tmp_path)
    main = tmp_path / "nginx.conf"
    main.write_text(text)
    assert gateway.others() == ([main] if foreign else [])
    nginx.package = {str(main): hashlib.md5(main.read_bytes()).hexdigest()}
    assert gateway.others() == []


@pytest.mark.parametrize("name", ["a b.conf", 'a";.conf', "*.conf", "{x}.conf"])
def test_a_name_that_is_no_plain_word_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be included"):
        with_others(OWN, [tmp_path / name])


def test_nginx_orgs_default_site_does_not_count(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    site = shop(tmp_path).rename(tmp_path / "conf.d/default.conf")
    assert gateway.others() == [site]
    nginx.package = {str(site): hashlib.md5(site.read_bytes()).hexdigest()}
    assert gateway.others() == []


def test_what_was_replaced_is_named(tmp_path: Path) -> None:
    gateway, _ = system(tmp_path)
    kept = f"{tmp_path}/tgi-gateway/replaced/nginx.conf"
    outcome = gateway.put_in_force(included(tmp_path, []))
    assert f"keep the replaced {tmp_path}/nginx.conf as {kept}" in outcome.did
    assert kept in str(outcome.diff)
    assert kept not in str(gateway.put_in_force(included(tmp_path, []), "replace").did)
