"""Test that the label of an image is held against the release that the inventory names."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.engines.releases import other_release


@pytest.mark.parametrize(
    ("label", "version"),
    [
        ("sha-dfb3fbe", "3.3.7"),
        ("sha-dfb3fbe78e0d1d69251bd33065591c61bafdfaa8", "v3.3.7"),
        ("sha-db931fc", "3.3.7"),
        ("sha-efb94e0", "3.3.8"),
        ("sha-efb94e0", "next"),
        ("emulator", "3.3.7"),
        ("", "3.3.7"),
    ],
)
def test_nothing_to_say(label: str, version: str) -> None:
    assert other_release(label, version) is None


@pytest.mark.parametrize(
    ("label", "text"),
    [
        (
            "sha-efb94e0",
            "its image is sha-efb94e0, TGI 3.3.6, and tgi_version is 3.3.7 (sha-dfb3fbe)",
        ),
        (
            "sha-0123456",
            "its image is sha-0123456, another build, and tgi_version is 3.3.7 (sha-dfb3fbe)",
        ),
    ],
)
def test_another_release(label: str, text: str) -> None:
    found = other_release(label, "3.3.7")
    assert found and found.text == text
    assert found.remedy.endswith("playbooks/image.yml")
