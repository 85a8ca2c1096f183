"""Check the PEM files on the controller that the checks need."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..common.problem import problem
from .gateway.pem_files import Reader, check_bundle

_CA = "checks_ca_file"
_CLIENT = "checks_client_certificate"


def check_files(values: Mapping[str, Any], read: Reader) -> Iterator[str]:
    """Return the problems of checks_ca_file and checks_client_certificate, if they are set."""
    tls = values.get("gateway_tls")
    # The role makes this one, later in the first run
    makes_ca = isinstance(tls, dict) and tls.get("source") == "private_ca"
    for name in (_CA, _CLIENT):
        given = values.get(name)
        if not isinstance(given, str) or not given:
            continue
        path = str(Path(given).expanduser())
        if read(path) is None:
            if name == _CLIENT or not makes_ca:
                remedy = "put the file there, or correct the path"
                yield problem(name, f"is {given}, which the controller cannot read", remedy)
        elif name == _CA:
            yield from check_bundle(name, path, read)
        else:
            yield from _check_pair(path)


def _check_pair(path: str) -> Iterator[str]:
    """Read the file with OpenSSL, as the checks will."""
    try:
        # A key with a password must fail, not ask on the terminal
        ssl.create_default_context().load_cert_chain(path, password=lambda: "")
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or "no certificate with its key"
        words = str(reason).lower().replace("_", " ")
        remedy = "write a PEM file with the certificate, then its private key without a password"
        yield problem(_CLIENT, f"is {path}, which OpenSSL cannot read: {words}", remedy)
