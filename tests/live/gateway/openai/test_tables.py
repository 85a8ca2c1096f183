"""Run the dialect's unit tests in the njs of a gateway's nginx, which has a version of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.support.gateway.dialect import DIALECT, handler
from tests.support.live.hosts import until
from tests.support.live.sites import Site
from tests.support.roots import ROOT

PORT, PLACE = 9010, "/run/tables"
TESTS = "tests/unit/roles/gateway/files/dialect"
_START = f"""
files=$(sed -n 's/.*js_import gateway from \\(.*\\)\\/gateway.js;/\\1/p' /etc/nginx/nginx.conf)
ln -s "$files/dialect" {PLACE}/dialect
{{ grep -E '^(load_module|include .*modules-enabled)' /etc/nginx/nginx.conf
   cat {PLACE}/http.conf; }} > {PLACE}/nginx.conf
nginx -c {PLACE}/nginx.conf
"""


@pytest.fixture
def tables(site: Site) -> Iterator[str]:
    """Start a second nginx that answers calls of each file of the dialect; return its URL."""
    names = [path.stem for path in DIALECT.glob("*.js")]
    for name in names:
        site.run(f"mkdir -p {PLACE}; cat > {PLACE}/{name}.js", handler("./dialect", name))
    form = "location = /{0} {{ js_import {0} from {1}/{0}.js; js_content {0}.run; }}\n"
    locations = "".join(form.format(name, PLACE) for name in names)
    conf = (
        f"pid {PLACE}/pid; error_log {PLACE}/error.log; events {{ }}\n"
        "http { access_log off; client_max_body_size 16m; client_body_buffer_size 16m;\n"
        f"server {{ listen {PORT}; {locations} }} }}\n"
    )
    site.run(f"cat > {PLACE}/http.conf", conf)
    url = f"http://{site.address}:{PORT}"
    try:
        site.run(_START)
        until(5, lambda: httpx.post(f"{url}/keys", json=[], trust_env=False).status_code == 200)
        yield url
    finally:
        site.run(f"[ ! -e {PLACE}/pid ] || kill $(cat {PLACE}/pid); rm -rf {PLACE}")


def test_the_dialects_tables_hold_in_nginxs_own_njs(tables: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", TESTS],
        cwd=ROOT, env={**os.environ, "TGI_DIALECT_AT": tables},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout and "skipped" not in done.stdout
