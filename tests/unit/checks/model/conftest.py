"""Run the checks of this folder in time that needs no waiting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.fast_time import fast_time


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with fast_time():
        yield
