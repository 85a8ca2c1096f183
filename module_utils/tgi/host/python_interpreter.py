"""Check that the Python that Ansible runs on the host finds what packages install there."""

from __future__ import annotations

from ..common.problem import problem

# python3-httpx and python3-jsonschema are for the system's own Python
_SYSTEM = ("/usr/bin/", "/usr/libexec/", "/bin/")


def check_interpreter(executable: str, ready: bool) -> list[str]:
    """Return the problem of a Python that lacks httpx or jsonschema, and never gets them.

    ``ready`` says whether it has both.
    """
    if ready or executable.startswith(_SYSTEM):
        return []
    what = f"is {executable}, which lacks httpx or jsonschema, and the checks need both"
    remedy = f"delete it, or run {executable} -m pip install httpx jsonschema on the host"
    return [problem("ansible_python_interpreter", what, remedy)]
