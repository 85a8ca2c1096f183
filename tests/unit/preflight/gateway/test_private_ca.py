"""Test that a controller without the CA that clients trust is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.preflight.gateway.private_ca import CA_NAME, check_private_ca

from tests.support.tls_pairs import NAME, Pair, make

OURS = make((), called=CA_NAME, days=3650)
LEAF = make(by=OURS)
ANOTHER = make((), called=CA_NAME, days=3650)
WHOLE = {"ca.crt": OURS.certificate, "ca.key": OURS.key}
ISSUED = {f"{NAME}.crt": LEAF.certificate, f"{NAME}.key": LEAF.key}


def check(files: dict[str, str], served: Pair | None = LEAF, **more: Any) -> list[str]:
    values = {
        "gateway_server_name": NAME,
        "gateway_tls": {"source": "private_ca", "ca_dir": "/pki"},
        "gateway_tls_renew_days": 30,
        **more,
    }
    there = {f"/pki/{name}": text for name, text in files.items()}
    return list(check_private_ca(values, served.certificate if served else "", there.get))


@pytest.mark.parametrize(
    ("files", "served"),
    [
        ({**WHOLE, **ISSUED}, LEAF),
        # A colleague copied the CA alone: the same CA issues another certificate
        (WHOLE, LEAF),
        # Without its key, as long as the certificate lasts
        ({"ca.crt": OURS.certificate, **ISSUED}, LEAF),
        # The first run, and a gateway that had a certificate of another source
        ({}, None),
        ({}, make(by=make(called="Example Issuing"))),
    ],
)
def test_what_is_let_through(files: dict[str, str], served: Pair | None) -> None:
    assert check(files, served) == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "where the CA that issued this gateway's certificate is missing; copy ca.crt and ca"),
        (
            {"ca.crt": ANOTHER.certificate, "ca.key": ANOTHER.key},
            "whose CA is not the one that issued this gateway's certificate; copy ca.crt and ca.k",
        ),
        (
            {"ca.crt": OURS.certificate},
            "which has no ca.key, and a certificate must be issued; copy ca.key from the contr",
        ),
    ],
)
def test_another_controller_is_refused_unless_the_new_ca_is_meant(
    files: dict[str, str], words: str
) -> None:
    (found,) = check(files)
    assert found.startswith(f"gateway_tls.ca_dir is /pki, {words}")
    assert "-e '{\"gateway_tls_replace_ca\": true}' and give clients the new ca.crt" in found
    assert check(files, gateway_tls_replace_ca=True) == []


def test_other_sources_have_no_ca() -> None:
    for tls in ({"source": "files"}, {"source": "private_ca"}, None, "x"):
        assert check({}, gateway_tls=tls) == []
