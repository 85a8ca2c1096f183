"""Test which Python the checks can run with."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.host.python_interpreter import check_interpreter


@pytest.mark.parametrize(
    ("executable", "ready"),
    [
        ("/usr/bin/python3", False),
        ("/usr/libexec/platform-python", False),
        ("/opt/conda/bin/python", True),
    ],
)
def test_those_that_work(executable: str, ready: bool) -> None:
    assert check_interpreter(executable, ready) == []


@pytest.mark.parametrize("executable", ["/opt/conda/bin/python", "/root/.pyenv/shims/python3"])
def test_one_that_packages_never_reach(executable: str) -> None:
    assert check_interpreter(executable, False) == [
        f"ansible_python_interpreter is {executable}, which lacks httpx or jsonschema, and the "
        f"checks need both; delete it, or run {executable} -m pip install httpx jsonschema on the "
        "host"
    ]
