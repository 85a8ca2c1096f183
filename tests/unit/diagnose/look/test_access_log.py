"""Test what the access log shows of clients behind a balancer."""

from __future__ import annotations

import json
from pathlib import Path

from ansible.module_utils.tgi.diagnose.look.access_log import read_addresses, read_refusals

CONF = "set_real_ip_from 10.0.0.0/24;\n set_real_ip_from fd00::5;\n"


def log(directory: Path, *lines: tuple[str, str]) -> Path:
    path = directory / "access.log"
    path.write_text("".join(json.dumps({"ip": ip, "path": asked}) + "\n" for ip, asked in lines))
    return path


def test_requests_with_a_balancers_own_address_are_counted(tmp_path: Path) -> None:
    chat = "/v1/chat/completions"
    lines = [("10.0.0.5", chat), ("fd00::5", chat), ("192.0.2.1", chat), ("10.0.0.5", "/health")]
    found = read_addresses(log(tmp_path, *lines), CONF)
    assert found == {"requests": 3, "hidden": 2, "address": "fd00::5"}


def test_lines_of_another_form_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    odd = ['cut", "path": "/x"}', "[]", '{"ip": "unix:", "path": "/"}', '{"path": "/"}', "\xff"]
    path.write_text("\n".join(odd))
    assert read_addresses(path, CONF) == {"requests": 0, "hidden": 0, "address": ""}


def test_only_the_end_of_a_large_log_is_read(tmp_path: Path) -> None:
    many = [("10.0.0.5", "/v1/models")] * 20000
    assert 0 < read_addresses(log(tmp_path, *many), CONF)["requests"] < 5000


def test_nothing_is_said_without_trusted_balancers_or_a_log(tmp_path: Path) -> None:
    assert read_addresses(log(tmp_path, ("10.0.0.5", "/")), "server {}") == {}
    assert read_addresses(tmp_path / "none", CONF) == {}


def asked(path: str, upstream_status: str, method: str = "POST") -> str:
    return json.dumps({"method": method, "path": path, "upstream_status": upstream_status})


def test_refusals_of_engines_are_counted_on_openais_routes_only(tmp_path: Path) -> None:
    path, chat = tmp_path / "access.log", "/v1/chat/completions"
    lines = [
        asked(chat, "422"), asked(chat, "502 : 422"), asked(chat, "200"), asked(chat, "-"),
        asked("/generate", "422"), asked("/v1/models", "-", "GET"), "[]", '{"path": "/v1/x"}', "cu",
    ]  # fmt: skip
    path.write_text("\n".join(lines))
    assert read_refusals(path) == {"asked": 4, "refused": 2}
    assert read_refusals(tmp_path / "none") == {}
