"""Test what is read from the dry runs of several versions of Docker Compose."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible.module_utils.tgi.docker.compose_containers import DockerError
from ansible.module_utils.tgi.docker.compose_dry_run import planned_work

#: stderr by case; the forms of Compose 2.18, 2.26, 2.40 and 5
CASES = {
    "unchanged": " DRY-RUN MODE -  Container tgi-a-tgi-1  Running\n",
    "unchanged, 5.0": "  Container tgi-a-tgi-1 Running \n",
    "new": " DRY-RUN MODE -  Network tgi-a_default  Creating\n"
    " DRY-RUN MODE -  Network tgi-a_default  Created\n"
    ' DRY-RUN MODE -  Volume "tgi-a_cache"  Creating\n'
    " DRY-RUN MODE -  Container tgi-a-tgi-1  Creating\n"
    " DRY-RUN MODE -  Container tgi-a-tgi-1  Created\n"
    " DRY-RUN MODE -  Container gi-a-tgi-1  Starting\n"
    " DRY-RUN MODE -  Container gi-a-tgi-1  Started\n",
    "other": " DRY-RUN MODE -  Container tgi-a-tgi-1  Recreate\n"
    " DRY-RUN MODE -  Container tgi-a-tgi-1  Recreated\n"
    " DRY-RUN MODE -  Container 9121995872d_tgi-a-tgi-1  Starting\n"
    " DRY-RUN MODE -  Container 9121995872d_tgi-a-tgi-1  Started\n",
    "other, 5.0": "  Container tgi-a-tgi-1 Recreate \n  Container tgi-a-tgi-1 Recreated \n",
    "warning": 'time="2026-11-29T10:00:00Z" level=warning msg="Container x Recreate"\n',
}


@pytest.mark.parametrize(
    ("case", "work"),
    [
        ("unchanged", []),
        ("unchanged, 5.0", []),
        ("new", ["Creating", "Starting"]),
        ("other", ["Recreate", "Starting"]),
        ("other, 5.0", ["Recreate"]),
        ("warning", []),
    ],
)
def test_what_compose_would_do(case: str, work: list[str]) -> None:
    calls: list[Sequence[str]] = []

    def run(arguments: Sequence[str]) -> tuple[int, str, str]:
        calls.append(arguments)
        return 0, "", CASES[case]

    assert planned_work("/opt/tgi/a", run) == work
    line = " ".join(calls[0])
    assert line.startswith("compose ") and "--project-directory /opt/tgi/a --dry-run up" in line


def test_a_refusal_is_said_in_composes_words() -> None:
    with pytest.raises(DockerError, match=r"^no such image: x$"):
        planned_work("/opt/tgi/a", lambda _: (1, "", "warning: y\nno such image: x\n"))
    with pytest.raises(DockerError, match="exit 17"):
        planned_work("/opt/tgi/a", lambda _: (17, "", ""))
