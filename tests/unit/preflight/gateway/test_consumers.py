"""Test the rules about consumers: expiring keys, client certificates, and the checks' consumer."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible.module_utils.tgi.common.problem import UNKNOWN
from ansible.module_utils.tgi.preflight.gateway.client_certificates import check_client_certificates
from ansible.module_utils.tgi.preflight.gateway.consumers import check_consumers

from tests.support.tls_pairs import make

KEY = "k" * 32
PAIR = make()
FILES = {
    "/ca.pem": PAIR.certificate,
    "/a.key": PAIR.key,
    "/old.pem": make(days=-0.5).certificate,
    "/empty.pem": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    "/vaulted.pem": "$ANSIBLE_VAULT;1.1;AES256\n3633\n",
}
TODAY = datetime.datetime.now(datetime.timezone.utc).date()
YESTERDAY = TODAY - datetime.timedelta(days=1)
NO_FIELD = "is not a field of a key (fields: key, expires);"


def check(consumer: dict[str, Any], **more: Any) -> list[str]:
    mine = {"name": "a", "tier": "team", **consumer}
    values = {
        "gateway_tiers": {"team": {}},
        "gateway_consumers": [mine],
        "gateway_client_ca": "/ca.pem",
        **more,
    }
    return [*check_consumers(values), *check_client_certificates(values, FILES.get)]


@pytest.mark.parametrize(
    "consumer",
    [
        {"keys": [KEY]},
        {"keys": [KEY], "enabled": False},
        {"keys": [{"key": KEY}, {"key": "b" * 16, "expires": "2027-01-31"}]},
        {"keys": [{"key": KEY, "expires": "2027-01-31T18:00:00+01:00"}]},
        {"keys": [{"key": KEY, "expires": None}]},
        # An expired key may stay in the list
        {"keys": [{"key": KEY, "expires": str(YESTERDAY)}]},
        {"keys": [{"key": UNKNOWN, "expires": UNKNOWN}]},
        {"certificate_subjects": ["CN=duck,OU=\\C3\\A4,O=Acme\\, Inc.,1.2.3=x"]},
        {"certificate_subjects": UNKNOWN, "keys": UNKNOWN},
        {"certificate_subjects": [UNKNOWN]},
    ],
)
def test_what_is_let_through(consumer: dict[str, Any]) -> None:
    assert check(consumer) == []


@pytest.mark.parametrize("path", ["/vaulted.pem", UNKNOWN])
def test_an_authority_that_is_not_at_hand(path: Any) -> None:
    assert check({"certificate_subjects": ["CN=a"]}, gateway_client_ca=path) == []


def keyed(**more: Any) -> dict[str, Any]:
    return {"keys": [{"key": KEY, **more}]}


REFUSED = [
    ({}, ".keys is missing; write the output of openssl rand -hex 32, in a vault file, or write"),
    ({"keys": [], "certificate_subjects": []}, ".keys is empty; write the output of openssl"),
    (keyed(expires="soon"), '.keys[0].expires is not a date; write one such as "2027-01-31"'),
    (
        keyed(expires=datetime.date(2027, 1, 31)),
        '.keys[0].expires is a YAML date; put it in quotes: "2027-01-31"',
    ),
    (
        keyed(expires=datetime.datetime(2027, 1, 31, 18)),
        '.keys[0].expires is a YAML date; put it in quotes: "2027-01-31 18:00:00"',
    ),
    (keyed(expires=20270131), ".keys[0].expires is not a date"),
    (keyed(expires="2027-02-30"), ".keys[0].expires is not a date"),
    (keyed(expires=True), ".keys[0].expires is not a date"),
    ({"keys": [{KEY: "2027-01-31"}]}, ".keys[0] has a field that is neither key nor expires"),
    (keyed(expire="2027-01-31"), f".keys[0].expire {NO_FIELD} write expires"),
    (keyed(owner="x"), f".keys[0].owner {NO_FIELD} write one of these fields"),
    ({"keys": [{"expires": "2027-01-31"}]}, ".keys[0].key is missing; write the output of openssl"),
    ({"keys": [{"key": 5}]}, ".keys[0].key is not a text"),
    ({"keys": [{"key": "short"}]}, ".keys[0].key has 5 characters"),
    ({"keys": ["k" * 5000]}, ".keys[0] has 5000 characters, 4096 is the maximum"),
    ({"keys": [KEY, {"key": KEY}]}, ".keys[1].key is the same key as gateway_consumers[0].keys[0]"),
]  # fmt: skip


@pytest.mark.parametrize(("consumer", "words"), REFUSED)
def test_what_is_refused(consumer: dict[str, Any], words: str) -> None:
    (found,) = check(consumer)
    assert found.startswith(f"gateway_consumers[0]{words}")
    assert KEY not in found


SUBJECTS = [
    ("duck", "not a subject; write it as openssl x509 -noout -subject -nameopt RFC2253 does"),
    ("CN=duck, O=Acme", "with spaces that nginx does not write"),
    ("CN = duck", "not a subject"),
    ("CN=duck,O = Acme", "with spaces that nginx does not write"),
    ('CN="duck"', "with invalid characters"),
    ("CN=du'ck", "with invalid characters"),
    ("CN=duck\n", "with invalid characters"),
    ("CN=dück", "with invalid characters"),
    ("", "not a subject"),
]


@pytest.mark.parametrize(("subject", "words"), SUBJECTS)
def test_subjects_that_nginx_never_writes(subject: str, words: str) -> None:
    (found,) = check({"certificate_subjects": [subject]})
    assert found.startswith("gateway_consumers[0].certificate_subjects[0] is ")
    assert words in found
    assert "\n" not in found


def test_a_subject_stands_for_one_consumer() -> None:
    both = [
        {"name": name, "tier": "team", "certificate_subjects": ["CN=a", f"CN={name}"]}
        for name in ("b", "c")
    ]
    (found,) = check({}, gateway_consumers=both)
    assert found == (
        "gateway_consumers[1].certificate_subjects[0] is \"CN=a\", "
        "as is gateway_consumers[0].certificate_subjects[0]; "
        "delete one: a certificate stands for one consumer"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("consumer", "more", "words"),
    [
        (
            {"certificate_subjects": ["CN=a"]},
            {"gateway_client_ca": ""},
            "gateway_consumers[0].certificate_subjects is set, but gateway_client_ca is empty; ",
        ),
        (
            {"keys": [KEY]},
            {"gateway_client_ca": None, "gateway_client_certificate_required": True},
            "gateway_client_certificate_required is true, but gateway_client_ca is empty; write",
        ),
        (
            {"keys": [KEY]},
            {"gateway_client_ca": "ca.pem"},
            'gateway_client_ca is "ca.pem", not an absolute',
        ),
        ({"keys": [KEY]}, {"gateway_client_ca": "/none"}, "gateway_client_ca is /none, which the"),
        (
            {"keys": [KEY]},
            {"gateway_client_ca": "/a.key"},
            "gateway_client_ca is /a.key, which does not contain a CERTIFICATE",
        ),
        (
            {"keys": [KEY]},
            {"gateway_client_ca": "/empty.pem"},
            "gateway_client_ca is /empty.pem, which is broken: certificate is cut off; write",
        ),
        (
            {"keys": [KEY]},
            {"gateway_client_ca": "/old.pem"},
            "gateway_client_ca is /old.pem, whose authority expired on ",
        ),
    ],
)
def test_the_authority_of_clients(
    consumer: dict[str, Any], more: dict[str, Any], words: str
) -> None:
    (found,) = check(consumer, **more)
    assert found.startswith(words)


@pytest.mark.parametrize(
    ("consumer", "words"),
    [
        ({"keys": [KEY], "enabled": False}, 'is "a", which is disabled in gateway_consumers'),
        (
            {"keys": [{"key": KEY, "expires": str(YESTERDAY)}, "b" * 16]},
            'is "a", whose first key has expired; list its new key first',
        ),
        ({"certificate_subjects": ["CN=a"]}, 'is "a", which has no key in gateway_consumers'),
    ],
)
def test_the_checks_need_a_key_that_works(consumer: dict[str, Any], words: str) -> None:
    (found,) = check(consumer, checks_consumer="a")
    assert found.startswith(f"checks_consumer {words}")


def test_a_key_lasts_until_its_last_day_ends() -> None:
    fresh = {"keys": [{"key": KEY, "expires": str(TODAY)}]}
    assert check(fresh, checks_consumer="a") == []
