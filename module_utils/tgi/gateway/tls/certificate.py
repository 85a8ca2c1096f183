"""Check on the controller that nginx can serve a certificate."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from ...common.problem import problem
from . import pem as pem
from .certificate_chain import check_chain
from .certificate_strength import check_strength


def certificate_problems(
    certificate: str,
    key: str,
    server_name: str,
    root: str = "",
    profile: str = "intermediate",
    suffix: str = "",
) -> list[str]:
    """Return the reasons why this certificate (PEM, leaf first) cannot be served with this key.

    Without ``server_name`` the names in it are not checked. ``root`` is PEM text too, the site's
    own authorities. The variables are named with ``suffix``: "" or "_content".
    """
    where, where_key = f"gateway_tls.certificate{suffix}", f"gateway_tls.key{suffix}"
    remedy = "write the PEM text as its file has it" if suffix else "write the path of a PEM file"
    try:
        chain = pem.certificates(certificate)
    except pem.UnreadableError as error:
        return [problem(where, str(error), remedy)]
    try:
        private = pem.private_key(key)
    except pem.UnreadableError as error:
        return [problem(where_key, str(error), f"{remedy}, without a password")]
    roots = pem.bundle(root)
    if root and not roots:
        remedy = "write the path of a PEM file"
        return [problem("gateway_tls.root", "contains no readable certificate", remedy)]
    mine = [place for place, one in enumerate(chain) if pem.belong_together(one, private)]
    if mine and mine[0] > 0:
        chain.insert(0, chain.pop(mine[0]))
        what = f"is out of order: the private key belongs to certificate {mine[0] + 1} of"
        what += f" {len(chain)}, {pem.title(chain[0])}"
        found = [problem(where, what, "put that one first, then the issuer of each")]
        found += _check_leaf(where, chain[0], server_name)
        return found + list(check_strength(where, chain, profile))
    found = list(_check_leaf(where, chain[0], server_name))
    if not mine:
        remedy = "write the key that belongs to the certificate"
        found.insert(0, problem(where_key, "does not belong to the certificate", remedy))
    # A weak signature proves no chain
    found += list(check_strength(where, chain, profile)) or check_chain(where, chain, roots)
    return found


def _check_leaf(where: str, leaf: Any, server_name: str) -> Iterator[str]:
    if server_name and not pem.covers(leaf, server_name):
        remedy = "get a certificate with this name in its subject alternative names"
        yield problem(where, f"does not cover {server_name}", remedy)
    if pem.end(leaf) <= pem.now():
        yield problem(where, f"expired on {pem.end(leaf):%Y-%m-%d}", "renew it")
    if pem.start(leaf) > pem.now():
        remedy = "correct the controller's clock, or wait until then"
        yield problem(where, f"is valid only from {pem.start(leaf):%Y-%m-%d}", remedy)


def leaf_due(certificate: str, key: str, authority: str, server_name: str, days: Any) -> bool:
    """Return whether a private CA's leaf must be issued (again).

    True if it is missing, unreadable, without its key, for another name or not from this CA,
    or if it or the CA ends within ``days``. Raises nothing.
    """
    try:
        leaf, private = pem.certificates(certificate)[0], pem.private_key(key)
        issuer = pem.certificates(authority)[0]
    except pem.UnreadableError:  # a new leaf replaces an unreadable one too
        return True
    last = min(pem.end(leaf), pem.end(issuer)) - datetime.timedelta(days=float(days))
    return (
        not pem.issued(leaf, issuer)
        or not pem.belong_together(leaf, private)
        or not pem.covers(leaf, server_name)
        or pem.now() > last
    )
