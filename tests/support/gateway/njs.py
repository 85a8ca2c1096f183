"""Run the gateway's njs files with node, if it is installed, and a harness around them."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.render_gateway import ROLE

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def run_njs(harness: str, given: Any, other: Mapping[str, str] | None = None) -> Any:
    """Run ``harness`` among the role's files, some of them exchanged; return the JSON it prints.

    It reads ``given`` from its input.
    """
    with tempfile.TemporaryDirectory() as work:
        place = Path(work)
        shutil.copytree(ROLE / "files", place, dirs_exist_ok=True)
        # What njs takes for granted: every file is a module
        (place / "package.json").write_text('{"type": "module"}', encoding="utf-8")
        for name, text in (other or {}).items():
            (place / name).write_text(text, encoding="utf-8")
        (place / "harness.js").write_text(harness, encoding="utf-8")
        done = subprocess.run(
            ["node", str(place / "harness.js")],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=True,
        )
    return json.loads(done.stdout)
