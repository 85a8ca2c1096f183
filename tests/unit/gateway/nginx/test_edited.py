"""Test that a file of ours edited by hand is known as ours, put back, and the edit is kept."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.tgi.gateway.nginx.edited import origin_of

from tests.support.nginx_fakes import release, system


def replace_by_hand(path: Path) -> str:
    """Edit nginx.conf as ``sed -i`` does: a file takes the place of the link."""
    text = path.read_text() + "server { listen 81; }\n"
    path.unlink()
    path.write_text(text)
    return text


def test_a_file_in_the_place_of_the_link_is_ours(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    wanted = release(tmp_path)
    gateway.put_in_force(wanted)
    edited = replace_by_hand(gateway.link.path)
    assert origin_of(gateway.link) == wanted.version
    outcome = gateway.put_in_force(wanted)
    kept = tmp_path / "tgi-gateway/nginx.conf.edited"
    assert kept.read_text() == edited
    assert outcome.changed and "server { listen 81; }" in outcome.diff[0]["before"]
    assert outcome.did[1] == f"keep what was edited by hand in {gateway.link.path} as {kept}"
    assert "write what you need of it into the inventory" in outcome.warnings[0]
    assert gateway.link.version() == nginx.serving == wanted.version and wanted.stale() == []
    again = gateway.put_in_force(wanted)
    assert (again.changed, again.warnings) == (False, [])
    # What was there before the gateway is still what an uninstall restores
    assert gateway.link.kept.read_text() == "the distribution's\n"


def test_it_is_kept_when_another_version_follows_and_that_one_is_refused(tmp_path: Path) -> None:
    gateway, nginx = system(tmp_path)
    gateway.put_in_force(release(tmp_path))
    edited = replace_by_hand(gateway.link.path)
    new = release(tmp_path, "# more\n")
    nginx.ignores = {new.version}
    failed = ""
    try:
        gateway.put_in_force(new)
    except Exception as error:
        failed = str(error)
    assert "back in place" in failed
    # As before the run: the edit is what nginx serves
    assert gateway.link.path.read_text() == edited
    nginx.ignores = set()
    assert gateway.put_in_force(new).changed
    assert (tmp_path / "tgi-gateway/nginx.conf.edited").read_text() == edited


def test_an_edit_behind_the_link_is_kept_each_time(tmp_path: Path) -> None:
    gateway, _ = system(tmp_path)
    wanted = release(tmp_path)
    gateway.put_in_force(wanted)
    for number, name in enumerate(("nginx.conf.edited", "nginx.conf.edited.1")):
        (wanted.directory / "nginx.conf").write_text(f"mine {number}\n")
        outcome = gateway.put_in_force(wanted)
        assert (tmp_path / "tgi-gateway" / name).read_text() == f"mine {number}\n"
        assert len(outcome.warnings) == 1
    # A deleted file is no edit
    (wanted.directory / "nginx.conf").unlink()
    assert gateway.put_in_force(wanted).warnings == []
    assert wanted.stale() == []


def test_check_mode_says_so_and_keeps_the_edit_in_place(tmp_path: Path) -> None:
    gateway, _ = system(tmp_path)
    wanted = release(tmp_path)
    gateway.put_in_force(wanted)
    edited = replace_by_hand(gateway.link.path)
    gateway.check_mode = True
    outcome = gateway.put_in_force(wanted)
    assert outcome.changed and len(outcome.warnings) == 1
    assert gateway.link.path.read_text() == edited and not gateway.link.path.is_symlink()


def test_an_uninstall_restores_what_was_before_the_edited_one(tmp_path: Path) -> None:
    gateway, _ = system(tmp_path)
    gateway.put_in_force(release(tmp_path))
    replace_by_hand(gateway.link.path)
    gateway.withdraw()
    assert gateway.link.path.read_text() == "the distribution's\n"
    assert not (tmp_path / "tgi-gateway").exists()


def test_a_file_that_was_never_ours_is_not(tmp_path: Path) -> None:
    gateway, _ = system(tmp_path)
    assert origin_of(gateway.link) is None
    gateway.link.path.write_text("http { server { } } # in /etc/nginx/tgi-gateway/replaced\n")
    assert origin_of(gateway.link) is None
