"""The processes of tasks load no filters, as the one that starts them has them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.playbook import ansible_playbook

FILTER = """
import os
with open({log!r}, "a") as log:
    log.write(f"{{os.getpid()}}\\n")
class FilterModule:
    def filters(self):
        return {{"marked": lambda value: f"{{value}} in {{os.getpid()}}"}}
"""


def test_filters_are_loaded_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "filter_plugins").mkdir()
    (tmp_path / "filter_plugins" / "marks.py").write_text(FILTER.format(log=str(log)))
    tasks = [{"ansible.builtin.debug": {"msg": "{{ 'used' | marked }}"}}] * 2
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    done = ansible_playbook("-i", "localhost,", "-c", "local", str(tmp_path / "play.yml"))
    assert done.stdout.count("used in ") == 2, done.stdout + done.stderr
    loaded = log.read_text().split()
    assert len(loaded) == 1
    # A task has a process of its own
    assert f"used in {loaded[0]}\n" not in done.stdout
