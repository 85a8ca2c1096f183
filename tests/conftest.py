"""Make the project's module_utils importable as Ansible ships them to a host."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.support.ansible_paths import add_project

add_project()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Search for no garbage while the tests are loaded, which all stay: it took a third of that."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
