"""Test paths in the container."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.common.data_paths import check_data_path, is_in_data


@pytest.mark.parametrize("path", ["/data/a", "/data/a-b/c_1.json", "/data/a/", "/data/a/../b"])
def test_below_data(path: str) -> None:
    assert is_in_data(path)
    assert list(check_data_path(path, "x")) == []


@pytest.mark.parametrize(
    "path",
    ["data/a", "/database", "/data/../etc", "/data/a/../../etc", "/srv/a", "/data//etc", "~"],
)
def test_not_below_data(path: str) -> None:
    assert not is_in_data(path)
    (line,) = check_data_path(path, "x")
    assert line.startswith(f'x is "{path}", which is not under /data; write a path under /data')


def test_data_itself_is_no_model() -> None:
    assert is_in_data("/data") and len(list(check_data_path("/data/", "x"))) == 1
