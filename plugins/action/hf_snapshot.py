"""Let a host fetch in the background, and show how far it is."""

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

#: The longest fetch, in seconds: 141 GB at 0.5 MB a second take three days
_LONGEST = 4 * 86400
#: Seconds between two questions; short at first, as small models come in seconds
_FIRST = 1.0
_EVERY = 5.0
SIGN_EVERY = 60.0
"""Seconds between two signs on the lock of this run."""


class ActionModule(ActionBase):  # type: ignore[misc]
    """Return at once when all is there; otherwise start a job on the host and wait for it."""

    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the module's result."""
        super().run(tmp, task_vars)
        found = self._step("look", task_vars)
        if found.get("failed") or found.get("complete") or self._task.check_mode:
            return found
        job = self._start(task_vars)
        if job.get("failed") or "ansible_job_id" not in job:
            return job
        return self._wait(str(job["ansible_job_id"]), task_vars)

    def _step(self, step: str, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        arguments = {**self._task.args, "step": step}
        answer: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        return answer

    def _start(self, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Start the module in the background, where no lost connection ends it."""
        arguments = {**self._task.args, "step": "all"}
        self._task.async_val = _LONGEST
        try:
            job: dict[str, Any] = self._execute_module(
                module_args=arguments, task_vars=task_vars, wrap_async=True
            )
        finally:
            self._task.async_val = 0
        return job

    def _wait(self, job: str, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Ask until the job has ended; a host that does not answer for a moment is asked again."""
        host = (task_vars or {}).get("inventory_hostname", "localhost")
        shown: list[str] = []
        pause, signed = _FIRST, time.monotonic()
        while True:
            time.sleep(pause)
            pause = min(pause + 1, _EVERY)
            state = self._job(job, "status", task_vars)
            if state.get("finished"):
                self._job(job, "cleanup", task_vars)
                for name in ("ansible_job_id", "started", "finished", "results_file"):
                    state.pop(name, None)
                return state
            if state.get("failed"):
                return state
            lines = self._step("progress", task_vars).get("lines", [])
            if not self._task.no_log and lines != shown:
                shown = lines
                for line in lines:
                    display.display(f"{host}: {line}")
            if time.monotonic() - signed >= SIGN_EVERY:
                signed = time.monotonic()
                # Ansible forks a process for each task
                renewal = {"state": "renewed", "run": asdict(this_run(os.getppid()))}
                module = self._task.action.replace("hf_snapshot", "tgi_run_lock")
                self._execute_module(module, renewal, task_vars=task_vars)

    def _job(self, job: str, mode: str, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        place = self.get_shell_option("async_dir", default="~/.ansible_async")
        arguments = {"jid": job, "mode": mode, "_async_dir": place}
        state: dict[str, Any] = self._execute_module(
            "ansible.legacy.async_status", arguments, task_vars=task_vars
        )
        return state
