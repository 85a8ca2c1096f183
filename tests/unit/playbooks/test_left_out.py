"""Run plays of four hosts, some of them off, between the preflight and the end of site.yml."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.preflight import good_hosts
from tests.support.preflight.good_hosts import GROUPS
from tests.support.roots import ROOT

Run = subprocess.CompletedProcess[str]

WORK = [
    {
        "hosts": group,
        "gather_facts": False,
        **({"any_errors_fatal": True, "max_fail_percentage": 0} if group == "gpu_hosts" else {}),
        "tasks": [
            {"ansible.builtin.fail": {"msg": "broken"}, "when": "inventory_hostname == broken"},
            {"ansible.builtin.debug": {"msg": "worked on {{ inventory_hostname }}"}},
        ],
    }
    for group in GROUPS
]


def run(folder: Path, *off: str, words: tuple[str, ...] = (), **more: Any) -> Run:
    """Run the preflight, a play for each group, and the end, while hosts are off."""
    first, last = (
        {"ansible.builtin.import_playbook": str(ROOT / "playbooks" / name)}
        for name in ("preflight.yml", "left_out.yml")
    )
    play = folder / "play.yml"
    play.write_text(yaml.safe_dump([first, *WORK, last]))
    return good_hosts.run(folder, play, *words, off=off, **{"broken": "", **more})


def recap(done: Run) -> dict[str, tuple[int, int]]:
    """Return how often each host was unreachable, and how often it failed."""
    found = re.findall(r"(?m)^(\w+) +: .*unreachable=(\d+) +failed=(\d+)", done.stdout)
    return {host: (int(dark), int(failed)) for host, dark, failed in found}


def worked(done: Run) -> set[str]:
    return set(re.findall(r"worked on (\w+)", done.stdout))


def test_a_run_that_reaches_all_hosts(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    assert worked(done) == {"gpu1", "gpu2", "edge1", "edge2"}


@pytest.mark.parametrize("words", [(), ("--check",)])
def test_the_others_go_on_and_the_end_names_the_host(tmp_path: Path, words: Any) -> None:
    done = run(tmp_path, "gpu2", "edge1", words=words)
    assert done.returncode == 2, done.stdout
    assert worked(done) == {"gpu1", "edge2"}, done.stdout + done.stderr
    assert recap(done) == {
        "localhost": (0, 0), "gpu1": (0, 0), "edge2": (0, 0), "gpu2": (1, 1), "edge1": (1, 1),
    }  # fmt: skip
    end = " ".join(done.stdout.partition("Name each host that could not be reached")[2].split())
    assert "gpu2 cannot be reached (" in end and "edge1 cannot be reached (" in end
    remedy = "start it or repair the connection, then run site.yml again; "
    assert f"{remedy}what it serves stays published where it was" in end
    assert f"{remedy}until then it publishes what it did" in end


def test_another_failure_stays_one(tmp_path: Path) -> None:
    done = run(tmp_path, "gpu2", broken="edge1")
    assert done.returncode == 2
    assert recap(done)["edge1"] == (0, 1) and recap(done)["gpu2"] == (1, 1)
    assert worked(done) == {"gpu1", "edge2"}


def test_a_play_that_must_end_the_run_does_so_without_a_host_too() -> None:
    """Ansible ends a run when all hosts of a play fail; one that was left out before does not."""
    plays = [
        (path.name, play)
        for path in sorted((ROOT / "playbooks").glob("*.yml"))
        if path.name not in ("supported.yml", "uninstall.yml")
        for play in yaml.safe_load(path.read_text())
    ]
    wrong = [
        f"{name}: {play['name']}: write max_fail_percentage: 0 too"
        for name, play in plays
        if play.get("any_errors_fatal") and re.search("gpu_hosts|gateways", str(play["hosts"]))
        if play.get("max_fail_percentage") != 0
    ]
    assert not wrong, "\n".join(wrong)


def test_a_failure_of_a_gpu_host_ends_the_run(tmp_path: Path) -> None:
    done = run(tmp_path, "gpu2", broken="gpu1")
    assert done.returncode != 0
    assert worked(done) == set()


@pytest.mark.parametrize("group", GROUPS)
def test_a_whole_group_that_is_off_is_refused(tmp_path: Path, group: str) -> None:
    done = run(tmp_path, *GROUPS[group])
    assert done.returncode != 0
    assert f"{group}: no host can be reached, nothing was changed; start one or" in done.stdout
    assert worked(done) == set()


def test_a_run_that_is_limited_to_one_group(tmp_path: Path) -> None:
    done = run(tmp_path, "gpu2", words=("--limit", "gpu_hosts"))
    assert worked(done) == {"gpu1"}
    assert done.returncode == 2 and recap(done)["gpu2"] == (1, 1)


def test_refuse_stops_all(tmp_path: Path) -> None:
    done = run(tmp_path, "gpu2", preflight_unreachable="refuse")
    assert done.returncode == 2
    assert worked(done) == set()
    assert "Preflight refuses this host: " in done.stdout
    assert "the host cannot be reached (" in done.stdout
    assert "to go on without it, add --limit '!gpu2'" in done.stdout
