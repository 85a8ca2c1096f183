"""Test which unit tests belong to a room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.room import main
from tools.room import tests_of as paths_of

FILES = {
    "tests/unit/gateway/tls/test_chain.py": "",
    "tests/unit/preflight/gateway/test_tls.py": "",
    "tests/unit/roles/test_gateway_templates.py": "",
    "tests/unit/roles/test_tgi_compose.py": "",
    "tests/unit/library/test_tgi_drain.py": "",
    "tests/unit/library/test_tgi_wait.py": "",
    "library/tgi_drain.py": "from ansible.module_utils.tgi.gateway.drain import drain",
    "library/tgi_wait.py": "from ansible.module_utils.tgi.readiness.watch import watch",
}


def test_a_room_is_its_folders_its_name_and_what_imports_it(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert paths_of("gateway", tmp_path) == [
        "tests/unit/gateway",
        "tests/unit/library/test_tgi_drain.py",
        "tests/unit/preflight/gateway",
        "tests/unit/roles/test_gateway_templates.py",
    ]


def test_an_unknown_room_fails_with_the_names_of_the_rooms(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main("kitchen") == 1
    assert "kitchen has no unit tests; write one of:" in (said := capsys.readouterr().err)
    assert "gateway" in said
