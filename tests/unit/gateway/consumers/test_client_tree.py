"""Test the private directories of consumers."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.tgi.gateway.consumers.client_tree import (
    MARK,
    keep_consumers,
    write_consumer,
)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_files_are_private_from_the_start_and_again(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "clients"
    change = write_consumer(root, "duck", {"client.env": "KEY=1\n"}, dry=False)
    place = root / "duck"
    assert change.written == [str(place / MARK), str(place / "client.env")]
    assert [mode(one) for one in (root, place, place / "client.env")] == [0o700, 0o700, 0o600]
    assert not write_consumer(root, "duck", {"client.env": "KEY=1\n"}, dry=False).lines()
    (place / "client.env").chmod(0o644)
    place.chmod(0o755)
    again = write_consumer(root, "duck", {"client.env": "KEY=1\n"}, dry=False)
    assert again.tightened == [str(place), str(place / "client.env")]
    assert [mode(one) for one in (place, place / "client.env")] == [0o700, 0o600]


def test_check_mode_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    files = {"client.env": "KEY=1\n"}
    dry = write_consumer(tmp_path / "clients", "duck", files, dry=True)
    assert not (tmp_path / "clients").exists()
    assert dry == write_consumer(tmp_path / "clients", "duck", files, dry=False)
    assert keep_consumers(tmp_path / "clients", [], dry=True).removed
    assert (tmp_path / "clients" / "duck" / "client.env").exists()


def test_no_line_of_a_change_shows_a_text(tmp_path: Path) -> None:
    assert "sk-planted" not in write_consumer(tmp_path, "duck", {"a": "sk-planted"}, True).lines()


def test_a_file_that_is_no_longer_wanted_goes(tmp_path: Path) -> None:
    write_consumer(tmp_path, "duck", {"a": "1", "ca.crt": "2"}, dry=False)
    change = write_consumer(tmp_path, "duck", {"a": "1"}, dry=False)
    assert change.removed == [str(tmp_path / "duck" / "ca.crt")]
    assert not (tmp_path / "duck" / "ca.crt").exists()


def test_a_consumer_that_is_gone_leaves_only_what_a_person_added(tmp_path: Path) -> None:
    for name in ("duck", "goose", "owl"):
        write_consumer(tmp_path, name, {"a": "1"}, dry=False)
    (tmp_path / "goose" / "notes").write_text("mine")
    (tmp_path / "not-ours").mkdir()
    change = keep_consumers(tmp_path, ["owl"], dry=False)
    assert change.left == [str(tmp_path / "goose" / "notes")]
    assert sorted(str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*")) == [
        "goose", "goose/notes", "not-ours", "owl", f"owl/{MARK}", "owl/a",
    ]  # fmt: skip


def test_a_mark_that_names_other_places_removes_nothing_there(tmp_path: Path) -> None:
    write_consumer(tmp_path / "clients", "duck", {"a": "1"}, dry=False)
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "clients" / "duck" / MARK).write_text('{"files": ["a", "../../precious", 7]}')
    keep_consumers(tmp_path / "clients", [], dry=False)
    assert (tmp_path / "precious").exists()
    assert not (tmp_path / "clients" / "duck").exists()


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    write_consumer(tmp_path / "clients", "duck", {"a": "1"}, dry=False)
    (tmp_path / "precious").write_text("1")
    (tmp_path / "clients" / "duck" / "a").unlink()
    (tmp_path / "clients" / "duck" / "a").symlink_to(tmp_path / "precious")
    assert write_consumer(tmp_path / "clients", "duck", {"a": "1"}, dry=False).written
    assert not (tmp_path / "clients" / "duck" / "a").is_symlink()


def test_what_another_wrote_is_refused(tmp_path: Path) -> None:
    (tmp_path / "duck").mkdir()
    (tmp_path / "duck" / "thesis").write_text("mine")
    with pytest.raises(ValueError, match="no directory of this playbook: move it away"):
        write_consumer(tmp_path, "duck", {"a": "1"}, dry=False)


@pytest.mark.parametrize("name", ["..", ".hidden", "a/b", ""])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name for a directory"):
        write_consumer(tmp_path, name, {"a": "1"}, dry=False)
