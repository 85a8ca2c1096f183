"""Check that a configuration which nginx cannot use is refused with its reason, and that nginx
serves what it served before.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile

import pytest

from tests.support.live.nginx_on_host import STATE
from tests.support.live.sites import Site
from tests.support.roots import ROOT

# Seconds until a configuration that is not served is given up
PATIENCE = 3
# Holds a port until its standard input ends. It is called nginx, as a second instance would be: the
# preflight refuses every other program before nginx is asked
HOLDER = """
import pathlib, socket, sys
pathlib.Path("/proc/self/comm").write_text("nginx")
server = socket.create_server(("", {port}))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def nothing_changed(site: Site) -> Iterator[None]:
    """Check after each test that the files and what nginx serves are as before."""
    before = site.run(STATE)
    yield
    assert site.run(STATE) == before
    with site.client("free") as client:
        assert client.post("/v1/chat/completions", json={"model": "solo"}).status_code == 200


def test_a_broken_directive_never_reaches_nginx(site: Site) -> None:
    told = apply_by_hand(
        site, lambda text: text.replace("server_tokens off;", "server_tokenz off;")
    )
    assert 'unknown directive "server_tokenz" in ' in told
    assert "nothing changed" in told


def test_a_zone_with_another_key_is_seen_though_nginx_takes_it(site: Site) -> None:
    """nginx -t passes and the reload reports success; only what nginx serves shows the fault."""
    told = apply_by_hand(site, rekeyed)
    assert "the old configuration is back in place and served" in told
    assert 'uses the "$request_id" key while previously it used' in told


def test_a_port_in_use_leaves_the_old_one_served(site: Site) -> None:
    with held(site, 8444):
        played = site.play(gateway_https_port=8444, gateway_reload_timeout=PATIENCE)
    assert played.returncode != 0
    assert "8444 failed (98: Address already in use)" in unfolded(played.stdout)
    assert "the old configuration is back in place and served" in unfolded(played.stdout)


def test_a_status_port_in_use_leaves_the_old_one_served(site: Site) -> None:
    with held(site, 8444):
        told = apply_by_hand(site, lambda text: text.replace(":8079", ":8444"), status_port=8444)
    assert "8444 failed (98: Address already in use)" in told
    assert "the old configuration is back in place and served" in told


def test_a_reload_that_fails_is_taken_back(site: Site) -> None:
    unit = "/run/systemd/system/nginx.service.d/broken.conf"
    site.run(
        f"mkdir -p $(dirname {unit}); cat > {unit}; systemctl daemon-reload",
        "[Service]\nExecReload=\nExecReload=/bin/false\n",
    )
    try:
        told = apply_by_hand(site, lambda text: text + "# other\n")
    finally:
        site.run(f"rm -r $(dirname {unit}); systemctl daemon-reload")
    assert "systemctl reload nginx failed" in told
    assert "the old configuration is back in place and served" in told


def test_a_site_that_claims_the_gateways_name_is_refused(site: Site) -> None:
    """nginx would give that site the gateway's ACME challenges."""
    other = "/etc/nginx/conf.d/other.conf"
    site.run(f"cat > {other}", f"server {{ listen 80; server_name {site.name}; }}\n")
    try:
        played = site.play(gateway_other_sites="include")
    finally:
        site.run(f"rm {other}")
    assert played.returncode != 0
    assert f"{other} claims server name {site.name} on port 80" in unfolded(played.stdout)


def rekeyed(text: str) -> str:
    """Return the configuration with another key for a zone of the same name."""
    lines = text.splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if "limit_conn_zone" in line)
    words = lines[at].split("limit_conn_zone ")
    key, rest = words[1].split(" ", 1)
    assert key != "$request_id"
    lines[at] = f"{words[0]}limit_conn_zone $request_id {rest}"
    return "".join(lines)


def apply_by_hand(site: Site, edit: Callable[[str], str], **more: int) -> str:
    """Apply the configuration in force with an edited nginx.conf; return the module's error."""
    main = site.run("readlink /etc/nginx/nginx.conf").strip()
    directory, version = main.rsplit("/", 1)[0], main.split("/")[-2]
    names = site.run(f"cd {directory} && find . -type f -printf '%P\\n'").split()
    contents = {name: site.run(f"cat {directory}/{name}") for name in names}
    text = contents["nginx.conf"]
    contents["nginx.conf"] = edit(text)
    assert contents["nginx.conf"] != text
    marked = {
        name: content.replace(directory, "@GATEWAY_DIR@").replace(version, "@GATEWAY_VERSION@")
        for name, content in contents.items()
    }
    secrets = {"tls.key", "keys.json"}
    plain = {name: {"__ansible_unsafe": content} for name, content in marked.items()}
    given = {
        "files": {name: text for name, text in plain.items() if name not in secrets},
        "secret_files": {name: text for name, text in plain.items() if name in secrets},
        "drop_in": site.run("cat /etc/systemd/system/nginx.service.d/tgi-gateway.conf"),
        "patience": PATIENCE,
        **more,
    }
    command = ["ansible", site.host, "-i", site.inventory, "--become", "-m", "tgi_nginx_config"]
    command += ["-a", json.dumps({name: f"{{{{ given.{name} }}}}" for name in given})]
    # Too long for an argument
    with NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"given": given}, file)
        file.flush()
        done = subprocess.run(
            [*command, "-e", f"@{file.name}"],
            cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode != 0, done.stdout
    return unfolded(done.stdout + done.stderr)


@contextmanager
def held(site: Site, port: int) -> Iterator[None]:
    """Hold a port on the host, as another service would."""
    command = ["docker", "exec", "-i", site.container, "python3", "-c", HOLDER.format(port=port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield


def unfolded(output: str) -> str:
    """Return a play's output without the line breaks that callbacks add."""
    return " ".join(output.split())
