"""Test where the keys of package repositories may come from."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.preflight.key_sources import check_key_sources


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
