"""Call the module tgi_wait until all models are ready, and show progress between the calls."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_UTILS = str(Path(__file__).resolve().parents[2] / "module_utils")
if _UTILS not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_UTILS)

from ansible.module_utils.tgi.rollout.holder import this_run

display = Display()

SHOW_EVERY = 10.0
"""Most seconds without a line for a model that is not ready."""
SIGN_EVERY = 60.0
"""Seconds between two signs on the lock of this run."""


class ProgressLines:
    """Choose the lines to show: models whose state changed, or that were not shown for a while."""

    def __init__(self, clock: Any = time.monotonic) -> None:
        self._clock = clock
        self._visited = clock()
        self._shown: dict[str, tuple[tuple[str, str], float]] = {}

    def due(self, models: list[dict[str, Any]]) -> list[str]:
        """Return the lines to show now, assuming that the next call lasts as long as this one.

        A model that was ready when first seen is never shown.
        """
        lines = []
        now = self._clock()
        visit, self._visited = now - self._visited, now
        for model in models:
            name, news = model["name"], (model["phase"], model["detail"])
            before = self._shown.get(name)
            if model["failed"] or (model["ready"] and before is None):
                continue
            recent = before is not None and now + visit - before[1] <= SHOW_EVERY
            if before and before[0] == news and (model["ready"] or recent):
                continue
            self._shown[name] = (news, now)
            lines.append(str(model["line"]))
        return lines


class ActionModule(ActionBase):  # type: ignore[misc]
    """Call the module, which checks all arguments, until each model is ready or one has failed."""

    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the module's last result."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        arguments = {"host": variables.get("inventory_hostname", "localhost"), **self._task.args}
        progress, signed = ProgressLines(), time.monotonic()
        while True:
            answer: dict[str, Any] = self._execute_module(
                module_args=arguments, task_vars=task_vars
            )
            models = answer.get("models", [])
            if not self._task.no_log and not self._task.check_mode and not answer.get("failed"):
                for line in progress.due(models):
                    display.display(line)
            if answer.get("failed") or answer.get("ready", True) or self._task.check_mode:
                answer.pop("state", None)
                for model in models:
                    model.pop("line", None)
                return answer
            arguments["state"] = answer.get("state") or {}
            if time.monotonic() - signed >= SIGN_EVERY:
                signed = time.monotonic()
                # Ansible forks a process for each task
                renewal = {"state": "renewed", "run": asdict(this_run(os.getppid()))}
                module = self._task.action.replace("tgi_wait", "tgi_run_lock")
                self._execute_module(module, renewal, task_vars=task_vars)
