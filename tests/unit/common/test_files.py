from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.tgi.common.files import drop_empty, read, read_head, settle, write


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    write(path, b"old")
    assert path.stat().st_mode & 0o777 == 0o644

    def fail(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match="no space"):
            write(path, b"new")
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]


def test_a_secret_is_never_open_to_others(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")
    path.chmod(0o644)
    write(path, b"new", 0o600)
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_read_is_empty(tmp_path: Path) -> None:
    odd = tmp_path / "odd"
    odd.write_bytes(b"caf\xe9")
    assert read(odd) == "caf\ufffd" == read_head(str(odd))
    assert read(tmp_path) == "" == read(tmp_path / "missing")
    assert read_head(str(tmp_path)) is None


def test_only_an_empty_directory_is_dropped(tmp_path: Path) -> None:
    full, empty = tmp_path / "full", tmp_path / "empty"
    full.mkdir()
    empty.mkdir()
    (full / "file").touch()
    for directory in (full, empty, tmp_path / "missing"):
        drop_empty(directory)
    assert [one.name for one in tmp_path.iterdir()] == ["full"]


def test_files_that_are_not_ours_are_copied_first(tmp_path: Path) -> None:
    own, other, gone = tmp_path / "own", tmp_path / "other", tmp_path / "gone"
    other.write_bytes(b"theirs\n")
    gone.write_bytes(b"ours\n")
    wanted = {own: b"ours\n", other: b"ours\n", gone: b""}
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert settle(wanted, (other,), dry=True)[0] == [str(own), str(other), str(gone)]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    settle(wanted, (other,), dry=False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "own": b"ours\n",
        "other": b"ours\n",
        "other.before-tgi-ansible.bak": b"theirs\n",
    }
    assert settle(wanted, (other,), dry=False) == ([], [])
