"""Test apt's files, the check of keys, and the removal of a repository from other files."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.packages.apt import (
    is_no_list,
    lists_prefix,
    names_repository,
    preferences_text,
    sources_text,
    without_repository,
)
from ansible.module_utils.tgi.packages.repository_key import KeyRefusedError, check_key

from tests.support.apt_keys import HTML, ONE, ONE_FINGERPRINT, TWO, TWO_FINGERPRINT, binary

DOCKER = "https://download.docker.com/linux/debian"
NVIDIA = "https://nvidia.github.io/libnvidia-container/stable/deb/$(ARCH)"


def test_a_source_with_components() -> None:
    assert sources_text(DOCKER, "trixie", "stable", "/k.asc") == (
        f"# Ansible managed\nTypes: deb\nURIs: {DOCKER}\nSuites: trixie\n"
        "Components: stable\nSigned-By: /k.asc\n"
    )


def test_a_flat_source_has_no_components() -> None:
    text = sources_text(NVIDIA, "/", "", "/k.asc")
    assert f"URIs: {NVIDIA}\nSuites: /\nSigned-By: /k.asc\n" in text
    assert "Components" not in text


def test_each_pin_is_a_stanza_that_may_downgrade() -> None:
    text = preferences_text(
        [("docker-ce docker-ce-cli", "version 5:29.*"), ("containerd.io", "version 1.7.24-1")]
    )
    assert text.split("\n\n") == [
        "# Ansible managed",
        "Package: docker-ce docker-ce-cli\nPin: version 5:29.*\nPin-Priority: 1001",
        "Package: containerd.io\nPin: version 1.7.24-1\nPin-Priority: 1001\n",
    ]
    assert preferences_text([]) == ""


@pytest.mark.parametrize("form", [ONE, binary(ONE), b"junk\n" + ONE + b"junk"])
def test_a_key_is_installed_as_it_was_checked(form: bytes) -> None:
    assert check_key(form, ONE_FINGERPRINT, "http://here/key") == ONE


REFUSED = {
    "another": (TWO, f"has fingerprint {TWO_FINGERPRINT}, expected {ONE_FINGERPRINT}"),
    "another beside it": (ONE + TWO, f"has fingerprint {TWO_FINGERPRINT}, expected"),
    "error page": (HTML, "is not an OpenPGP public key .*error page"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_another_key_is_refused(case: str) -> None:
    key, words = REFUSED[case]
    with pytest.raises(KeyRefusedError, match=f"http://here/key {words}"):
        check_key(key, ONE_FINGERPRINT, "http://here/key")


def test_several_keys_may_be_expected_and_no_other() -> None:
    expected = f"{'A' * 40}, {ONE_FINGERPRINT}"
    assert check_key(ONE, expected, "http://here/key") == ONE
    with pytest.raises(KeyRefusedError, match=f"expected {'A' * 40}, {'B' * 40}"):
        check_key(ONE, f"{'A' * 40},{'B' * 40}", "http://here/key")


SAME = [
    (DOCKER, DOCKER, True),
    (DOCKER + "/", DOCKER, True),
    (DOCKER.replace("https", "http"), DOCKER, True),
    ("https://nvidia.github.io/libnvidia-container/stable/deb/amd64", NVIDIA, True),
    (DOCKER.replace("debian", "ubuntu"), DOCKER, False),
    (DOCKER + "-extra", DOCKER, False),
    (DOCKER + "/within", DOCKER, False),
    (NVIDIA, NVIDIA, True),
    ("http://mirror.corp/debian", "http://mirror.corp/$(ARCH)", False),
    ("http://aptly.corp/", "http://aptly.corp", True),
    ("https://mirror.example.org/docker", DOCKER, False),
]


@pytest.mark.parametrize(("uri", "repository", "same"), SAME)
def test_repositories_are_identified_by_their_address(
    uri: str, repository: str, same: bool
) -> None:
    assert names_repository(uri, repository) is same


OURS = f"deb [arch=amd64 signed-by=/usr/share/keyrings/docker.gpg] {DOCKER} bookworm stable\n"
OTHER = "deb http://debian.example.org/debian bookworm main\n"
STANZA = f"Types: deb\nURIs: {DOCKER}\nSuites: bookworm\nComponents: stable\n"
FOLDED = f"Types: deb\nURIs: http://elsewhere.example.org\n {DOCKER}\nSuites: bookworm\n"
FOREIGN = "Types: deb\nURIs: http://debian.example.org/debian\nSuites: bookworm\nComponents: main\n"
LEFT = [
    ("only ours", OURS, False, ""),
    ("ours and a comment", "# Docker\n" + OURS, False, ""),
    ("ours among others", OTHER + OURS + OTHER, False, OTHER + OTHER),
    ("commented out", "# " + OURS, False, "# " + OURS),
    ("others", OTHER, False, OTHER),
    ("empty", "", False, ""),
    ("no line end", OTHER + OURS.rstrip(), False, OTHER),
    ("stanza", STANZA, True, ""),
    (
        "stanza among others",
        FOREIGN + "\n" + STANZA + "\n" + FOREIGN,
        True,
        f"{FOREIGN}\n{FOREIGN}",
    ),
    ("folded field", FOLDED.replace("http://elsewhere.example.org", ""), True, ""),
    ("another address beside it", FOLDED, True, FOLDED),
    ("foreign stanza", FOREIGN, True, FOREIGN),
    (
        "another suite",
        OURS.replace("bookworm", "trixie"),
        False,
        OURS.replace("bookworm", "trixie"),
    ),
    ("another component", OURS.replace("stable", "test"), False, OURS.replace("stable", "test")),
    (
        "a component more",
        STANZA.replace("stable", "stable main"),
        True,
        STANZA.replace("stable", "stable main"),
    ),
    (
        "a suite more",
        STANZA.replace("bookworm", "bookworm trixie"),
        True,
        STANZA.replace("bookworm", "bookworm trixie"),
    ),
    ("trailing comment", OURS.rstrip() + " # Docker\n", False, ""),
    ("sources of packages", OURS.replace("deb [", "deb-src ["), False, ""),
    ("commented stanza", STANZA.replace("URIs", "# URIs"), True, STANZA.replace("URIs", "# URIs")),
]


@pytest.mark.parametrize(
    ("text", "deb822", "left"), [row[1:] for row in LEFT], ids=[r[0] for r in LEFT]
)
def test_only_the_repository_goes_from_others_files(text: str, deb822: bool, left: str) -> None:
    assert without_repository(text, DOCKER, deb822, "bookworm", "stable") == left


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        (HTML.decode(), True),
        ("<!DOCTYPE html>\n<html>deb in words</html>\n", True),
        ("404: Not Found", True),
        ("# Unsupported distribution!\n# Check the guide\n", False),
        ("", False),
        (OTHER, False),
        (f"# a comment\n\n{OURS}", False),
    ],
)
def test_an_error_page_is_no_list_of_sources(text: str, broken: bool) -> None:
    assert is_no_list(text) is broken


PREFIXES = [
    (DOCKER, "bookworm", "download.docker.com_linux_debian_dists_bookworm_"),
    (NVIDIA, "/", "nvidia.github.io_libnvidia-container_stable_deb_"),
    ("http://mirror:8080/a_b/", "/", "mirror:8080_a%5fb_"),
    ("file:///srv/mirror", "/", "_srv_mirror_"),
]


@pytest.mark.parametrize(("uris", "suites", "prefix"), PREFIXES)
def test_lists_are_found_by_apts_own_names(uris: str, suites: str, prefix: str) -> None:
    assert lists_prefix(uris, suites) == prefix
