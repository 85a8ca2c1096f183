"""Filters for making and using bundles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.errors import AnsibleFilterError

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_HERE = str(Path(__file__).resolve().parents[2] / "module_utils")
if _HERE not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_HERE)

from ansible.module_utils.tgi.bundle.apt_systems import system_named
from ansible.module_utils.tgi.bundle.bundle_form import BundleError

DOCUMENTATION = """
name: tgi_system_facts
short_description: Return what Ansible would say of a host of a system, without asking one
description:
  - Fails for a system that no bundle is for.
options:
  _input:
    description: A system, such as V(debian-13).
    type: str
    required: true
"""

EXAMPLES = """
- name: Show the release's name
  ansible.builtin.debug:
    msg: "{{ ('debian-13' | tgi_system_facts).distribution_release }}"
"""

RETURN = """
_value:
  description: Facts such as C(distribution) and C(distribution_release).
  type: dict
"""


def system_facts(name: str) -> dict[str, str]:
    """Return the facts."""
    try:
        return dict(system_named(name).facts)
    except BundleError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Name the filters of this file for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return functions by filter name."""
        return {"tgi_system_facts": system_facts}
