"""Files beside the toolkit's packages: Docker's order at boot, what others may not upgrade."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: No daemon-reload follows it: it matters at boot, and a reload can take GPUs from containers
ORDER = "/etc/systemd/system/docker.service.d/10-tgi-cdi.conf"
ORDER_TEXT = """\
# Ansible managed: containers with GPUs that start before the specification exists stay down
[Unit]
Wants=nvidia-cdi-refresh.service
After=nvidia-cdi-refresh.service
"""
#: By package manager
UNATTENDED = {
    "apt": "/etc/apt/apt.conf.d/52tgi-ansible-unattended",
    "dnf": "/etc/dnf/automatic.conf",
}
_BEGIN, _END = "# tgi-ansible: kept from dnf-automatic", "# end of tgi-ansible"
_BLOCK = re.compile(rf"(?ms)^{_BEGIN}\n.*?^{_END}\n")
_BASE = re.compile(r"(?m)^\[base\][^\n]*\n")


def unattended_text(manager: str, before: str, excluded: Sequence[str]) -> str:
    """The file by which unattended upgrades leave packages alone, by the beginnings of their names.

    apt adds the list to others'; of dnf's file only a block is ours. "" where no file is needed.
    """
    if manager == "dnf":
        return _automatic(before, excluded)
    lines = [f'  "{one}";' for one in excluded]
    header = ["// Ansible managed", "Unattended-Upgrade::Package-Blacklist {"]
    return "\n".join([*header, *lines, "};", ""]) if excluded else ""


def _automatic(before: str, excluded: Sequence[str]) -> str:
    """The section [base] goes over dnf.conf for dnf-automatic alone; ValueError if it is taken."""
    others = _BLOCK.sub("", before)
    if not excluded:
        return others
    section = _BASE.search(others)
    own = others[section.end() :].partition("\n[")[0] if section else ""
    if re.search(r"(?m)^exclude(pkgs)?\s*=", own):
        raise ValueError(f"{UNATTENDED['dnf']} has an exclude of its own in [base]; add to that")
    names = " ".join(one if one.endswith("*") else f"{one}*" for one in excluded)
    block = f"{_BEGIN}\nexclude = {names}\n{_END}\n"
    if section is None:
        return f"{others}\n[base]\n{block}" if others else f"[base]\n{block}"
    return others[: section.end()] + block + others[section.end() :]
