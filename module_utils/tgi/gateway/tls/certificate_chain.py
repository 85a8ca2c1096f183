"""Check that a certificate chain is in order and ends at a trusted root."""

from __future__ import annotations

import functools
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...common.files import read
from ...common.problem import problem
from . import pem as pem

# How OpenSSL names the links of its directory: a digest of the subject, and a number
_LINK = re.compile(r"[0-9a-f]{8}\.[0-9]+")


def check_chain(where: str, chain: list[Any], own_roots: list[Any]) -> Iterator[str]:
    """Return what is wrong with ``chain`` (leaf first) as a server must send it.

    Each is issued by the next; the last by itself, by one of ``own_roots`` or by a root that
    this controller trusts. All issuers must be authorities, and valid now.
    """
    for place, certificate in enumerate(chain):
        if certificate in chain[:place]:
            first = chain.index(certificate) + 1
            what = f"contains {pem.title(certificate)} twice, as certificates {first} and"
            yield problem(where, f"{what} {place + 1} of {len(chain)}", "delete one of them")
            return
    for place, (certificate, issuer) in enumerate(zip(chain, chain[1:])):
        if not pem.issued(certificate, issuer):
            yield _break(where, certificate, chain, place)
            return
    for issuer in chain[1:]:
        yield from _check_issuer(where, issuer)
    last = chain[-1]
    if pem.is_root(last) or any(pem.issued(last, root) for root in own_roots):
        return
    roots = trusted_roots()
    if any(pem.issued(last, root) for root in roots.get(last.issuer.public_bytes(), [])):
        return
    what = f"ends at issuer {pem.title(last, issuer=True)}, which is not in the file and not a root"
    remedy = "write the full chain (fullchain.pem), or name your own root in gateway_tls.root"
    if not roots:
        remedy = "install ca-certificates on this controller, which has no roots, or " + remedy
    yield problem(where, f"{what} that this controller trusts", remedy)


def _break(where: str, certificate: Any, chain: list[Any], place: int) -> str:
    wrong = chain[place + 1]
    name, issuer = pem.title(certificate), pem.title(certificate, issuer=True)
    if any(pem.issued(certificate, other) for other in chain):
        what = f"is out of order: {name} is followed by {pem.title(wrong)}, not by {issuer}"
        return problem(
            where, what, "put the server's own certificate first, then the issuer of each"
        )
    what = f"is broken: {issuer} issued {name}, but {pem.title(wrong)} follows"
    return problem(where, what, f"put {issuer} there, or delete what does not belong in the chain")


def _check_issuer(where: str, issuer: Any) -> Iterator[str]:
    name = pem.title(issuer)
    if not pem.may_sign(issuer):
        what = f"contains {name} as an issuer, which is not an authority (CA:TRUE)"
        yield problem(where, what, "get a certificate from an authority")
    if pem.end(issuer) <= pem.now():
        what = f"contains {name}, which expired on {pem.end(issuer):%Y-%m-%d}"
        yield problem(where, what, "replace it with the issuer's current certificate")


@functools.lru_cache(maxsize=1)
def trusted_roots() -> dict[bytes, list[Any]]:
    """Return the roots of the controller's store by their subject; {} without a store."""
    paths = ssl.get_default_verify_paths()
    files = [Path(paths.cafile)] if paths.cafile else []
    if not files and paths.capath:
        files = [one for one in Path(paths.capath).iterdir() if _LINK.fullmatch(one.name)]
    found: dict[bytes, list[Any]] = {}
    for file in files:
        for root in pem.bundle(read(file)):
            found.setdefault(root.subject.public_bytes(), []).append(root)
    return found
