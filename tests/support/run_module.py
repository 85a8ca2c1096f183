"""Run a module of library/ in this process, as Ansible would on a host."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from tests.support.roots import ROOT


def load(name: str) -> ModuleType:
    """Import the module's Python file anew, so that its constants can be set."""
    (path,) = (ROOT / "library").rglob(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"library_{name}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(
    module: ModuleType, capsys: pytest.CaptureFixture[str], check: bool = False, **args: Any
) -> dict[str, Any]:
    """Return the module's result; a failed one has failed: true."""
    with patch_module_args({**args, "_ansible_check_mode": check}), pytest.raises(SystemExit):
        module.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer
