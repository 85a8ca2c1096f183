"""Reload, rotate keys and renew certificates under load, and count failed requests."""

from __future__ import annotations

import datetime
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509

from tests.support.live.nginx_on_host import master
from tests.support.live.sites import Site
from tests.support.live.under_load import (
    BODY,
    served_serial,
    while_asking,
)

RELOADS = 10


def reload_often(site: Site) -> None:
    for _ in range(RELOADS):
        time.sleep(1)
        site.run("systemctl reload nginx")
    time.sleep(1)


def test_reloads_fail_no_request(site: Site, record_property: Any) -> None:
    """Record the figure for every nginx; it must be 0 where nginx has keepalive_min_timeout."""
    seen = while_asking(site, 200, 20, lambda: reload_often(site))
    record_property(f"{site.host}: {RELOADS} reloads", str(seen))
    assert seen.short.total > 2000
    assert seen.long.total >= 20
    assert seen.asked > 200
    seen.judge(site, exposed=220 * RELOADS)


def asked_with(site: Site, key: str) -> int:
    with site.client() as client:
        header = {"Authorization": f"Bearer {key}"}
        return client.post("/v1/chat/completions", json=BODY, headers=header).status_code


@pytest.fixture(scope="module")
def keys_back(site: Site) -> Iterator[None]:
    """Restore rotated keys; usually the renewal's play has done so."""
    yield
    if asked_with(site, site.keys["twice"][0]) != 200:
        back = site.play()
        assert back.returncode == 0, back.stdout


@pytest.mark.usefixtures("keys_back")
def test_a_key_is_rotated_under_load(site: Site, record_property: Any) -> None:
    """Old and new keys work while both are listed; then the old one does not."""
    free = {"name": "free", "tier": "free", "keys": [site.key("free")]}
    old, new = site.keys["twice"]
    played: list[subprocess.CompletedProcess[str]] = []

    def rotate() -> None:
        assert (asked_with(site, old), asked_with(site, new)) == (200, 200)
        entry = {"name": "twice", "tier": "free", "keys": [new]}
        played.append(site.play(gateway_consumers=[free, entry]))

    seen = while_asking(site, 50, 5, rotate)
    record_property(f"{site.host}: a key rotated", str(seen))
    assert played[0].returncode == 0, played[0].stdout
    assert (asked_with(site, old), asked_with(site, new)) == (401, 200)
    seen.judge(site, exposed=55)


@pytest.mark.usefixtures("keys_back")
def test_a_certificate_is_renewed_under_load(site: Site, record_property: Any) -> None:
    """The role renews the certificate early: it has fewer days left than it must have."""
    before, process = served_serial(site), master(site)
    leaf = x509.load_pem_x509_certificate(site.ca.with_name(f"{site.name}.crt").read_bytes())
    now = datetime.datetime.now(datetime.timezone.utc)
    days = (leaf.not_valid_after_utc - now).days
    assert days > 30
    played: list[subprocess.CompletedProcess[str]] = []

    def renew() -> None:
        wanted = {"gateway_tls_leaf_days": days + 6, "gateway_tls_renew_days": days + 3}
        played.append(site.play(**wanted))

    seen = while_asking(site, 50, 5, renew)
    record_property(f"{site.host}: a certificate renewed", str(seen))
    assert played[0].returncode == 0, played[0].stdout
    assert served_serial(site) != before
    renewed = x509.load_pem_x509_certificate(site.ca.with_name(f"{site.name}.crt").read_bytes())
    assert int(served_serial(site).partition("=")[2], 16) == renewed.serial_number
    assert renewed.serial_number != leaf.serial_number
    assert master(site) == process, "nginx was restarted"
    seen.judge(site, exposed=55)
