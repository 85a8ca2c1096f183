"""Check the ACME settings of gateway_tls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...common.problem import UNKNOWN, problem, shown
from .pem_files import Reader, check_authorities

_DNS_KEYS = ("dns_plugin", "dns_credentials", "dns_propagation_seconds")
_EAB = ("eab_kid", "eab_hmac_key")
#: The keys of gateway_tls with source: acme
ACME_KEYS = ("directory", "directory_ca", "email", "agree_tos", "challenge", *_DNS_KEYS, *_EAB)
_URL = re.compile(r"https://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?/[!-~]*")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_PLUGIN = re.compile(r"[a-z0-9][a-z0-9-]*")
_OPTION = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_KID = re.compile(r"[!-~]+")
_HMAC = re.compile(r"[A-Za-z0-9_-]+=*")
_NOT_IN_A_URL = set("\"'`\\<>{}|^$")
_LONGEST_WAIT = 3600


def check_acme(tls: Mapping[Any, Any], read: Reader) -> Iterator[str]:
    """Return the problems of gateway_tls with source: acme; types are checked elsewhere."""
    directory, email = tls.get("directory"), tls.get("email")
    remedy = "write the server's https URL, such as https://acme-v02.api.letsencrypt.org/directory"
    if _is_unset(directory):
        yield problem("gateway_tls.directory", "is missing", remedy)
    elif isinstance(directory, str) and not _is_url(directory):
        what = f"is {shown(directory)}, not a directory URL"
        yield problem("gateway_tls.directory", what, remedy)
    if isinstance(email, str) and email and not _EMAIL.fullmatch(email):
        remedy = "write one such as ops@example.org, or delete it"
        yield problem("gateway_tls.email", f"is {shown(email)}, not an address", remedy)
    if tls.get("agree_tos") is not True and tls.get("agree_tos") is not UNKNOWN:
        what = "is missing" if tls.get("agree_tos") is None else "is false"
        remedy = "read the server's terms of service, and write agree_tos: true"
        yield problem("gateway_tls.agree_tos", what, remedy)
    if not _is_unset(tls.get("directory_ca")):
        yield from check_authorities("gateway_tls.directory_ca", tls.get("directory_ca"), read)
    yield from _check_challenge(tls)
    yield from _check_binding(tls)


def _is_unset(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _is_url(text: str) -> bool:
    return bool(_URL.fullmatch(text)) and not _NOT_IN_A_URL & set(text)


def _check_challenge(tls: Mapping[Any, Any]) -> Iterator[str]:
    challenge = tls.get("challenge")
    if challenge is UNKNOWN:
        return
    if challenge != "dns-01":
        for key in _DNS_KEYS:
            if tls.get(key) is not None:
                what = "is set, but the challenge is http-01"
                yield problem(f"gateway_tls.{key}", what, "delete it, or write challenge: dns-01")
        return
    plugin, wait = tls.get("dns_plugin"), tls.get("dns_propagation_seconds")
    remedy = "write the name of certbot's plugin, such as rfc2136"
    if _is_unset(plugin):
        yield problem("gateway_tls.dns_plugin", "is missing", remedy)
    elif isinstance(plugin, str) and not _PLUGIN.fullmatch(plugin):
        yield problem("gateway_tls.dns_plugin", f"is {shown(plugin)}, not a plugin name", remedy)
    yield from _check_credentials(tls.get("dns_credentials"))
    if isinstance(wait, int) and not 0 < wait <= _LONGEST_WAIT:
        what = f"is {wait}"
        remedy = f"write one from 1 to {_LONGEST_WAIT}"
        yield problem("gateway_tls.dns_propagation_seconds", what, remedy)


def _check_credentials(credentials: Any) -> Iterator[str]:
    where = "gateway_tls.dns_credentials"
    if credentials is None or credentials == {}:
        remedy = 'write them as the plugin\'s manual names them: {dns_x_token: "{{ vault_… }}"}'
        yield problem(where, "is missing" if credentials is None else "is empty", remedy)
    for name, value in credentials.items() if isinstance(credentials, dict) else ():
        path = f"{where}.{name}"
        if not _OPTION.fullmatch(str(name)):
            remedy = "write a name from the plugin's manual: letters, digits, _ and -"
            yield problem(f"{where}", f"has {shown(str(name))}, not an option name", remedy)
        elif value is UNKNOWN:
            continue
        elif isinstance(value, (dict, list)) or _is_unset(value):
            yield problem(path, "is not a single value", "write a text or a number")
        elif not str(value).isprintable() or str(value) != str(value).strip():
            remedy = "write it in one line, without blanks around it"
            yield problem(path, "has a line break, a control character or blanks around it", remedy)


def _check_binding(tls: Mapping[Any, Any]) -> Iterator[str]:
    for key, other, shape in zip(_EAB, reversed(_EAB), (_KID, _HMAC)):
        value = tls.get(key)
        where = f"gateway_tls.{key}"
        if _is_unset(value) and not _is_unset(tls.get(other)):
            remedy = f"copy it from the server's account page, or delete {other}"
            yield problem(where, f"is missing although {other} is set", remedy)
        elif isinstance(value, str) and value and not shape.fullmatch(value):
            remedy = "copy it again from the server's account page"
            yield problem(where, "has invalid characters", remedy)
