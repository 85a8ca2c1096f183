"""Make the project's module_utils importable as Ansible ships them to a host."""

from __future__ import annotations

from tests.support.ansible_paths import add_project

add_project()
