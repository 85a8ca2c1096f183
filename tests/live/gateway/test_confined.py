"""Check that systemd confines nginx, and that reloads and upgrades still work."""

from __future__ import annotations

import re
import time

from tests.support.live.nginx_on_host import ACCESS_LOG, master, old_master
from tests.support.live.sites import Site

WORST_EXPOSURE = 3.0


def test_systemd_finds_little_exposed(site: Site) -> None:
    said = site.run("systemd-analyze security nginx --no-pager")
    exposure = re.search(r"Overall exposure level for nginx.service: ([0-9.]+)", said)
    assert exposure is not None, said
    assert float(exposure.group(1)) <= WORST_EXPOSURE, said


def test_what_runs_is_confined_also_after_a_binary_upgrade(site: Site) -> None:
    before = master(site)
    assert confinement(site) == {"NoNewPrivs": "1", "Seccomp": "2"}
    site.run("invoke-rc.d nginx upgrade")
    deadline = time.monotonic() + 20
    while master(site) == before or old_master(site):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert confinement(site) == {"NoNewPrivs": "1", "Seccomp": "2"}
    assert answers(site)
    assert site.run("systemctl show --property MainPID --value nginx") == master(site)


def test_a_reload_and_a_rotation_work(site: Site) -> None:
    site.run("systemctl reload nginx")
    assert answers(site)
    site.run("logrotate --force /etc/logrotate.d/nginx")
    rotated = site.run(f"wc -l < {ACCESS_LOG}.1")
    deadline = time.monotonic() + 10
    # The workers open the new log a moment later
    while int(site.run(f"wc -l < {ACCESS_LOG}")) == 0:
        assert answers(site)
        assert time.monotonic() < deadline
    assert int(rotated) > 0
    owner = site.run(f"stat -c '%a %G' {ACCESS_LOG}").split()
    assert owner == ["640", "adm"]


def test_a_large_log_is_rotated_between_the_days(site: Site) -> None:
    unit, timer = "tgi-gateway-logs.service", "tgi-gateway-logs.timer"
    assert site.run(f"systemctl is-active {timer}") == "active\n"
    site.run(f"systemctl start {unit}")
    kept = int(site.run(f"stat -c %i {ACCESS_LOG}"))
    # As large as a flood would make it
    site.run(f"truncate -s 101M {ACCESS_LOG}; systemctl start {unit}")
    assert int(site.run(f"stat -c %i {ACCESS_LOG}.1")) == kept
    assert answers(site)
    deadline = time.monotonic() + 10
    while int(site.run(f"wc -l < {ACCESS_LOG}")) == 0:
        assert answers(site)
        assert time.monotonic() < deadline
    assert site.run(f"stat -c '%a %G' {ACCESS_LOG}").split() == ["640", "adm"]
    site.run(f"rm {ACCESS_LOG}.1")


def test_it_reads_certificates_and_flags_and_writes_nothing_else(site: Site) -> None:
    inside = f"nsenter --mount --target {master(site).strip()}"
    for path in ("/etc/nginx", "/var/lib/tgi-gateway/drain", "/usr", "/root"):
        tried = f"{inside} sh -c 'ls {path} >/dev/null && ! touch {path}/.try 2>&1'"
        assert "Read-only file system" in site.run(tried)
    for path in ("/var/log/nginx", "/run"):
        site.run(f"{inside} sh -c 'touch {path}/.try && rm {path}/.try'")


def confinement(site: Site) -> dict[str, str]:
    status = site.run(f"cat /proc/{master(site).strip()}/status")
    return dict(re.findall(r"^(NoNewPrivs|Seccomp):\s+(\d+)$", status, re.MULTILINE))


def answers(site: Site) -> bool:
    with site.client("free") as client:
        return client.post("/v1/chat/completions", json={"model": "solo"}).status_code == 200
