"""Give each test a hub of its own and an empty cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hub.local_hub import local_hub
from tests.support.hub.weight_sites import WeightSite


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WeightSite]:
    with local_hub() as hub:
        yield WeightSite(hub, tmp_path / "hub")
