"""Test numbers out of their range and sizes without a unit."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.preflight.quantities import check_quantities


@pytest.mark.parametrize("size", ["16g", "64gb", "64 g", "1.5g", "512M", "16GiB", "", None])
def test_sizes_that_docker_reads_as_meant(size: Any) -> None:
    assert list(check_quantities({"tgi_shm_size": size, "docker_log_max_size": size})) == []


@pytest.mark.parametrize(
    ("size", "what"),
    [
        (16, "is 16, which Docker takes for bytes"),
        ("16", 'is "16", which Docker takes for bytes'),
        ("g", 'is "g", not a size with a unit'),
        ("0g", 'is "0g", not a size with a unit'),
        (1.5, "is 1.5, not a size with a unit"),
        ("16 gigabytes", 'is "16 gigabytes", not a size with a unit'),
    ],
)
def test_sizes_of_another_kind(size: Any, what: str) -> None:
    (line,) = check_quantities({"tgi_shm_size": size})
    assert line == f"tgi_shm_size {what}; write one such as 16g"


def test_ranges() -> None:
    (line,) = check_quantities({"docker_log_max_files": 0, "checks_timeout": 30})
    assert line == "docker_log_max_files is 0; write one from 1 to 1000"


@pytest.mark.parametrize("share", ["1", 2, "25%", "100%", None])
def test_shares_of_replicas(share: Any) -> None:
    values = {} if share is None else {"rollout_max_unavailable": share}
    assert list(check_quantities(values)) == []


@pytest.mark.parametrize("share", ["0", 0, "0%", "101%", "half", "-1", "1.5", True])
def test_no_share_of_replicas(share: Any) -> None:
    (line,) = check_quantities({"rollout_max_unavailable": share})
    assert line.startswith("rollout_max_unavailable is ")
    assert line.endswith('write a number from 1 on, or a share such as "25%"')


@pytest.mark.parametrize(
    ("name", "given", "remedy"),
    [
        ("docker_version", 29, 'is 29, and no package has just that version; write "29.*", with'),
        ("docker_version", 29.1, 'is 29.1, and no package has just that version; write "29.1.*"'),
        ("docker_version", "5:29", 'write "5:29.*"'),
        ("docker_version", "29.", 'write "29.*"'),
        ("docker_version", "29.*", ""),
        ("docker_version", "29*", ""),
        ("docker_version", "", ""),
        ("docker_version", None, ""),
        ("docker_version", True, ""),
        # With dnf the release may be left out
        ("docker_version", "29.1.2", ""),
        ("docker_version", "5:26.1.5-1~debian.12~bookworm", ""),
        ("docker_version", "26.1.5+dfsg1-9+b7", ""),
        ("docker_containerd_version", 2, 'write "2.*"'),
        ("docker_compose_version", "2.26", 'write "2.26.*"'),
        ("nvidia_container_toolkit_version", 1.2, 'write "1.2.*"'),
        ("nvidia_container_toolkit_version", "1.20.0-1", ""),
        ("gateway_nginx_version", "1.28", 'write "1.28.*"'),
        ("gateway_nginx_version", "1.28.0-1~bookworm", ""),
    ],
)
def test_the_beginning_of_a_version(name: str, given: Any, remedy: str) -> None:
    found = list(check_quantities({name: given}))
    assert len(found) == bool(remedy)
    assert all(remedy in line for line in found)
