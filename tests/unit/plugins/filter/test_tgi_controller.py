"""The filters over the controller."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.plugins.filter.tgi_controller import missing_collections


def test_collections_that_ansible_cannot_import_are_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ansible_collections/here/it_is").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path)
    names = ["nowhere.at_all", "here.it_is", "here.it_is_not"]
    assert missing_collections(names) == ["nowhere.at_all", "here.it_is_not"]
