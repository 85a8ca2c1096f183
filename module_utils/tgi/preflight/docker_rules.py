"""Check the variables of the role docker as far as possible without the host.

The role's modules check daemon.json, plugins and containers on the host.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..common.problem import problem, shown
from ..common.url_login import ENCODE, login_problem
from ..docker.daemon_json import has_secret
from ..docker.registry_certificates import CertificateRefusedError, check_authority

_MIRROR = re.compile(r"https?://[^\s/@?#]+(?:/[^\s@?#]*)?")
_PROXY = re.compile(r"(?:https?|socks5h?)://[^\s/?#]+/?")
_REGISTRY = re.compile(r"[^\s/@]+(?:/\d{1,3})?")


def check_docker(values: Mapping[str, Any]) -> list[str]:
    """Return the problems of the role's variables that are set."""
    return [
        *_check_each(
            values, "docker_registry_mirrors", _MIRROR, "URL", "https://mirror.example.org"
        ),
        *_check_each(
            values, "docker_insecure_registries", _REGISTRY, "registry", "registry.example.org:5000"
        ),
        *_check_proxies(values),
        *_check_authorities(values.get("docker_registry_cas")),
        *_check_pools(values.get("docker_address_pools")),
        *_check_settings(values.get("docker_daemon_settings")),
        *_check_rest(values),
    ]


def _check_each(
    values: Mapping[str, Any], name: str, form: re.Pattern[str], kind: str, like: str
) -> Iterator[str]:
    given = values.get(name)
    for place, one in enumerate(given if isinstance(given, list) else []):
        if isinstance(one, str) and not form.fullmatch(one):
            what = f"is {shown(one)}, not a {kind}"
            yield problem(f"{name}[{place}]", what, f"write one such as {like}")


def _check_proxies(values: Mapping[str, Any]) -> Iterator[str]:
    for name in ("docker_http_proxy", "docker_https_proxy"):
        given = values.get(name)
        if isinstance(given, str) and (wrong := login_problem(given)):
            yield problem(name, wrong, ENCODE)
        elif isinstance(given, str) and given and not _PROXY.fullmatch(given):
            remedy = "write one such as http://proxy.example.org:3128"
            yield problem(name, "is not a proxy URL", remedy)


def _check_authorities(given: Any) -> Iterator[str]:
    for registry, authority in given.items() if isinstance(given, Mapping) else ():
        if isinstance(authority, str):
            try:
                check_authority(str(registry), authority)
            except CertificateRefusedError as error:
                where, _, rest = str(error).partition(" ")
                what, _, remedy = rest.partition(": ")
                yield problem(where, what, remedy)


def _check_pools(given: Any) -> Iterator[str]:
    taken: list[Any] = []
    for place, pool in enumerate(given if isinstance(given, list) else []):
        base = pool.get("base") if isinstance(pool, Mapping) else None
        size = pool.get("size") if isinstance(pool, Mapping) else None
        where = f"docker_address_pools[{place}]"
        if not isinstance(base, str) or not isinstance(size, int):
            continue
        try:
            network = ipaddress.ip_network(base)
        except ValueError:
            remedy = "write one such as 10.213.0.0/16, whose host bits are 0"
            yield problem(f"{where}.base", f"is {shown(base)}, not a network", remedy)
            continue
        longest = network.max_prefixlen - 2
        if not network.prefixlen <= size <= longest:
            remedy = f"write a length from {network.prefixlen} to {longest}"
            yield problem(f"{where}.size", f"is {size}, not a prefix length within {base}", remedy)
        for other in taken:
            if other.version == network.version and other.overlaps(network):
                yield problem(f"{where}.base", f"overlaps {other}", "write another network")
        taken.append(network)


def _check_settings(given: Any) -> Iterator[str]:
    if not isinstance(given, Mapping):
        return
    where = "docker_daemon_settings"
    if given.get("hosts") is not None:
        what = "is set, but the systemd unit passes -H, and the daemon would not start"
        yield problem(f"{where}.hosts", what, "use a drop-in for docker.socket instead")
    if has_secret({"proxies": given.get("proxies")}):
        remedy = "write docker_http_proxy and docker_https_proxy, which no output shows"
        yield problem(f"{where}.proxies", "holds a password", remedy)
    options = given.get("log-opts")
    for name, value in options.items() if isinstance(options, Mapping) else ():
        if value is not None and not isinstance(value, str):
            text = str(value).lower() if isinstance(value, bool) else value
            yield problem(f"{where}.log-opts.{name}", "is not a text", f'write "{text}", in quotes')


def _check_rest(values: Mapping[str, Any]) -> Iterator[str]:
    root = values.get("docker_data_root")
    if isinstance(root, str) and root and not re.fullmatch(r"/[^\s:,]+", root):
        yield problem("docker_data_root", f"is {shown(root)}, not a path", "write an absolute path")
    users = values.get("docker_users")
    for place, user in enumerate(users if isinstance(users, list) else []):
        if isinstance(user, str) and not re.fullmatch(r"[A-Za-z_][\w.@-]*\$?", user):
            where = f"docker_users[{place}]"
            yield problem(where, f"is {shown(user)}, not a user name", "write a user of the host")
