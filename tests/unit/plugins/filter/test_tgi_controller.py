"""Test the filters that inspect the controller."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible.plugins.filter.tgi_controller import missing_collections


@pytest.fixture
def no_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove Ansible's own importer, which another test may have installed in this process."""
    for name in [name for name in sys.modules if name.startswith("ansible_collections")]:
        monkeypatch.delitem(sys.modules, name)
    for hooks in ("meta_path", "path_hooks"):
        others = [one for one in getattr(sys, hooks) if "ansible" not in repr(one).lower()]
        monkeypatch.setattr(sys, hooks, others)
    monkeypatch.setattr(sys, "path_importer_cache", {})


@pytest.mark.usefixtures("no_collections")
def test_collections_that_ansible_cannot_import_are_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ansible_collections/here/it_is").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path)
    names = ["nowhere.at_all", "here.it_is", "here.it_is_not"]
    assert missing_collections(names) == ["nowhere.at_all", "here.it_is_not"]
