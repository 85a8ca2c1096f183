"""Test the module that writes a mirror's answers: what it says, and what it leaves as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.hub.local_hub import local_hub
from tests.support.hub.weight_sites import NAME, REVISION, WeightSite
from tests.support.run_module import load, run

MODULE = load("tgi_hub_replies")


def test_it_writes_once_and_shows_what_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "replies"
    given: dict[str, Any] = {"cache_dir": str(tmp_path / "hub"), "directory": str(directory)}
    with local_hub() as hub:
        fetched = WeightSite(hub, tmp_path / "hub").fetch()
    would = run(MODULE, capsys, check=True, **given)
    assert would["changed"]
    assert not directory.exists()
    assert would["diff"]["before"] == ""
    assert f'"{NAME}" {REVISION};' in would["diff"]["after"]
    done = run(MODULE, capsys, **given)
    size = fetched.manifest.size
    assert done["snapshots"] == [{"repository": NAME, "revision": REVISION, "size": size}]
    again = run(MODULE, capsys, **given)
    assert not again["changed"]
    assert again["diff"]["before"] == again["diff"]["after"] == done["diff"]["after"]
