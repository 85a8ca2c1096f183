"""Write Docker's order at boot, and exclude packages from unattended upgrades."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: It only matters at boot, so no daemon-reload follows: that can take GPUs from containers
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
    """Return the file that excludes packages, by prefix, from unattended upgrades.

    apt merges the list with others; in dnf's file only one block is ours. "" if no file is needed.
    """
    if manager == "dnf":
        return _automatic(before, excluded)
    lines = [f'  "{one}";' for one in excluded]
    header = ["// Ansible managed", "Unattended-Upgrade::Package-Blacklist {"]
    return "\n".join([*header, *lines, "};", ""]) if excluded else ""


def _automatic(before: str, excluded: Sequence[str]) -> str:
    """Write the exclude into [base], which only dnf-automatic reads. Raises ValueError."""
    others = _BLOCK.sub("", before)
    if not excluded:
        return others
    section = _BASE.search(others)
    own = others[section.end() :].partition("\n[")[0] if section else ""
    if re.search(r"(?m)^exclude(pkgs)?\s*=", own):
        raise ValueError(f"{UNATTENDED['dnf']} has an exclude in [base]; add the names to it")
    names = " ".join(one if one.endswith("*") else f"{one}*" for one in excluded)
    block = f"{_BEGIN}\nexclude = {names}\n{_END}\n"
    if section is None:
        return f"{others}\n[base]\n{block}" if others else f"[base]\n{block}"
    return others[: section.end()] + block + others[section.end() :]
