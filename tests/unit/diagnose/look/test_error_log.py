"""Read nginx's error log without repeating secrets."""

from __future__ import annotations

import json
import time
from pathlib import Path

from ansible.module_utils.tgi.diagnose.look.error_log import parse_errors, read_errors

# --- the gateway
NOW = time.mktime((2026, 11, 25, 10, 0, 0, 0, 0, -1))
UPSTREAM = 'upstream: "http://127.0.0.1:8081/v1/chat/completions", host: "llm.example.org"'
ASKED = 'client: 192.0.2.7, server: llm.example.org, request: "POST /v1/x?key=sk-secret HTTP/1.1"'
LOG = f"""\
2026/11/25 09:00:00 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, {ASKED}, {UPSTREAM}
2026/11/25 09:59:00 [error] 7#7: *2 connect() failed (111: Connection refused) while connecting to upstream, {ASKED}, {UPSTREAM}
2026/11/25 09:59:30 [crit] 7#7: *3 open() "/var/lib/nginx/body/1" failed (24: Too many open files), {ASKED}
2026/11/25 09:59:40 [notice] 7#7: signal process started
2026/11/25 09:59:50 [error] 7#7: *9 upstream timed out (110: Connection timed out) while reading response header from upstream, {ASKED}, {UPSTREAM}
not a line of nginx's
"""  # noqa: E501


def test_the_error_log_tells_no_secrets() -> None:
    found = parse_errors(LOG, NOW)
    assert [(one["kind"], one["age"], one["count"]) for one in found] == [
        ("refused", 60, 2),
        ("files", 30, 1),
        ("timeout", 10, 1),
    ]
    assert found[0]["upstream"] == "127.0.0.1:8081"
    text = json.dumps(found)
    assert "sk-secret" not in text and "192.0.2.7" not in text and "/v1/x" not in text


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    assert read_errors(tmp_path / "none") == []
