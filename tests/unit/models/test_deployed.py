"""Test which models count as deployed on a host, and what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ansible.module_utils.tgi.common.commands import CommandResult
from ansible.module_utils.tgi.models.deployed import check_projects, find_deployed, read_deployed
from ansible.module_utils.tgi.models.record import Record, to_text
from ansible.module_utils.tgi.models.resolve import resolve_models

BASE = "/opt/tgi"


def deploy(root: Path, name: str, record: str = "", mark: str = "# Written by tgi-ansible") -> None:
    folder = root / "opt/tgi" / name
    folder.mkdir(parents=True)
    (folder / "compose.yaml").write_text(f"{mark}\n")
    if record:
        (folder / "deployed.json").write_text(record)


def no_docker(_: Sequence[str]) -> CommandResult:
    return CommandResult(None, "")


def test_records_ports_and_gpus_by_name(tmp_path: Path) -> None:
    deploy(tmp_path, "a", to_text(Record("a", "tgi-a", 8081, ["0"])))
    deploy(tmp_path, "b", to_text(Record("b", "tgi-b", 9000, [])))
    deploy(tmp_path, "others", mark="services:")
    (tmp_path / "opt/tgi/left").mkdir()
    (tmp_path / "opt/tgi/left/deployed.json").write_text(to_text(Record("left", "x", 1, [])))
    found = read_deployed(tmp_path, BASE, no_docker)
    assert (found.names, found.problems) == (["a", "b"], [])
    assert found.kept() == {
        "a": {"port": 8081, "gpus": ["0"], "project": "tgi-a"},
        "b": {"port": 9000, "gpus": [], "project": "tgi-b"},
    }
    assert found.published() == {8081: "a", 9000: "b"}


def test_a_project_of_the_version_before_is_asked_for_once(tmp_path: Path) -> None:
    deploy(tmp_path, "a", to_text(Record("a", "tgi-a", 8081, ["0"])))
    deploy(tmp_path, "old")
    files: list[str] = []

    def ask(command: Sequence[str]) -> CommandResult:
        if "ps" in command:
            return CommandResult(0, "")
        files.append(command[3])
        ports = '[{"host_ip": "127.0.0.1", "published": "8085"}]'
        return CommandResult(0, f'{{"name": "x", "services": {{"tgi": {{"ports": {ports}}}}}}}')

    found = read_deployed(tmp_path, BASE, ask)
    assert files == [str(tmp_path / "opt/tgi/old/compose.yaml")]
    assert found.records["old"].port == 8085


def test_a_damaged_record_is_a_problem_of_its_model_alone(tmp_path: Path) -> None:
    deploy(tmp_path, "a", to_text(Record("a", "tgi-a", 8081, [])))
    deploy(tmp_path, "b", "{")
    found = read_deployed(tmp_path, BASE, no_docker)
    assert (found.names, list(found.records)) == (["a", "b"], ["a"])
    (line,) = found.problems
    assert line.startswith("/opt/tgi/b/deployed.json is damaged")


def test_without_docker_a_project_without_record_is_deployed_all_the_same(tmp_path: Path) -> None:
    deploy(tmp_path, "old")
    found = read_deployed(tmp_path, BASE, no_docker)
    assert (found.names, found.records, found.problems) == (["old"], {}, [])


def test_what_runs_is_not_what_the_list_says_next(tmp_path: Path) -> None:
    deploy(tmp_path, "a.b", to_text(Record("a.b", "tgi-ab", 8081, ["0"])))
    found = read_deployed(tmp_path, BASE, no_docker)
    listed = resolve_models([{"name": "a.b", "port": 9000, "gpus": ["1"]}, {"name": "new"}])
    a, new = found.as_deployed(listed)
    assert (a["port"], a["url"], a["project"], a["gpus"]) == (
        8081,
        "http://127.0.0.1:8081",
        "tgi-ab",
        ["0"],
    )
    assert new == listed[1]


def test_projects_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    deploy(tmp_path, "a", mark="services:")
    assert find_deployed(tmp_path, BASE) == []
    assert find_deployed(tmp_path, "/nowhere") == []
    (line,) = check_projects(tmp_path, BASE, ["a", "b", ""])
    assert line.startswith("/opt/tgi/a/compose.yaml was not written by tgi-ansible; move it away")
