"""Test which Python packages a controller with another Python needs."""

from __future__ import annotations

import pytest

from module_utils.tgi.bundle.project_part import requirements_for
from tests.support.roots import ROOT

LIST = """# made by uv
ansible-core==2.19.14 ; python_full_version < '3.12' \\
    --hash=sha256:old
ansible-core==2.21.5 ; python_full_version >= '3.12' \\
    --hash=sha256:new1 \\
    --hash=sha256:new2
cffi==2.1.1 ; platform_python_implementation != 'PyPy' \\
    --hash=sha256:cffi
idna==3.18 \\
    --hash=sha256:idna
"""


@pytest.mark.parametrize(
    ("version", "core"),
    [
        ("3.11", "ansible-core==2.19.14 \\\n    --hash=sha256:old\n"),
        ("3.13", "ansible-core==2.21.5 \\\n    --hash=sha256:new1 \\\n    --hash=sha256:new2\n"),
    ],
)
def test_markers_are_judged_for_that_python(version: str, core: str) -> None:
    rest = "cffi==2.1.1 \\\n    --hash=sha256:cffi\nidna==3.18 \\\n    --hash=sha256:idna\n"
    assert requirements_for(LIST, version) == f"# made by uv\n{core}{rest}"


def test_the_projects_own_list_is_understood() -> None:
    text = (ROOT / "requirements/run.txt").read_text()
    for version in ("3.11", "3.14"):
        found = requirements_for(text, version)
        assert ";" not in found
        assert found.count("\nansible-core==") == 1
        assert found.count("\nhttpx==") == 1
