"""Refuse a second private CA: clients trust the first one, which another controller may have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...common.problem import number, problem
from ...gateway.tls import pem as pem
from ...gateway.tls.certificate import leaf_due
from .pem_files import Reader

#: The common name that the role gives to its CA
CA_NAME = "TGI gateway private CA"
_COPY = (
    "copy {} from the controller that has it, or let the role make a new CA with -e "
    "'{{\"gateway_tls_replace_ca\": true}}' and give clients the new ca.crt"
)


def check_private_ca(values: Mapping[str, Any], served: str, read: Reader) -> Iterator[str]:
    """Compare the CA on this controller with the certificate that the gateway has.

    ``served`` is the gateway's deployed certificate as PEM text, empty if there is none.
    """
    tls = values.get("gateway_tls")
    if not isinstance(tls, dict) or tls.get("source") != "private_ca":
        return
    directory = tls.get("ca_dir")
    if not isinstance(directory, str) or values.get("gateway_tls_replace_ca") is True:
        return
    where = "gateway_tls.ca_dir"
    authority = read(f"{directory}/ca.crt")
    leaf = _of_a_private_ca(served)
    if leaf is not None and authority is None:
        what = f"is {directory}, where the CA that issued this gateway's certificate is missing"
        yield problem(where, what, _COPY.format("ca.crt and ca.key"))
    elif leaf is not None and not any(pem.issued(leaf, one) for one in pem.bundle(authority or "")):
        what = f"is {directory}, whose CA is not the one that issued this gateway's certificate"
        yield problem(where, what, _COPY.format("ca.crt and ca.key"))
    elif authority is not None and read(f"{directory}/ca.key") is None:
        name, days = values.get("gateway_server_name"), values.get("gateway_tls_renew_days")
        here = [read(f"{directory}/{name}.{end}") or "" for end in ("crt", "key")]
        if leaf_due(here[0], here[1], authority, str(name), number(days) or 0):
            what = f"is {directory}, which has no ca.key, and a certificate must be issued"
            yield problem(where, what, _COPY.format("ca.key"))


def _of_a_private_ca(text: str) -> Any:
    """Return the certificate if it is from a CA of this role, else None."""
    leaf = next(iter(pem.bundle(text)), None)
    return leaf if leaf is not None and pem.title(leaf, issuer=True) == CA_NAME else None
