"""Make the project's module_utils and plugins importable, as Ansible does in a run."""

from __future__ import annotations

import ansible.module_utils
import ansible.plugins.action
import ansible.plugins.filter

from tests.support.roots import ROOT


def add_project() -> None:
    """Let ``ansible.module_utils.tgi`` and the plugins be found in this checkout."""
    ansible.module_utils.__path__.append(str(ROOT / "module_utils"))
    ansible.plugins.action.__path__.append(str(ROOT / "plugins" / "action"))
    ansible.plugins.filter.__path__.append(str(ROOT / "plugins" / "filter"))
