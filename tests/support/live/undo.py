"""Remove a gateway from a host."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.live.sites import Site
from tests.support.playbook import ansible_playbook
from tests.support.roots import ROOT

# What may stay are logs
LEFT = "find / -xdev -name '*tgi-gateway*' -not -path '/proc/*' -not -path '/var/log/*'"
OTHERS = """
find /etc/apt/sources.list.d /etc/apt/preferences.d /etc/apt/keyrings -type f
dpkg-query --show --showformat '${Package} ${db:Status-Status}\\n' \\
    'nginx*' 'libnginx-mod-http-js' certbot |
  grep ' installed$' || true
"""
PLAY = """---
- name: Take the gateway away
  hosts: {host}
  become: true
  tasks:
    - name: Take it away
      ansible.builtin.include_role:
        name: gateway
        tasks_from: uninstall
"""


def undo(site: Site, path: Path) -> subprocess.CompletedProcess[str]:
    """Run the role's uninstall on one host; ``path`` is a folder for the playbook."""
    playbook = path / "undo.yml"
    playbook.write_text(PLAY.format(host=site.host), encoding="utf-8")
    roles = str(ROOT / "roles")
    return ansible_playbook("-i", site.inventory, str(playbook), ANSIBLE_ROLES_PATH=roles)


def take_away(site: Site, path: Path) -> None:
    """Remove the gateway, and check that it leaves nothing."""
    gone = undo(site, path)
    assert gone.returncode == 0, gone.stdout
    assert site.run(LEFT) == ""
    assert site.run(OTHERS) == ""
    failed = site.run("systemctl list-units --failed --no-legend --plain")
    assert not failed, failed
