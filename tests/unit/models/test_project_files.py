"""Test which files of a Compose project are written, with which mode, and which are left alone."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from ansible.module_utils.tgi.models.project_files import (
    make_directories,
    remove_project,
    write_project,
)
from ansible.module_utils.tgi.models.record import Record, from_text

from tests.support.rollout.kills import killed_before

RECORD = Record("a", "tgi-a", 8081, ["0"], deployed_at="2026-11-28T22:00:00Z", commit="1")
NAMES = ["secrets.env", "compose.yaml", "deployed.json"]


def write(
    folder: Path, record: Record = RECORD, compose: str = "a\nb\n", dry: bool = False
) -> list[str]:
    return [change.path.name for change in write_project(folder, compose, "T='x'\n", record, dry)]


def test_all_three_are_written_and_then_left_alone(tmp_path: Path) -> None:
    assert write(tmp_path, dry=True) == NAMES
    assert list(tmp_path.iterdir()) == []
    assert write(tmp_path) == NAMES
    modes = [oct((tmp_path / name).stat().st_mode & 0o777) for name in NAMES]
    assert modes == ["0o600", "0o600", "0o644"]
    assert from_text((tmp_path / "deployed.json").read_text(), "") == RECORD
    later = replace(RECORD, deployed_at="2027-01-01T00:00:00Z", commit="2")
    assert write(tmp_path, later) == []
    assert from_text((tmp_path / "deployed.json").read_text(), "").commit == "1"


def test_a_new_deployment_is_recorded_with_its_commit(tmp_path: Path) -> None:
    write(tmp_path)
    later = replace(RECORD, port=8082, deployed_at="2027-01-01T00:00:00Z", commit="2")
    assert write(tmp_path, later) == ["deployed.json"]
    assert from_text((tmp_path / "deployed.json").read_text(), "") == later


def test_a_mode_that_is_too_open_is_mended(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "secrets.env").chmod(0o644)
    assert write(tmp_path) == ["secrets.env"]
    assert (tmp_path / "secrets.env").stat().st_mode & 0o777 == 0o600


def test_a_damaged_record_is_written_anew(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "deployed.json").write_text("{")
    assert write(tmp_path) == ["deployed.json"]


def test_the_diff_shows_lines_and_never_a_whole_text(tmp_path: Path) -> None:
    write(tmp_path)
    (change,) = write_project(tmp_path, "a\nc\n", "T='x'\n", RECORD, dry=True)
    shown = change.diff()["prepared"]
    assert "-b\n+c\n" in shown
    assert "a\nc\n" not in shown


def test_directories_are_made_once(tmp_path: Path) -> None:
    wanted = [tmp_path / "data", tmp_path / "base" / "a"]
    assert make_directories(wanted, dry=True) == wanted
    assert not wanted[0].exists()
    assert make_directories(wanted, dry=False) == wanted
    assert wanted[1].stat().st_mode & 0o777 == 0o755
    assert make_directories(wanted, dry=False) == []


@pytest.mark.parametrize("others", [False, True])
def test_only_our_files_are_deleted(tmp_path: Path, others: bool) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    write(folder)
    if others:
        (folder / "notes").touch()
    assert len(remove_project(folder, dry=True)) == 3
    assert len(remove_project(folder, dry=False)) == (3 if others else 4)
    assert folder.exists() is others
    assert remove_project(folder, dry=False) == []


def test_proven_secrets_stay_until_others_passed(tmp_path: Path) -> None:
    before = tmp_path / "secrets.env.before"
    for text, kept in (
        ("T='1'\n", None),
        ("# Another comment\nT='1'\n", None),
        ("T='2'\n", "# Another comment\nT='1'\n"),
        ("T='3'\n", "# Another comment\nT='1'\n"),
    ):
        (change, *_) = write_project(tmp_path, "a\n", text, RECORD, dry=True)
        assert change.path.name == "secrets.env"
        write_project(tmp_path, "a\n", text, RECORD, dry=False)
        assert (before.read_text() if before.exists() else None) == kept
    assert before.stat().st_mode & 0o777 == 0o600


def test_a_kill_between_two_writes_loses_no_proven_secret(tmp_path: Path) -> None:
    start, place = tmp_path / "start", tmp_path / "a"
    start.mkdir()
    write_project(start, "a\n", "T='1'\n", RECORD, dry=False)
    for step in itertools.count():
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(start, place)
        killed = killed_before(
            step, lambda: write_project(place, "b\n", "T='2'\n", RECORD, dry=False)
        )
        secrets = {path.name: path.read_text() for path in place.glob("secrets.env*")}
        assert "T='1'\n" in secrets.values()
        write_project(place, "b\n", "T='2'\n", RECORD, dry=False)
        assert (place / "secrets.env").read_text() == "T='2'\n"
        assert (place / "secrets.env.before").read_text() == "T='1'\n"
        if not killed:
            break
    assert step >= 6


def test_kept_sets_and_what_a_kill_left_go_with_the_model(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    (folder / "sets/1a2b").mkdir(parents=True)
    write(folder)
    (folder / "sets/1a2b/compose.yaml").touch()
    for name in ("secrets.env.before", ".secrets.env.abcd_123", ".compose.yaml.x1234567"):
        (folder / name).touch()
    assert len(remove_project(folder, dry=True)) == 7
    assert (folder / "sets/1a2b").exists()
    assert len(remove_project(folder, dry=False)) == 8
    assert not folder.exists()
