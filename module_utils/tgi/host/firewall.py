"""The fence before the models' ports: the rules, what loads them, and whether they are in force.

Docker rewrites the destination of a packet before any filter sees it, so the rules look at what
conntrack keeps of the original one. They are asked from DOCKER-USER, which Docker leaves alone,
and from INPUT, through which whatever Docker did not rewrite reaches its own proxy.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable

from ..common.places import MARK

CHAIN = "TGI-FENCE"
#: Where an engine listens in its container
CONTAINER_PORT = 80
ENTRIES = ("DOCKER-USER", "INPUT")
_OPEN = re.compile(r"-[jg] (?:ACCEPT|RETURN)\b")
_DOOR = re.compile(r"--ctorigdst (\S+) --ctorigdstport (\d+)")

UNIT = """\
# Written by tgi-ansible
[Unit]
Description=Let only the gateways reach the models' ports
# These load whole rule sets; Docker must find the fence in place, so that no port is ever open
After=nftables.service netfilter-persistent.service ufw.service firewalld.service
Before=docker.service
# A restart of Docker puts it up again, should somebody have flushed it
PartOf=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={directory}/up

[Install]
WantedBy=docker.service multi-user.target
"""

# One transaction: no packet meets half a fence. A chain that is declared anew is emptied first,
# so DOCKER-USER, which holds others' rules too, is not declared.
SCRIPT = """\
#!/bin/sh
# Written by tgi-ansible: puts the rules beside it in force, first in Docker's and the host's chains
set -eu
{tool} -w -N DOCKER-USER 2>/dev/null || true
{{
  echo '*filter'
  echo ':{chain} - [0:0]'
  cat {directory}/rules
  for entry in {entries}; do
    {tool} -w -S "$entry" | sed -n 's/^-A \\(.* -j {chain}\\)$/-D \\1/p'
    echo "-I $entry 1 -j {chain}"
  done
  echo COMMIT
}} | {tool}-restore -w --noflush
"""


class FenceError(Exception):
    """A fence that cannot be; the text says why in one line."""


def tool_of(address: str) -> str:
    """Give the program for an address: iptables or ip6tables."""
    return "ip6tables" if ipaddress.ip_address(address).version == 6 else "iptables"


def files(
    directory: str, address: str, doors: Iterable[tuple[str, int]], sources: list[str]
) -> dict[str, str]:
    """Give name -> text of what is kept in ``directory``: rules and up.

    ``doors`` are (address, port) that only ``sources``, addresses or networks of the family of
    ``address``, may reach. Raises FenceError for what is no address of that family.
    """
    version = ipaddress.ip_address(address).version
    try:
        networks = {ipaddress.ip_network(source, strict=False) for source in sources}
    except ValueError as error:
        raise FenceError(f"tgi_allowed_sources: {error}; write addresses or networks") from error
    strangers = [str(network) for network in networks if network.version != version]
    if strangers:
        raise FenceError(
            f"tgi_allowed_sources has {', '.join(strangers)}, but {address} is of IPv{version}; "
            "write the gateways' addresses of that family"
        )
    lines = ["-i lo -j RETURN"]
    lines += [f"-s {source} -j RETURN" for source in sorted(map(str, networks))]
    lines += [
        f"-p tcp -m conntrack --ctorigdst {door} --ctorigdstport {port} --ctdir ORIGINAL -j DROP"
        for door, port in sorted(set(doors))
    ]
    # Before Docker 28 a neighbour may send to a container's own address, past every published port
    lines.append(
        f"! -i br-+ -o br-+ -p tcp -m tcp --dport {CONTAINER_PORT} "
        "-m conntrack ! --ctstate DNAT --ctdir ORIGINAL -j DROP"
    )
    # Tells which rules are in force: iptables shows every other one in words of its own
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
    lines.insert(0, f'-m comment --comment "tgi-ansible {digest}"')
    script = SCRIPT.format(
        tool=tool_of(address), chain=CHAIN, directory=directory, entries=" ".join(ENTRIES)
    )
    return {"rules": f"{MARK}\n" + "".join(f"-A {CHAIN} {line}\n" for line in lines), "up": script}


def doors_of(rules: str) -> list[tuple[str, int]]:
    """Give the (address, port) that a text of rules closes."""
    return [(address, int(port)) for address, port in _DOOR.findall(rules)]


def in_force(rules: str, chain: str, entries: Iterable[str]) -> bool:
    """Tell whether ``rules`` are what ``iptables -S`` says of the chain and of its entries.

    Before the jump nothing may let a packet pass; what others drop there does no harm.
    """
    digest = re.search(r'"tgi-ansible [0-9a-f]+"', rules)
    if digest is None or digest.group() not in chain:
        return False
    if chain.count(f"-A {CHAIN} ") != rules.count(f"-A {CHAIN} "):
        return False
    return all(_reached(entry) for entry in entries)


def _reached(entry: str) -> bool:
    for line in entry.splitlines():
        if line.startswith("-A ") and line.endswith(f" -j {CHAIN}"):
            return True
        if line.startswith("-A ") and _OPEN.search(line):
            return False
    return False
