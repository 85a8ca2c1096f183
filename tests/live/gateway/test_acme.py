"""Get certificates from a real ACME server, renew them while clients ask, and leave no trace."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.live.nginx_on_host import master
from tests.support.live.sites import Site
from tests.support.live.under_load import served_serial, while_asking
from tests.support.live.undo import take_away, undo

ACME = "/etc/tgi-gateway/acme"
#: For what could differ between certbot 2.1 and 4.0
CERTBOTS = pytest.mark.enough("gw12", "gw13")


def settings(site: Site, **more: Any) -> dict[str, Any]:
    state = site.ca.parent.parent
    tls = {
        "source": "acme",
        "directory": f"https://{site.prefix}-acme:14000/dir",
        "directory_ca": str(state / "acme" / "ca.crt"),
        "email": "ops@gateway.test",
        "agree_tos": True,
        **more,
    }
    # Extra variables hold for every gateway, and HTTP-01 needs a name for each
    return {"gateway_server_name": "{{ inventory_hostname }}.gateway.test", "gateway_tls": tls}


def by_dns(site: Site, secret: str) -> dict[str, Any]:
    server = site.run(f"getent hosts {site.prefix}-acme").split()[0]
    return {
        "challenge": "dns-01",
        "dns_plugin": "rfc2136",
        "dns_propagation_seconds": 1,
        "dns_credentials": {
            "dns_rfc2136_server": server,
            "dns_rfc2136_name": "update.",
            "dns_rfc2136_secret": secret,
            "dns_rfc2136_algorithm": "HMAC-SHA256",
        },
    }


def update_secret(site: Site) -> str:
    return (site.ca.parent.parent / "acme" / "update.secret").read_text()


@pytest.fixture(scope="module")
def known(site: Site) -> Iterator[Site]:
    """Give the site the name and the root that ACME uses; restore the usual ones afterwards."""
    yield site
    back = site.play()
    assert back.returncode == 0, back.stdout
    assert "acme" not in site.run("ls /etc/tgi-gateway 2>/dev/null || true")
    with site.client("free") as client:
        assert client.post("/v1/chat/completions", json={"model": "solo"}).status_code == 200


def root_of(site: Site, folder: Path) -> Path:
    """Return the ACME server's root certificate, which changes with each of its starts."""
    path = folder / "root.pem"
    command = ["docker", "exec", f"{site.prefix}-acme", "python3", "-c", _FETCH]
    path.write_text(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return path


_FETCH = """
import ssl, urllib.request
context = ssl.create_default_context(cafile="/srv/acme/ca.crt")
url = "https://localhost:15000/roots/0"
print(urllib.request.urlopen(url, context=context).read().decode(), end="")
"""


def issued(site: Site) -> Site:
    name = f"{site.host}.gateway.test"
    return Site(**{**site.__dict__, "name": name})


def greeting(site: Site, root: Path) -> dict[str, Any]:
    """Ask as a client that trusts that root alone."""
    with site.client("free", verify=ssl.create_default_context(cafile=str(root))) as client:
        answer: dict[str, Any] = client.get("/v1/models").raise_for_status().json()
    return answer


@CERTBOTS
def test_a_name_is_proven_by_http_and_then_by_dns(known: Site, tmp_path: Path) -> None:
    """One host serves nothing at first, the other one has a certificate of the private CA."""
    if known.host == "gw13":
        take_away(known, tmp_path)
        assert "tgi-gateway" not in known.run("systemctl list-timers --all")
        previewed = known.play("--check", "--diff", **settings(known))
        assert previewed.returncode == 0, previewed.stdout
    serials = set()
    for options in ({}, by_dns(known, update_secret(known))):
        wanted = settings(known, **options)
        played = known.play(**wanted)
        assert played.returncode == 0, played.stdout
        serials.add(served_serial(issued(known)))
        assert greeting(issued(known), root_of(known, tmp_path))["data"]
        assert "changed=0" in known.play(**wanted).stdout
    assert len(serials) == 2, "no new certificate was needed"
    with httpx.Client(trust_env=False) as client:
        plain = client.get(f"http://{known.address}/x", headers={"Host": issued(known).name})
    assert plain.status_code == 308


@CERTBOTS
def test_secrets_of_dns_are_in_one_closed_file(known: Site) -> None:
    secret = update_secret(known)
    found = known.run("grep -rlsF -f /dev/stdin /etc /var/log /proc/[0-9]*/cmdline || true", secret)
    assert found.split() == [f"{ACME}/dns.ini"]
    assert known.run(f"stat -c %a {ACME}/dns.ini {ACME}/cli.ini").split() == ["600", "600"]


def test_a_renewal_is_served_under_load_without_a_restart(known: Site) -> None:
    site = issued(known)
    before, process = served_serial(site), master(site)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    def renew() -> None:
        # What the timer starts, with a certificate that is not due
        unit = "/run/systemd/system/tgi-gateway-acme.service.d"
        forced = f"/usr/bin/certbot renew --config {ACME}/cli.ini --force-renewal"
        text = f"[Service]\\nExecStart=\\nExecStart={forced} --no-random-sleep-on-renew\\n"
        site.run(f"mkdir -p {unit}; printf '{text}' > {unit}/forced.conf; systemctl daemon-reload")
        site.run("systemctl start tgi-gateway-acme.service")
        site.run(f"rm -r {unit}; systemctl daemon-reload; sleep 1")

    seen = while_asking(site, 20, 3, renew, context)
    assert served_serial(site) != before
    assert master(site) == process, "nginx was restarted"
    seen.judge(site, exposed=23)
    assert "tgi-gateway-acme.timer" in site.run("systemctl list-timers --all")


@CERTBOTS
def test_a_certificate_of_a_day_is_renewed_when_half_of_it_is_over(known: Site) -> None:
    site = issued(known)
    options, before = f"{ACME}/renewal/{site.name}.conf", served_serial(site)
    assert "renew_before_expiry = 12 hours" in site.run(f"cat {options}")
    # What the timer starts
    site.run("systemctl start tgi-gateway-acme.service; sleep 1")
    assert served_serial(site) == before, "renewed at each look"
    site.run(f"sed -i 's/= 12 hours/= 25 hours/' {options}")
    site.run("systemctl start tgi-gateway-acme.service; sleep 1")
    assert served_serial(site) != before
    kept = site.run(f"cat {options}")
    assert "renew_before_expiry = 25 hours" in kept, "certbot lost the setting"
    site.run(f"sed -i 's/= 25 hours/= 12 hours/' {options}")


def test_what_is_in_the_way_is_named(known: Site) -> None:
    """nginx goes on serving the certificate that it had."""
    before = served_serial(issued(known))
    nowhere = {
        **settings(known),
        "gateway_server_name": "not-{{ inventory_hostname }}.gateway.test",
    }
    unknown = {**nowhere, "gateway_tls": dict(nowhere["gateway_tls"])}
    del unknown["gateway_tls"]["directory_ca"]
    for wanted, said in (
        (nowhere, "create a DNS record for gateway_server_name"),
        (unknown, "set gateway_tls.directory_ca to its CA"),
    ):
        refused = known.play(**wanted)
        assert refused.returncode != 0
        assert said in " ".join(refused.stdout.split()), refused.stdout
        assert served_serial(issued(known)) == before


@pytest.mark.enough("gw12")
def test_it_goes_without_a_trace(known: Site, tmp_path: Path) -> None:
    """``known`` deploys it again."""
    take_away(known, tmp_path)
    assert "changed=0" in undo(known, tmp_path).stdout
