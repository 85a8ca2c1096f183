"""Run playbooks on hosts that the preflight finds nothing wrong with, all of them this machine."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.support.playbook import ansible_playbook
from tests.support.preflight.playbook_hosts import SECRET, variables
from tests.support.roots import ROOT

OFF = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}
GROUPS = {"gpu_hosts": ["gpu1", "gpu2"], "gateways": ["edge1", "edge2"]}
#: Stands for the module on the hosts
_MODULE = """\
#!/usr/bin/python
import json
import time
facts = {"models": [], "firewall_sources": SOURCES, "address": "10.0.0.9"}
answer = {"problems": [], "notes": [], "certificate": "", "facts": facts, "clock": time.time()}
print(json.dumps({**answer, "lock": json.loads('LOCK')}))
"""
#: Stands for the module that gathers facts, which takes most of such a run's time
_FACTS = """\
#!/usr/bin/python
print('{"ansible_facts": {}}')
"""


def run(
    folder: Path,
    play: Path,
    *words: str,
    off: tuple[str, ...] = (),
    lock: dict[str, Any] | None = None,
    sources: tuple[str, ...] = ("10.0.0.9/32",),
    **more: Any,
) -> subprocess.CompletedProcess[str]:
    """Run a playbook; the hosts ``off`` cannot be reached, and all have the ``lock``.

    Their firewalls let the ``sources`` in.
    """
    (folder / "library").mkdir()
    module = _MODULE.replace("LOCK", json.dumps(lock)).replace("SOURCES", json.dumps(sources))
    (folder / "library" / "tgi_preflight.py").write_text(module)
    (folder / "library" / "setup.py").write_text(_FACTS)
    children = {
        group: {"hosts": {name: OFF if name in off else {} for name in names}}
        for group, names in GROUPS.items()
    }
    given = variables(tgi_bind_address="10.0.0.5", tgi_base_port=8081, **more)
    inventory = {"all": {"children": children, "vars": given}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
    library = f"{folder / 'library'}:{ROOT / 'library'}"
    hosts = ["-i", str(folder / "hosts.yml")]
    done = ansible_playbook(*hosts, str(play), *words, ANSIBLE_LIBRARY=library)
    assert SECRET not in done.stdout
    return done
