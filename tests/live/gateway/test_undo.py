"""Check that a removed gateway leaves nothing, and can be deployed again."""

from __future__ import annotations

from pathlib import Path

from tests.support.live.sites import Site
from tests.support.live.undo import undo

# What may stay are logs
LEFT = "find / -xdev -name '*tgi-gateway*' -not -path '/proc/*' -not -path '/var/log/*'"
OTHERS = """
find /etc/apt/sources.list.d /etc/apt/preferences.d /etc/apt/keyrings -type f
dpkg-query --show --showformat '${Package} ${db:Status-Status}\\n' \\
    'nginx*' 'libnginx-mod-http-js' certbot |
  grep ' installed$' || true
"""


def test_it_goes_without_a_trace_and_comes_back(site: Site, tmp_path: Path) -> None:
    gone = undo(site, tmp_path)
    try:
        assert gone.returncode == 0, gone.stdout
        assert site.run(LEFT) == ""
        assert site.run(OTHERS) == ""
        assert site.run("systemctl list-units --failed --no-legend") == ""
        again = undo(site, tmp_path)
        assert "changed=0" in again.stdout
    finally:
        played = site.play()
    assert played.returncode == 0, played.stdout
    with site.client("free") as client:
        assert client.post("/v1/chat/completions", json={"model": "solo"}).status_code == 200
    assert "changed=0" in site.play().stdout
