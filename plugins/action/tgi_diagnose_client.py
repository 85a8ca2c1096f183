"""Run the module of the same name; return an observation even if the host cannot be inspected.

tgi_diagnose_gateway and tgi_diagnose_gpu_host are links to this file: Ansible finds an action
plugin by its file's name.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_UTILS = str(Path(__file__).resolve().parents[2] / "module_utils")
if _UTILS not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_UTILS)

from ansible.module_utils.tgi.host.system import clock_skew

_SSH = re.compile(r"(?:over|via) ssh: ")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Turn a failed connection into an observation, so that the play goes on."""

    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return ``seen`` with the clock's ``skew`` in seconds, or the reason for none."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        host = str(variables.get("inventory_hostname", "localhost"))
        before = time.time()
        try:
            answer = self._execute_module(
                module_args={"host": host, **self._task.args}, task_vars=variables
            )
        except AnsibleConnectionFailure as error:
            answer = {"unreachable": True, "msg": str(error)}
        except AnsibleError as error:
            answer = {"failed": True, "msg": str(error)}
        after = time.time()
        if "seen" in answer:
            seen = answer["seen"]
            if "clock" in seen:
                began, ended = seen["clock"]
                seen["skew"] = clock_skew(ended if ended > after else began, before, after)
        else:
            word = "unreachable" if answer.get("unreachable") else "blind"
            seen = {"host": host, word: _reason(answer)}
        result.update(changed=False, seen=seen)
        return result


def _reason(answer: dict[str, Any]) -> str:
    """Return one line: Ansible's message, and the last words of the program on the host."""
    said = [str(answer.get(key) or "").strip() for key in ("msg", "module_stderr")]
    lines = [" ".join(text.split()) for text in said if text]
    # Only what ssh itself printed matters
    return "; ".join(_SSH.split(one)[-1][-200:] for one in lines) or "no reason given"
