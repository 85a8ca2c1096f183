"""Whether a gateway's name, certificate, tiers, consumers and ports fit together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .gateway_tls import certificate_problems
from .inventory_consumers import check_consumers, check_limits
from .inventory_models import ports_of_models
from .inventory_problem import UNKNOWN, problem, shown, whole

# Reads the beginning of a file of the controller; None if there is none that can be read
Reader = Callable[[str], "str | None"]
PORTS = ("gateway_http_port", "gateway_https_port", "gateway_status_port")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
# Its certificate would be written over the private CA's own
_RESERVED = "ca"
_VAULTED = "$ANSIBLE_VAULT"


def check_gateway(values: Mapping[str, Any], read: Reader) -> list[str]:
    """Give the problems of the gateway's variables, except for its backends."""
    found = list(_check_name(values.get("gateway_server_name"), values.get("gateway_tls")))
    found += _check_tls(values.get("gateway_tls"), read)
    found += check_limits(values)
    found += check_consumers(values)
    found += _check_ports(values)
    return found


def check_certificate(values: Mapping[str, Any], read: Reader) -> list[str]:
    """Give the reasons why the certificate of gateway_tls cannot be served, if it can be read.

    What cannot be read is :func:`check_gateway`'s to report, and what is vaulted is passed over.
    """
    tls, name = values.get("gateway_tls"), values.get("gateway_server_name")
    if list(_check_tls(tls, read)) or not isinstance(tls, dict) or tls.get("source") != "files":
        return []
    paths = [tls.get(key) for key in ("certificate", "key")]
    texts = [read(path) or "" for path in paths if isinstance(path, str)]
    if len(texts) != 2 or any(_VAULTED in text for text in texts):
        return []
    fits = isinstance(name, str) and not list(_check_name(name, tls))
    return certificate_problems(texts[0], texts[1], str(name) if fits else "")


def _check_name(name: Any, tls: Any) -> Iterator[str]:
    where = "gateway_server_name"
    remedy = "write the name in the clients' URL, for example llm.example.org"
    if not isinstance(name, str) or not name:
        return
    if not _HOST.fullmatch(name):
        yield problem(where, f"is {shown(name)}, no host name", remedy)
    elif name.replace(".", "").isdigit():
        yield problem(where, f"is {shown(name)}, an address and no host name", remedy)
    elif name != name.lower():
        remedy = f"write {name.lower()}: clients ask for it so"
        yield problem(where, f"is {shown(name)}, which has capital letters", remedy)
    elif name == _RESERVED and isinstance(tls, dict) and tls.get("source") == "private_ca":
        what = f"is {shown(name)}, whose certificate would replace the private CA's"
        yield problem(where, what, remedy)


def _check_tls(tls: Any, read: Reader) -> Iterator[str]:
    source = tls.get("source") if isinstance(tls, dict) else None
    if source == "files":
        yield from _check_pem(tls, "certificate", "CERTIFICATE", read)
        yield from _check_pem(tls, "key", "PRIVATE KEY", read)
    if source == "private_ca" and tls.get("ca_dir") is not UNKNOWN:
        yield from _check_path("gateway_tls.ca_dir", tls.get("ca_dir"))


def _check_pem(tls: dict[str, Any], key: str, content: str, read: Reader) -> Iterator[str]:
    where, path = f"gateway_tls.{key}", tls.get(key)
    if path is UNKNOWN:
        return
    wrong = list(_check_path(where, path))
    head = None if wrong else read(str(path))
    if wrong:
        yield wrong[0]
    elif head is None:
        remedy = "put the file there, write the path it has, or write source: private_ca"
        yield problem(where, f"is {path}, which the controller cannot read", remedy)
    elif not re.search(rf"-----BEGIN [A-Z ]*{content}-----", head) and _VAULTED not in head:
        yield problem(where, f"is {path}, which holds no {content}", "write a PEM file's path")


def _check_path(where: str, path: Any) -> Iterator[str]:
    remedy = 'write an absolute path on the controller, such as "{{ inventory_dir }}/pki/…"'
    if not isinstance(path, str) or not path:
        yield problem(where, "is missing", remedy)
    elif not path.startswith("/"):
        yield problem(where, f"is {shown(path)}, which depends on where Ansible runs", remedy)


def _check_ports(values: Mapping[str, Any]) -> Iterator[str]:
    owners = {port: path for path, _, port in ports_of_models(values)}
    for name in PORTS:
        port = whole(values.get(name))
        if port is None:
            continue
        if not 0 < port < 65536:
            yield problem(name, f"is {port}, no port", "write one from 1 to 65535")
        elif port in owners:
            yield problem(name, f"is {port}, as is {owners[port]}", "write another")
        owners.setdefault(port, name)
