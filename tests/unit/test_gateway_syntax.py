"""nginx itself takes what is rendered, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from gateway_render import render

REPLICAS = [{"name": f"gpu{n}", "address": f"10.0.0.{n}:8081"} for n in (1, 2)]
WIDE = [{"name": "llama", "model_id": "a/b", "replicas": REPLICAS}]
ACME = {"source": "acme", "directory": "https://ca.example.org/", "agree_tos": True}


@pytest.mark.skipif(
    not Path("/usr/lib/nginx/modules/ngx_http_js_module.so").exists() or not shutil.which("nginx"),
    reason="nginx with njs is not installed",
)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"gateway_backends": WIDE, "gateway_limits_dry_run": True, "gateway_http2": True},
        {"gateway_trusted_proxies": ["10.0.0.0/8"], "gateway_real_ip_header": "proxy_protocol"},
        {"gateway_tls_hsts_seconds": 1, "gateway_info_public": True},
        {"gateway_tls": ACME, "__gateway_stage": "bootstrap"},
    ],
)
def test_nginx_itself_takes_it(tmp_path: Path, more: dict[str, Any]) -> None:
    version = subprocess.run(["nginx", "-V"], capture_output=True, text=True, check=True).stderr
    files = render(version + "\nnjs here\n", **more)
    for name in ("tls.key", "tls.crt"):
        files.pop(name, None)
    subject = ["-subj", "/CN=llm.example.org", "-keyout", "tls.key", "-out", "tls.crt"]
    made = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", *subject]
    subprocess.run(made, cwd=tmp_path, capture_output=True, check=True)
    for name, text in files.items():
        moved = text.replace("/var/log/nginx", str(tmp_path)).replace("/run/nginx", f"{tmp_path}/n")
        (tmp_path / name).write_text(moved.replace("@GATEWAY_DIR@", str(tmp_path)))
    tested = ["nginx", "-t", "-q", "-c", str(tmp_path / "nginx.conf")]
    done = subprocess.run(tested, capture_output=True, text=True, check=False)
    assert (done.returncode, "[warn]" in done.stderr) == (0, False), done.stderr
