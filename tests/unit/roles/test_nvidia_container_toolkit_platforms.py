"""Test the packages and sources of the toolkit's role on each system."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.module_utils.tgi.host.nvidia.toolkit_files import UNATTENDED, unattended_text

from tests.support.platforms import APT, PLATFORMS, value
from tests.support.roots import ROOT

ROLE = "nvidia_container_toolkit"
NAMES = [
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_all_four_packages_at_one_version(platform: str) -> None:
    wish = value(ROLE, platform, "__nvidia_container_toolkit_wish")
    assert wish["manager"] == ("apt" if platform in APT else "dnf")
    assert wish["packages"] == dict.fromkeys(NAMES, "1.20.0-1")
    assert wish["hold"] is True


@pytest.mark.parametrize("manager", ["apt", "dnf"])
def test_every_manager_has_its_tasks(manager: str) -> None:
    for name in ("repository", "install"):
        assert (ROOT / f"roles/{ROLE}/tasks/{name}_{manager}.yml").exists()


def test_the_dnf_repository_is_signed_and_its_packages_are_not() -> None:
    text = (ROOT / f"roles/{ROLE}/tasks/repository_dnf.yml").read_text()
    (task,) = yaml.safe_load(text)
    options = task["signed_yum_source"]
    assert (options["gpgcheck"], options["repo_gpgcheck"]) == (False, True)
    assert value(ROLE, "rocky-9", options["baseurl"].strip("{} ")).endswith("/rpm/$basearch")


AUTOMATIC = """\
[commands]
upgrade_type = security

[base]
# Overrides dnf.conf
debuglevel = 1
"""


def test_dnf_automatic_gets_a_block_in_its_configuration() -> None:
    text = unattended_text("dnf", AUTOMATIC, ["nvidia-", "docker-ce*"])
    assert "[base]\n# tgi-ansible: kept from dnf-automatic\nexclude = nvidia-* docker-ce*\n" in text
    assert unattended_text("dnf", text, ["nvidia-", "docker-ce*"]) == text
    assert unattended_text("dnf", text, []) == AUTOMATIC
    assert unattended_text("dnf", "", ["nvidia-"]).startswith("[base]\n")
    assert unattended_text("dnf", "", []) == ""
    with pytest.raises(ValueError, match="has an exclude in"):
        unattended_text("dnf", AUTOMATIC + "exclude=kernel*\n", ["nvidia-"])


def test_where_the_lists_are() -> None:
    assert all(Path(path).is_absolute() for path in UNATTENDED.values())
