"""Test which sets are kept, which one comes back, and that a kill loses none."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

import pytest
from ansible.module_utils.tgi.models.project_files import write_project
from ansible.module_utils.tgi.models.record import Record, to_text
from ansible.module_utils.tgi.rollout.sets import (
    active,
    active_id,
    as_dict,
    is_kept,
    is_returnable,
    keep,
    kept,
    put_back,
    set_id,
)

from tests.support.rollout.kills import killed_before


def text(port: int) -> str:
    return f"# Written by tgi-ansible\nports: [{port}]\n"


def deploy(place: Path, port: int, secret: str = "1") -> str:
    place.mkdir(exist_ok=True)
    record = Record(place.name, f"tgi-{place.name}", port, [])
    write_project(place, text(port), f"T='{secret}'\n", record, dry=False)
    return set_id(text(port))


def passed(place: Path, *ports: int, number: int = 3) -> list[str]:
    """Deploy and keep each in turn, an hour apart; return the ids."""
    for age, port in zip(range(len(ports), 0, -1), ports):
        name = deploy(place, port)
        keep(place, number)
        stamp = (place / "sets" / name).stat().st_mtime - 3600 * age
        os.utime(place / "sets" / name, (stamp, stamp))
    return [set_id(text(port)) for port in ports]


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def ids(place: Path) -> list[str]:
    return [one.id for one in kept(place)]


def test_an_id_is_of_what_compose_reads() -> None:
    name = set_id(text(1))
    assert len(name) == 12 and set(name) <= set("0123456789abcdef")
    assert set_id("# Another\n\n" + text(1).partition("\n")[2]) == name
    assert set_id(text(2)) != name
    assert set_id("# Only this\n") == ""


def test_the_newest_are_kept_and_never_the_active_one_goes(tmp_path: Path) -> None:
    place = tmp_path / "a"
    one, two, three, four = passed(place, 1, 2, 3, 4)
    assert ids(place) == [four, three, two]
    assert [record.port for _, record, _ in kept(place)] == [4, 3, 2]
    deploy(place, 2)
    assert not is_kept(place) and keep(place, 1)
    assert is_kept(place) and ids(place) == [two]
    assert not keep(place, 1)
    assert one not in names(place / "sets")


def test_a_set_that_passes_again_is_the_newest(tmp_path: Path) -> None:
    place = tmp_path / "a"
    one, two = passed(place, 1, 2)
    deploy(place, 1)
    # As it is now, it has not passed yet: if it fails, the way leads to what served until now
    assert not is_kept(place) and ids(place) == [two, one]
    assert keep(place, 3, dry=True) and ids(place) == [two, one]
    assert keep(place, 3)
    assert is_kept(place) and ids(place) == [one, two]
    assert (place / "sets" / one / "compose.yaml").stat().st_mode & 0o777 == 0o600
    assert (place / "sets" / one / "deployed.json").stat().st_mode & 0o777 == 0o644


def test_what_does_not_count_for_the_id_is_kept_as_it_is_now(tmp_path: Path) -> None:
    place = tmp_path / "a"
    (one,) = passed(place, 1)
    (place / "compose.yaml").write_text("# New words\n" + text(1))
    (place / "deployed.json").write_text(to_text(Record("a", "tgi-a", 1, [], aliases=["b"])))
    assert is_kept(place) and keep(place, 3)
    assert ids(place) == [one]
    assert kept(place)[0].record.aliases == ["b"]
    assert (place / "sets" / one / "compose.yaml").read_text().startswith("# New words")


def test_a_damaged_or_unfinished_set_is_none(tmp_path: Path) -> None:
    place = tmp_path / "a"
    one, two, three = passed(place, 1, 2, 3)
    (place / "sets" / one / "compose.yaml").write_text(text(9))
    (place / "sets" / two / "deployed.json").write_text("{")
    (place / "sets" / "notes").mkdir()
    assert ids(place) == [three]
    assert keep(place, 3)
    assert names(place / "sets") == [three]


def test_nothing_to_keep(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"compose\.yaml is missing.*; run site\.yml"):
        keep(tmp_path, 3)
    deploy(tmp_path, 1)
    (tmp_path / "deployed.json").write_text("{")
    with pytest.raises(ValueError, match=r"deployed\.json is damaged"):
        keep(tmp_path, 3)


def test_the_last_set_that_passed_comes_back(tmp_path: Path) -> None:
    place = tmp_path / "a"
    one, two = passed(place, 1, 2)
    deploy(place, 3)
    assert not is_kept(place) and is_returnable(place, active_id(place), False)
    chosen, changed = put_back(place, dry=True)
    assert (chosen.id, changed, active_id(place)) == (two, True, set_id(text(3)))
    assert put_back(place)[0].id == two
    assert (place / "compose.yaml").read_text() == text(2)
    assert '"port": 2' in (place / "deployed.json").read_text()
    assert put_back(place)[0].id == one
    assert put_back(place, two) == (kept(place)[0], True)
    assert put_back(place, two) == (kept(place)[0], False)


def test_what_was_gone_back_from_does_not_return_by_itself(tmp_path: Path) -> None:
    place = tmp_path / "a"
    one, two = passed(place, 1, 2)
    assert put_back(place)[0].id == one
    assert is_kept(place) and ids(place) == [one, two]
    deploy(place, 3)
    assert put_back(place)[0].id == one


def test_what_failed_after_it_had_passed_is_no_set_to_go_back_to(tmp_path: Path) -> None:
    place = tmp_path / "a"
    one, two, three = passed(place, 1, 2, 3)
    assert put_back(place, dry=True, failed=True)[0].id == two
    assert ids(place) == [three, two, one]
    assert put_back(place, failed=True)[0].id == two
    assert ids(place) == [two, one] and active_id(place) == two
    # The set stayed, and only its secrets were other ones
    deploy(place, 2, secret="2")
    assert put_back(place, failed=True)[0].id == two
    assert ids(place) == [two, one]


def test_there_is_no_way_back(tmp_path: Path) -> None:
    place = tmp_path / "a"
    deploy(place, 1)
    with pytest.raises(ValueError, match=r"^a has no other set that passed.*; correct tgi_models"):
        put_back(place)
    one, two = passed(place, 1, 2)
    with pytest.raises(ValueError, match=rf"^a has no set 123 that passed; write .*: {one}$"):
        put_back(place, "123")
    assert active_id(place) == two


def test_other_secrets_are_unproven_until_they_passed(tmp_path: Path) -> None:
    place = tmp_path / "a"
    (one,) = passed(place, 1)
    assert is_kept(place) and not is_returnable(place, one, False)
    assert is_returnable(place, one, True)
    deploy(place, 1, secret="2")
    before = place / "secrets.env.before"
    assert before.read_text() == "T='1'\n" and before.stat().st_mode & 0o777 == 0o600
    assert not is_kept(place) and is_returnable(place, one, False)
    # A third one, while the second is not proven
    deploy(place, 1, secret="3")
    assert before.read_text() == "T='1'\n"
    assert put_back(place) == (kept(place)[0], True)
    assert (place / "secrets.env").read_text() == "T='1'\n"
    assert not before.exists() and is_kept(place)
    deploy(place, 1, secret="2")
    assert keep(place, 3) and is_kept(place)
    assert not before.exists() and (place / "secrets.env").read_text() == "T='2'\n"


def test_with_other_secrets_too_the_way_leads_to_what_passed_last(tmp_path: Path) -> None:
    place = tmp_path / "a"
    one, two = passed(place, 1, 2)
    deploy(place, 1, secret="2")
    assert put_back(place)[0].id == two
    assert (place / "secrets.env").read_text() == "T='1'\n"
    # The set before stays one that can be asked for
    assert put_back(place, one)[0].id == one


def test_a_set_as_data(tmp_path: Path) -> None:
    place = tmp_path / "a"
    assert active(place) is None
    deploy(place, 1)
    unkept = active(place)
    assert unkept and as_dict(unkept, True)["kept_at"] == ""
    keep(place, 3)
    os.utime(place / "sets" / active_id(place), (0, 1))
    found = as_dict(kept(place)[0], True)
    assert found["kept_at"] == "1970-01-01T00:00:01Z"
    assert (found["id"], found["port"], found["active"]) == (set_id(text(1)), 1, True)


def test_a_kill_while_a_set_is_kept(tmp_path: Path) -> None:
    start, place = tmp_path / "start", tmp_path / "a"
    deploy(place, 1)
    one, two, three = passed(place, 1, 2, 3)
    four = deploy(place, 4, secret="2")
    place.rename(start)
    for step in itertools.count():
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(start, place)
        killed = killed_before(step, lambda: keep(place, 3))
        # What was kept and may be needed is there, and the set passes for kept only as a whole
        assert {two, three} <= set(ids(place))
        if is_kept(place):
            assert four in ids(place)
        else:
            assert (place / "secrets.env.before").read_text() == "T='1'\n"
        keep(place, 3)
        assert is_kept(place) and ids(place) == [four, three, two]
        if not killed:
            break
    assert step >= 8
    assert one not in ids(place)


@pytest.mark.parametrize("secret", ["1", "2"])
def test_a_kill_while_a_set_is_put_back(tmp_path: Path, secret: str) -> None:
    start, place = tmp_path / "start", tmp_path / "a"
    one, two = passed(place, 1, 2)
    three = deploy(place, 3, secret)
    place.rename(start)
    for step in itertools.count():
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(start, place)
        killed = killed_before(step, lambda: put_back(place))
        assert ids(place) == [two, one]
        if killed:
            # Otherwise the second call would go back one set more
            assert active_id(place) == three
            put_back(place)
        assert active_id(place) == two
        assert (place / "secrets.env").read_text() == "T='1'\n"
        assert not (place / "secrets.env.before").exists()
        assert '"port": 2' in (place / "deployed.json").read_text()
        if not killed:
            break
    assert step >= 4


def test_a_kill_on_the_way_back_from_a_set_that_passed(tmp_path: Path) -> None:
    start, place = tmp_path / "start", tmp_path / "a"
    one, two = passed(place, 1, 2)
    place.rename(start)
    for step in itertools.count():
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(start, place)
        killed = killed_before(step, lambda: put_back(place))
        if killed:
            assert active_id(place) == two
            put_back(place)
        assert (active_id(place), ids(place)) == (one, [one, two])
        assert is_kept(place)
        if not killed:
            break
    assert step >= 5
