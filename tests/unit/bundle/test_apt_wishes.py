"""Test what apt is to bring: one address for each repository, and refusals in words."""

from __future__ import annotations

from typing import Any

import pytest

from module_utils.tgi.bundle.apt_systems import own_mirrors
from module_utils.tgi.bundle.apt_wishes import AptGroup, apt_wish
from module_utils.tgi.bundle.bundle_form import BundleError
from module_utils.tgi.common.commands import CommandResult

URIS = {"debian": "http://mirror.example.org/debian", "ubuntu": "http://mirror.example.org/ubuntu"}


def docker(host: str, **more: Any) -> dict[str, Any]:
    source = {"name": "docker", "uri": "https://a.example.org/docker/", "suite": "trixie",
              "components": "stable", "key": "https://a.example.org/gpg", "fingerprint": "AB",
              **more}  # fmt: skip
    pins = [{"packages": "docker-ce", "version": "5:29.*"}]
    return {"host": host, "source": source, "packages": ["docker-ce=5:29.*"], "pins": pins}


def test_equal_hosts_want_the_same_once() -> None:
    wish = apt_wish("debian-13", [docker("gpu1"), docker("gpu2")], URIS, more=["nftables"])
    assert wish.groups[1:] == (AptGroup(("docker-ce=5:29.*",), (("docker-ce", "version 5:29.*"),)),)
    assert {"nftables", "python3-apt"} <= set(wish.groups[0].packages)
    assert [(one.name, one.suite) for one in wish.sources] == [
        ("distribution", "trixie"),
        ("distribution-updates", "trixie-updates"),
        ("distribution-security", "trixie-security"),
        ("docker", "trixie"),
    ]


def test_one_repository_at_two_addresses_is_refused() -> None:
    wanted = [docker("gpu1"), docker("gpu2", uri="https://b.example.org/docker")]
    with pytest.raises(BundleError, match=r"the apt repository docker is at https://b\S+ for gpu2"):
        apt_wish("debian-13", wanted, URIS)


def test_a_password_in_an_address_is_not_shown() -> None:
    wanted = [docker("gpu1"), docker("gpu2", uri="https://me:planted@b.example.org/docker")]
    with pytest.raises(BundleError) as caught:
        apt_wish("debian-13", wanted, URIS)
    assert "planted" not in str(caught.value)


def test_what_a_role_refuses_is_refused_here() -> None:
    refused = {"host": "gpu1", "packages": [], "refused": "docker_source: distro does not work"}
    with pytest.raises(BundleError, match=r"gpu1 on debian-12: docker_source: distro does not"):
        apt_wish("debian-12", [refused], URIS)


def test_a_role_that_a_system_cannot_have_brings_nothing() -> None:
    lacking = {"host": "edge1", "packages": ["libnginx-mod-http-js"], "left_out": "nginx is old"}
    wish = apt_wish("ubuntu-22.04", [lacking, {"host": "gpu1", "packages": ["docker.io"]}], URIS)
    assert "docker.io" in wish.packages
    assert "libnginx-mod-http-js" not in wish.packages


@pytest.mark.parametrize(
    ("system", "said"),
    [
        (
            "debian-14",
            "has debian-14, and a bundle is for debian-12, debian-13, .*; write debian-1",
        ),
        ("rocky-9", r"has rocky-9, whose packages \(dnf\) no bundle has; mirror the dnf"),
    ],
)
def test_another_system_is_refused(system: str, said: str) -> None:
    with pytest.raises(BundleError, match=f"bundle_systems {said}"):
        apt_wish(system, [], URIS)


def test_mirrors_stand_in_for_the_distributions() -> None:
    wish = apt_wish("ubuntu-24.04", [], {"ubuntu": "http://mirror.example.org/u"}, "/k.gpg")
    assert {(one.uri, one.keyring) for one in wish.sources} == {
        ("http://mirror.example.org/u", "/k.gpg")
    }
    with pytest.raises(BundleError, match="bundle_apt_uris has Ubuntu, which no system uses"):
        apt_wish("ubuntu-24.04", [], {"Ubuntu": "http://mirror.example.org/u"})


def test_this_machines_mirrors_are_the_default() -> None:
    lists = ("Debian\tbookworm\thttp://a.example.org/debian/", "\tstable\thttp://other.example.org",
             "Debian\tbookworm-updates\thttp://b.example.org/debian",
             "Debian\tbookworm-security\thttp://s.example.org/security",
             "Docker\tbookworm\thttps://d.example.org")  # fmt: skip
    found = own_mirrors(lambda _: CommandResult(0, "\n".join(lists)))
    assert found == {
        "debian": "http://a.example.org/debian", "debian-security": "http://s.example.org/security"
    }  # fmt: skip
    assert own_mirrors(lambda _: CommandResult(None, "")) == {}


def test_debians_security_updates_are_beside_the_rest() -> None:
    uris = {one.name: one.uri for one in apt_wish("debian-13", [], URIS).sources}
    assert uris["distribution-security"] == "http://mirror.example.org/debian-security"


def test_a_system_without_a_mirror_is_refused() -> None:
    with pytest.raises(BundleError, match=r"no mirror of Ubuntu, .* write its address as ubuntu"):
        apt_wish("ubuntu-24.04", [], {"debian": "http://mirror.example.org/debian"})
