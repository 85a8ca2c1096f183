"""Reload, rotate keys and renew certificates under load, and count failed requests."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509

from tests.support.live.nginx_on_host import master
from tests.support.live.sites import Site
from tests.support.live.under_load import BODY, served_serial, while_asking

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


@pytest.mark.enough("gw13", "gworg")
def test_a_key_is_rotated_and_a_certificate_renewed_under_load(
    site: Site, last_settings: Callable[..., Site], record_property: Any
) -> None:
    """One run does both. Old and new keys work while both are listed; then the old one does not.

    The role renews the certificate early: it has fewer days left than it must have.
    """
    free = {"name": "free", "tier": "free", "keys": [site.key("free")]}
    old, new = site.keys["twice"]
    before, process = served_serial(site), master(site)
    file = site.ca.with_name(f"{site.name}.crt")
    leaf = x509.load_pem_x509_certificate(file.read_bytes())
    now = datetime.datetime.now(datetime.timezone.utc)
    days = (leaf.not_valid_after_utc - now).days
    assert days > 30

    def change() -> None:
        assert (asked_with(site, old), asked_with(site, new)) == (200, 200)
        last_settings(
            gateway_consumers=[free, {"name": "twice", "tier": "free", "keys": [new]}],
            gateway_tls_leaf_days=days + 6,
            gateway_tls_renew_days=days + 3,
        )

    seen = while_asking(site, 50, 5, change)
    record_property(f"{site.host}: a key rotated, a certificate renewed", str(seen))
    assert (asked_with(site, old), asked_with(site, new)) == (401, 200)
    assert served_serial(site) != before
    renewed = x509.load_pem_x509_certificate(file.read_bytes())
    assert int(served_serial(site).partition("=")[2], 16) == renewed.serial_number
    assert renewed.serial_number != leaf.serial_number
    assert master(site) == process, "nginx was restarted"
    seen.judge(site, exposed=55)
