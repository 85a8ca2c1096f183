"""Test which certificates are refused, and when a private CA's leaf is issued again."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.tgi.gateway.tls.certificate import certificate_problems, leaf_due

from tests.support.tls_pairs import NAME, Pair, make

CA = make()
LEAF = make(by=CA)
SHORT = make(days=29)


@pytest.mark.parametrize("names", [(NAME,), ("*.example.org",), ("other", NAME.upper())])
def test_a_fitting_pair_passes(names: tuple[str, ...]) -> None:
    pair = make(names)
    assert certificate_problems(pair.certificate, pair.key, NAME) == []


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (make(days=-0.5), "expired on"),
        (make(start=1), "valid only from"),
        (make(("*.org", "example.org")), "does not cover"),
        (LEAF._replace(key=CA.key), "does not belong"),
        (
            LEAF._replace(key=LEAF.key.replace(" PRIVATE", " ENCRYPTED PRIVATE")),
            "gateway_tls.key cannot be used: private key has a password; write the path of a PEM",
        ),
        (LEAF._replace(key="no key"), "not a PEM private key"),
        (LEAF._replace(certificate=LEAF.key), "not a PEM certificate"),
    ],
)
def test_others_are_refused(pair: Pair, said: str) -> None:
    found = certificate_problems(pair.certificate, pair.key, NAME)
    assert said in "\n".join(found)
    assert "PRIVATE" not in "\n".join(found)


def test_without_a_name_the_rest_is_checked() -> None:
    pair = make(("other",), days=-0.5)
    (found,) = certificate_problems(pair.certificate, pair.key, "")
    assert "expired on" in found


def due(leaf: Pair = LEAF, ca: Pair = CA, name: str = NAME, days: int = 30) -> bool:
    answer: bool = leaf_due(leaf.certificate, leaf.key, ca.certificate, name, days)
    return answer


def test_a_good_leaf_stays() -> None:
    assert not due()


@pytest.mark.parametrize(
    "changed",
    [
        {"days": 91},
        {"name": "other.example.org"},
        {"ca": make()},
        {"leaf": LEAF._replace(key=CA.key)},
        {"leaf": Pair("", "", None)},
        {"leaf": make(by=CA, days=29)},
        # The authority ends before the leaf
        {"leaf": make(by=SHORT), "ca": SHORT},
        {"ca": Pair("", "", None)},
    ],
)
def test_any_other_is_issued_again(changed: dict[str, Any]) -> None:
    assert due(**changed)
