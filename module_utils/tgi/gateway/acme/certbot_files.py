"""Build certbot's files for the gateway, so that no argument holds a secret."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...common.files import read
from ...common.places import MARK

LOGS = "/var/log/tgi-gateway-acme"
SYSTEM_STORE = Path("/etc/ssl/certs/ca-certificates.crt")
#: Files that exist only while the options need them
OPTIONAL = ("authorities.pem", "environment", "dns.ini")
#: The hook runs after each new certificate, and never restarts nginx
_RELOAD = "systemctl reload nginx"


def authenticator_of(tls: Mapping[str, Any]) -> str:
    """Return the name of certbot's authenticator for the challenge."""
    dns = tls.get("challenge") == "dns-01"
    return f"dns-{tls['dns_plugin']}" if dns else "webroot"


def wanted_files(tls: Mapping[str, Any], root: Path, webroot: str) -> dict[str, tuple[str, int]]:
    """Return content and mode of every file below ``root``, certbot's configuration directory.

    ``tls`` is gateway_tls with source acme; directory_ca is the PEM text itself, not its path.
    """
    way = authenticator_of(tls)
    options: dict[str, Any] = {
        "config-dir": root,
        "work-dir": root / "work",
        "logs-dir": LOGS,
        "max-log-backups": 12,
        "server": tls["directory"],
        "agree-tos": "true",
        "key-type": "ecdsa",
        "elliptic-curve": "secp256r1",
        "authenticator": way,
        "deploy-hook": _RELOAD,
    }
    options["email" if tls.get("email") else "register-unsafely-without-email"] = (
        tls.get("email") or "true"
    )
    for name in ("eab_kid", "eab_hmac_key"):
        if tls.get(name):
            options[name.replace("_", "-")] = tls[name]
    found: dict[str, tuple[str, int]] = {}
    if way == "webroot":
        options["webroot-path"] = webroot
    else:
        options[f"{way}-credentials"] = root / "dns.ini"
        if tls.get("dns_propagation_seconds"):
            options[f"{way}-propagation-seconds"] = tls["dns_propagation_seconds"]
        found["dns.ini"] = (_ini(tls.get("dns_credentials") or {}), 0o600)
    if tls.get("directory_ca"):
        # requests takes one file: the system's authorities too, for the DNS provider's own API
        found["authorities.pem"] = (f"{read(SYSTEM_STORE)}{tls['directory_ca']}\n", 0o644)
        line = f"REQUESTS_CA_BUNDLE={root / 'authorities.pem'}\n"
        found["environment"] = (line, 0o644)
    found["cli.ini"] = (_ini(options), 0o600)
    return found


def _ini(options: Mapping[str, Any]) -> str:
    lines = [f"{name} = {value}" for name, value in options.items()]
    return "\n".join([MARK, *lines, ""])
