"""Run ansible-playbook as a user would, without colours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.roots import ROOT

PROGRAM = str(Path(sys.executable).with_name("ansible-playbook"))


def ansible_playbook(
    *words: str, cwd: Path = ROOT, timeout: float = 300, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Return the finished run; raise TimeoutExpired when it does not end.

    The project's ansible.cfg is used unless ``environment`` names another one.
    """
    plain = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0", "NO_COLOR": "1"}
    own = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **plain, **environment}
    return subprocess.run(
        [PROGRAM, *words],
        cwd=cwd,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def changes(done: subprocess.CompletedProcess[str]) -> set[int]:
    """Return how many tasks changed something on one host or another of the recap."""
    return {int(count) for count in re.findall(r" changed=(\d+) ", done.stdout)}
