"""Read what nginx left on a gateway: its log, its process, its configuration."""

from __future__ import annotations

import base64
import time

from tests.support.live.sites import Site

ACCESS_LOG = "/var/log/nginx/tgi-gateway-access.log"
RELEASES = "/etc/nginx/tgi-gateway"
#: A command that prints all that a refused change must leave as it was.
STATE = f"""
readlink /etc/nginx/nginx.conf
ls -A {RELEASES} {RELEASES}/replaced
find -L /etc/nginx -type f -print0 | sort -z | xargs -0 sha256sum
find /etc/systemd/system/nginx.service.d /var/lib/tgi-gateway -print
python3 -c 'import urllib.request as u; print(u.urlopen("http://127.0.0.1:8079/config-version").read())'
cat /run/nginx.pid
"""


def master(site: Site) -> str:
    """Return the process id of nginx's master."""
    return site.run("cat /run/nginx.pid")


def old_master(site: Site) -> str:
    """Return the file of the process that a binary upgrade replaces, while that process runs."""
    return site.run("ls /run/nginx.pid.oldbin 2>/dev/null || true")


def size(site: Site, log: str) -> int:
    """Return a log's size in bytes."""
    return int(site.run(f"stat -c %s {log}"))


def since(site: Site, start: int, count: int) -> list[bytes]:
    """Return the access log's lines from an offset on, once there are ``count`` of them.

    nginx writes a line a moment after its answer; after 10 s whatever is there is returned.
    """
    deadline = time.monotonic() + 10
    while True:
        found = base64.b64decode(site.run(f"tail -c +{start + 1} {ACCESS_LOG} | base64"))
        # Not splitlines, which takes more for an end than a log has
        lines = found.split(b"\n")[:-1]
        if len(lines) >= count or time.monotonic() > deadline:
            return lines
        time.sleep(0.1)
