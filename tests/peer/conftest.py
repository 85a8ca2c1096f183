"""Make the project's module_utils importable as Ansible ships them to a host."""

from __future__ import annotations

from pathlib import Path

import ansible.module_utils

ROOT = Path(__file__).resolve().parents[2]

ansible.module_utils.__path__.append(str(ROOT / "module_utils"))
