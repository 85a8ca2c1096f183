"""Say which run asks for the lock, and whether the run that holds it has ended here."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.plugins.action import ActionBase

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_UTILS = str(Path(__file__).resolve().parents[2] / "module_utils")
if _UTILS not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_UTILS)

from ansible.module_utils.tgi.rollout.holder import Holder, has_ended, this_run


class ActionModule(ActionBase):  # type: ignore[misc]
    """Run the module of the same name as this run, and again if the other run has ended."""

    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the module's last result; a lock that was taken over is a warning."""
        super().run(tmp, task_vars)
        # Ansible forks a process for each task
        own = this_run(os.getppid())
        arguments = {**self._task.args, "run": asdict(own)}
        answer: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        if "holder" in answer and has_ended(Holder(**answer["holder"]), own):
            arguments["ended"] = answer["holder"]
            answer = self._execute_module(module_args=arguments, task_vars=task_vars)
        if note := answer.pop("note", ""):
            host = self._task.delegate_to or (task_vars or {})["inventory_hostname"]
            answer["warnings"] = [f"{host}: {note}"]
        return answer
