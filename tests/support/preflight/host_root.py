"""Make a host as a folder, and the request that the preflight sends to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.preflight import on_host
from ansible.module_utils.tgi.preflight.host_request import HostRequest
from ansible.module_utils.tgi.preflight.inventory import host_request

FLAGS = "processor\t: 0\nflags\t\t: fpu sse4_2 avx {}f16c\n\nprocessor\t: 1\n"
MEMINFO = "MemTotal:       16305316 kB\nMemFree:         1000000 kB\n"


def release(name: str, version: str) -> str:
    return f'PRETTY_NAME="{name} {version}"\nNAME="{name}"\nVERSION_ID="{version}"\nID={name}\n'


TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 0100007F:1F92 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 112 1
"""


TCP6 = (
    TCP.splitlines()[0]
    + """
   0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A \
00000000:00000000 00:00000000 00000000     0        0 113 1
"""
)


def fake_root(tmp_path: Path, command: str = "docker-proxy", cpu: str = "avx2 ") -> Path:
    """Make the files that a host is judged by, with one process that listens on 8081."""
    proc = tmp_path / "proc"
    (proc / "net").mkdir(parents=True)
    (proc / "net" / "tcp").write_text(TCP)
    (proc / "net" / "tcp6").write_text(TCP6)
    (proc / "42" / "fd").mkdir(parents=True)
    (proc / "42" / "comm").write_text(f"{command}\n")
    (proc / "42" / "fd" / "7").symlink_to("socket:[111]")
    (proc / "42" / "fd" / "8").symlink_to("/dev/null")
    (proc / "cpuinfo").write_text(FLAGS.format(cpu))
    (proc / "meminfo").write_text(MEMINFO)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "os-release").write_text(release("debian", "13"))
    return tmp_path


def request_for(*models: dict[str, Any], **more: Any) -> HostRequest:
    """Return the request of a GPU host with a gateway; without models, of a gateway alone."""
    listed = list(models)
    asked = host_request({"tgi_models": listed, "preflight_min_driver": "525.60.13"}, ["gpu_hosts"])
    given = {"gateway_config": "/etc/nginx/tgi-gateway", "min_memory_gib": 15.0, **more}
    return replace(asked, deploys=bool(models), **given)


@pytest.fixture(autouse=True)
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the verdicts depend on the recorded files alone."""
    monkeypatch.setattr(f"{on_host.__name__}.os.geteuid", lambda: 0)
    monkeypatch.setattr(f"{on_host.__name__}.platform.machine", lambda: "x86_64")
    monkeypatch.setattr(f"{on_host.__name__}.host_addresses.source_address", lambda: "10.0.0.5")
    monkeypatch.setattr(f"{on_host.__name__}.host_addresses.all_addresses", lambda: ["10.0.0.5"])
