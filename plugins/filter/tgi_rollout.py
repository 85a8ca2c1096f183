"""Filters for the plan of a roll-out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ansible.module_utils

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_HERE = str(Path(__file__).resolve().parents[2] / "module_utils")
if _HERE not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_HERE)

from ansible.module_utils.tgi.rollout.blue_green import moved
from ansible.module_utils.tgi.rollout.from_hostvars import rollout_plan
from ansible.module_utils.tgi.rollout.going_back import going_back
from ansible.module_utils.tgi.rollout.steps import step_of


class FilterModule:
    """Name the filters of this file for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return functions by filter name."""
        return {
            "tgi_going_back": going_back,
            "tgi_moved": moved,
            "tgi_names_of_step": step_of,
            "tgi_rollout_plan": rollout_plan,
        }
