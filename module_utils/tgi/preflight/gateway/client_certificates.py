"""Check the CA of client certificates, and that each subject belongs to one consumer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...common.problem import problem, shown
from ...gateway.tls import pem as pem
from .pem_files import Reader, check_authorities

_CA = "gateway_client_ca"
_ATTRIBUTE = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+)=")
_REMEDY = "write it as openssl x509 -noout -subject -nameopt RFC2253 does, such as CN=duck,O=Acme"


def check_client_certificates(values: Mapping[str, Any], read: Reader) -> Iterator[str]:
    """Return the problems of gateway_client_ca and of the variables that need it."""
    authority = values.get(_CA)
    if authority not in (None, ""):
        unread = list(check_authorities(_CA, authority, read))
        yield from unread or _check_expiry(authority, read)
    elif values.get("gateway_client_certificate_required") is True:
        yield _lacking("gateway_client_certificate_required", "is true")
    owners: dict[str, str] = {}
    consumers = values.get("gateway_consumers")
    for place, consumer in enumerate(consumers if isinstance(consumers, list) else []):
        subjects = consumer.get("certificate_subjects") if isinstance(consumer, dict) else None
        where = f"gateway_consumers[{place}].certificate_subjects"
        if subjects and isinstance(subjects, list) and authority in (None, ""):
            yield _lacking(where, "is set")
        for number, subject in enumerate(subjects if isinstance(subjects, list) else []):
            if isinstance(subject, str):
                yield from _check_subject(subject, f"{where}[{number}]", owners)


def _check_expiry(path: Any, read: Reader) -> Iterator[str]:
    found = pem.bundle((read(path) or "") if isinstance(path, str) else "")
    if found and all(pem.end(one) <= pem.now() for one in found):
        what = f"is {path}, whose {pem.title(found[0])} expired on {pem.end(found[0]):%Y-%m-%d}"
        yield problem(_CA, what, "write the path of the current one")


def _lacking(where: str, what: str) -> str:
    remedy = f"write the path of the PEM file with the CA of the clients' certificates in {_CA}"
    return problem(where, f"{what}, but {_CA} is empty", remedy)


def _check_subject(subject: str, where: str, owners: dict[str, str]) -> Iterator[str]:
    """Refuse subjects that nginx never writes: it uses RFC 2253, in ASCII."""
    given = f"is {shown(subject)}"
    if not subject.isascii() or not subject.isprintable() or set("\"'`") & set(subject):
        yield problem(where, f"{given}, with invalid characters", _REMEDY)
    elif not _ATTRIBUTE.match(subject):
        yield problem(where, f"{given}, not a subject", _REMEDY)
    elif re.search(r"(?<!\\),\s|\s=|=\s", subject):
        yield problem(where, f"{given}, with spaces that nginx does not write", _REMEDY)
    elif subject in owners:
        what = f"{given}, as is {owners[subject]}"
        yield problem(where, what, "delete one: a certificate stands for one consumer")
    owners.setdefault(subject, where)
