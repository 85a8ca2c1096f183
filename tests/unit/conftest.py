"""Make the project's module_utils importable as Ansible ships them to a host."""

from __future__ import annotations

from pathlib import Path

import ansible.module_utils
import ansible.plugins.action
import ansible.plugins.filter

ROOT = Path(__file__).resolve().parents[2]

ansible.module_utils.__path__.append(str(ROOT / "module_utils"))
ansible.plugins.action.__path__.append(str(ROOT / "plugins" / "action"))
ansible.plugins.filter.__path__.append(str(ROOT / "plugins" / "filter"))
