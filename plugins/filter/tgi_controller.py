"""Filters that inspect the controller."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Any

DOCUMENTATION = """
name: tgi_missing_collections
short_description: Return the collections that Ansible does not find
description:
  - Looks for collections on the controller, where this filter runs.
options:
  _input:
    description: Names of collections.
    type: list
    elements: str
    required: true
"""

EXAMPLES = """
- name: Show what is missing
  ansible.builtin.debug:
    msg: "{{ ['community.docker'] | tgi_missing_collections }}"
"""

RETURN = """
_value:
  description: The names that Ansible does not find, in the order given.
  type: list
"""


def missing_collections(names: Iterable[str]) -> list[str]:
    """Return the names of the collections that cannot be imported."""
    return [name for name in names if not _found(f"ansible_collections.{name}")]


def _found(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # not even the namespace
        return False


class FilterModule:
    """Name the filters of this file for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return functions by filter name."""
        return {"tgi_missing_collections": missing_collections}
