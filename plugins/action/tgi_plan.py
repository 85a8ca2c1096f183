"""Complete the models from the catalogue, then call the module tgi_plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.plugins.action import ActionBase

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_UTILS = str(Path(__file__).resolve().parents[2] / "module_utils")
if _UTILS not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_UTILS)

from ansible.module_utils.tgi.catalogue.expand import expand_models


class ActionModule(ActionBase):  # type: ignore[misc]
    """Read the catalogue here: Ansible sends Python files alone to where the module runs."""

    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the module's result for the completed models."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        given = {**self._task.args}
        site = variables.get("tgi_catalogue")
        given["models"] = expand_models(given.get("models"), self._templar.template(site))
        return {**result, **self._execute_module(module_args=given, task_vars=variables)}
