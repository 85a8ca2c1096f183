"""Write the firewall rules around the models, and check whether they are in force.

They say who may reach the models' ports, and what the models may connect to. Docker rewrites a
packet's destination before any filter sees it, so the rules match the original destination that
conntrack keeps. Two chains jump to them: DOCKER-USER, which Docker leaves alone, and INPUT, where
packets that Docker did not rewrite reach its proxy.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Mapping

from ..common.commands import Ask
from ..common.places import MARK

CHAIN = "TGI-FENCE"
#: Port on which an engine listens in its container
CONTAINER_PORT = 80
ENTRIES = ("DOCKER-USER", "INPUT")
#: Program -> its file of rules
TOOLS = {"iptables": "rules", "ip6tables": "rules6"}
#: The models' own bridges, which the role tgi names; networks of others have other names
BRIDGES = "tgi-+"
#: Where clouds hand out credentials: most of them, Azure's agent, Alibaba
METADATA = ("169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32")
EGRESS = ("open", "no_metadata", "none")
_OPEN = re.compile(r"-[jg] (?:ACCEPT|RETURN)\b")
_DOOR = re.compile(r"--ctorigdst (\S+) --ctorigdstport (\d+)")

UNIT = """\
# Written by tgi-ansible
[Unit]
Description=Let only the gateways reach the models' ports
# These load whole rule sets; Docker must find the rules in place, so that no port is ever open
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

# One transaction: no packet meets half of the rules. Declaring a chain empties it, so the script
# does not declare DOCKER-USER, which also has rules that are not ours.
# UNIT and SCRIPT are compared with the hosts' files: another comment in them costs a daemon-reload.
SCRIPT = """\
#!/bin/sh
# Written by tgi-ansible: puts the rules beside it in force, first in Docker's and the host's chains
set -eu
up() {{ # tool file
  "$1" -w -N DOCKER-USER 2>/dev/null || true
  {{
    echo '*filter'
    echo ':{chain} - [0:0]'
    cat "{directory}/$2"
    for entry in {entries}; do
      "$1" -w -S "$entry" | sed -n 's/^-A \\(.* -j {chain}\\)$/-D \\1/p'
      echo "-I $entry 1 -j {chain}"
    done
    echo COMMIT
  }} | "$1-restore" -w --noflush
}}
"""


class FirewallError(Exception):
    """The rules cannot be written; the message says why in one line."""


def tool_of(address: str) -> str:
    """Return the program for an address, or for none: iptables or ip6tables."""
    return "ip6tables" if address and ipaddress.ip_address(address).version == 6 else "iptables"


def files(
    directory: str,
    address: str,
    doors: Iterable[tuple[str, int]],
    sources: list[str],
    egress: str = "open",
    allowed: Iterable[str] = (),
) -> dict[str, str]:
    """Return the files of ``directory``, name -> text: the rules of each tool, and up.

    Only ``sources``, addresses or networks, may reach ``doors``, pairs of (address, port). Raises
    FirewallError for a source that is not of the same IP version as ``address``. Without an
    address, the rules only keep neighbours away from the containers' own addresses. ``egress`` is
    one of EGRESS; models may reach the IPv4 networks of ``allowed`` in any case.
    """
    own = tool_of(address)
    lines: dict[str, list[str]] = {own: [], "iptables": _leaving(egress, allowed)}
    lines[own] += _closing(address, doors, sources) if address else []
    made = {TOOLS[tool]: _text(rules) for tool, rules in lines.items()}
    script = SCRIPT.format(chain=CHAIN, directory=directory, entries=" ".join(ENTRIES))
    return {**made, "up": script + "".join(f"up {tool} {TOOLS[tool]}\n" for tool in lines)}


def _text(lines: list[str]) -> str:
    # Before Docker 28, a neighbour can send to a container's own address, past published ports
    every = [
        *lines,
        f"! -i {BRIDGES} -o {BRIDGES} -p tcp -m tcp --dport {CONTAINER_PORT} "
        "-m conntrack ! --ctstate DNAT --ctdir ORIGINAL -j DROP",
    ]
    # The digest shows which rules are in force: iptables prints the other rules in its own form
    digest = hashlib.sha256("\n".join(every).encode()).hexdigest()[:16]
    every.insert(0, f'-m comment --comment "tgi-ansible {digest}"')
    return f"{MARK}\n" + "".join(f"-A {CHAIN} {line}\n" for line in every)


def _leaving(egress: str, allowed: Iterable[str]) -> list[str]:
    """Return the rules for new connections from the models' networks."""
    if egress == "open":
        return []
    lines = ["-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"]
    lines += [f"-d {ipaddress.ip_network(one, strict=False)} -j RETURN" for one in allowed]
    if egress == "none":
        lines.append("-j REJECT")
    else:
        # Some clouds have their name server there
        lines += [f"-p {kind} -m {kind} --dport 53 -j RETURN" for kind in ("udp", "tcp")]
        lines += [f"-d {network} -j REJECT" for network in METADATA]
    return [f"-i {BRIDGES} {line}" for line in lines]


def egress_of(rules: str) -> str:
    """Return what the rules let the models reach, one of EGRESS."""
    if f"-i {BRIDGES} -j REJECT" in rules:
        return "none"
    return "no_metadata" if f"-d {METADATA[0]} -j REJECT" in rules else "open"


def _closing(address: str, doors: Iterable[tuple[str, int]], sources: list[str]) -> list[str]:
    version = ipaddress.ip_address(address).version
    try:
        networks = {ipaddress.ip_network(source, strict=False) for source in sources}
    except ValueError as error:
        raise FirewallError(f"tgi_allowed_sources: {error}; write addresses or networks") from error
    wrong = [str(network) for network in networks if network.version != version]
    if wrong:
        raise FirewallError(
            f"tgi_allowed_sources has {', '.join(wrong)}, but {address} is IPv{version}; "
            f"write the gateways' IPv{version} addresses"
        )
    lines = ["-i lo -j RETURN"]
    lines += [f"-s {source} -j RETURN" for source in sorted(map(str, networks))]
    return lines + [
        f"-p tcp -m conntrack --ctorigdst {door} --ctorigdstport {port} --ctdir ORIGINAL -j DROP"
        for door, port in sorted(set(doors))
    ]


def doors_of(rules: str) -> list[tuple[str, int]]:
    """Return the (address, port) pairs that the rules close."""
    return [(address, int(port)) for address, port in _DOOR.findall(rules)]


def sources_of(rules: str) -> list[str]:
    """Return the addresses and networks that the rules let in."""
    return [line.split()[3] for line in rules.splitlines() if line.startswith(f"-A {CHAIN} -s ")]


def ask_in_force(texts: Mapping[str, str], ask: Ask) -> bool | None:
    """Ask the kernel whether the rules in ``texts`` (file -> text) are in force; None: unknown."""
    wanted = {tool: texts[name] for tool, name in TOOLS.items() if texts.get(name)}
    for tool, rules in wanted.items():
        said = [ask([tool, "-w", "-S", chain]) for chain in (CHAIN, *ENTRIES)]
        if any(code is None for code, _ in said):
            return None
        chain, *entries = (text if code == 0 else "" for code, text in said)
        if not in_force(rules, chain, entries):
            return False
    return bool(wanted)


def in_force(rules: str, chain: str, entries: Iterable[str]) -> bool:
    """Check ``rules`` against the output of ``iptables -S`` for the chain and its entries.

    No rule before the jump may accept packets; rules that drop packets do no harm.
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
