"""Test the directories of versions, and the link to the one in force."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.tgi.gateway.nginx.release import Release, ReleaseLink
from ansible.module_utils.tgi.gateway.nginx.service import Nginx, status_port

from tests.support.nginx_fakes import release


def test_files_lie_where_they_say_with_their_modes(tmp_path: Path) -> None:
    made = release(tmp_path)
    made.write()
    text = made.main.read_text()
    assert f"# {made.version} in {made.directory}\n" in text
    assert made.main.stat().st_mode & 0o777 == 0o644
    assert (made.directory / "tls.key").stat().st_mode & 0o777 == 0o600
    assert made.stale() == []


def test_a_file_may_lie_in_a_folder(tmp_path: Path) -> None:
    made = Release(tmp_path / "tgi-gateway", {"nginx.conf": "", "dialect/a.js": "a"}, {})
    made.write()
    assert (made.directory / "dialect" / "a.js").read_text() == "a"
    assert made.stale() == []
    made.remove()
    assert not made.directory.exists()


def test_a_mode_that_was_opened_is_stale_and_mended(tmp_path: Path) -> None:
    made = release(tmp_path)
    made.write()
    (made.directory / "tls.key").chmod(0o644)
    assert made.stale() == ["tls.key"]
    made.write()
    assert made.stale() == []


def test_the_version_is_that_of_names_contents_and_kind(tmp_path: Path) -> None:
    same = {
        Release(tmp_path, {"a": "1", "b": "2"}, {}),
        Release(tmp_path, {"b": "2", "a": "1"}, {}),
    }
    assert len({one.version for one in same}) == 1
    others = [({"a": "12"}, {}), ({"a1": "2"}, {}), ({}, {"a": "12"}), ({"a": "1", "2": ""}, {})]
    assert len({Release(tmp_path, *kinds).version for kinds in others}) == len(others)


@pytest.mark.parametrize(
    "name", ["../x", "a/../b", "a/b/c", "a/.b", ".hidden", "/etc/passwd", "a/", "a\n"]
)
def test_names_that_are_paths_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a plain file name"):
        Release(tmp_path, {name: ""}, {})


def test_marks_in_secrets_stay_as_they_are(tmp_path: Path) -> None:
    assert Release(tmp_path, {}, {"k": "@GATEWAY_DIR@"}).secret == {"k": "@GATEWAY_DIR@"}


def test_old_versions_go_and_what_was_replaced_stays(tmp_path: Path) -> None:
    main = tmp_path / "nginx.conf"
    main.write_text("first\n")
    link = ReleaseLink(main, tmp_path / "tgi-gateway")
    made = [release(tmp_path, text) for text in "abc"]
    for one in made:
        one.write()
        link.swap(one)
    link.prune({made[2].version, made[1].version})
    assert [one.directory.exists() for one in made] == [False, True, True]
    assert link.kept.read_text() == "first\n"


def test_a_second_foreign_file_is_kept_beside_the_first(tmp_path: Path) -> None:
    main = tmp_path / "nginx.conf"
    link = ReleaseLink(main, tmp_path / "tgi-gateway")
    for text in ("first", "second"):
        main.unlink(missing_ok=True)
        main.write_text(text)
        made = release(tmp_path)
        made.write()
        link.swap(made)
    assert link.kept.read_text() == "first"
    assert link.kept.with_name("nginx.conf.1").read_text() == "second"


def test_a_link_to_elsewhere_is_not_ours(tmp_path: Path) -> None:
    main = tmp_path / "nginx.conf"
    main.symlink_to(tmp_path / "other" / "version" / "nginx.conf")
    assert ReleaseLink(main, tmp_path / "tgi-gateway").version() is None


def test_the_status_port_is_read_from_a_configuration() -> None:
    assert status_port("listen 443 ssl;\n    listen 127.0.0.1:8079;\n") == 8079
    assert status_port("listen 80;") is None


def test_only_severe_lines_are_returned_once_and_without_their_number(tmp_path: Path) -> None:
    log = tmp_path / "error.log"
    log.write_text("2026/11/23 04:14:27 [emerg] 1#1: before\n")
    nginx = Nginx(lambda _: (0, "", ""), "http://127.0.0.1:9/", [log])
    mark = nginx.log_mark()
    with log.open("a") as file:
        file.write("2026/11/23 04:14:27 [error] 7#7: *1 refused, request: GET /?key=secret\n")
        file.write("2026/11/23 04:14:27 [emerg] 7#7: bind() failed\n" * 3)
        file.write("2026/11/23 04:14:27 [crit] 7#7: *2 open() failed\n")
        file.write("2026/11/23 04:14:27 [alert] 7#7: setrlimit() failed\n")
    assert nginx.log_since(mark) == "bind() failed; *2 open() failed; setrlimit() failed"
    assert nginx.alerts_since(mark) == "bind() failed; setrlimit() failed"


def test_a_closed_status_port_is_no_version() -> None:
    assert Nginx(lambda _: (0, "", ""), "http://127.0.0.1:9/", [Path("/nope")]).served() is None


def test_dpkgs_digests_of_files_are_read(tmp_path: Path) -> None:
    told = " /etc/nginx/nginx.conf fadf2b09\n /etc/nginx/old 0f39cbfc obsolete\n\n"
    answers = {"dpkg-query": (0, told, "")}
    nginx = Nginx(lambda argv: answers.get(argv[0], (1, "", "")), "http://127.0.0.1:1/", [tmp_path])
    assert nginx.shipped() == {"/etc/nginx/nginx.conf": "fadf2b09", "/etc/nginx/old": "0f39cbfc"}
    answers["dpkg-query"] = (1, told, "no packages found matching nginx-common")
    assert nginx.shipped() == {"/etc/nginx/nginx.conf": "fadf2b09", "/etc/nginx/old": "0f39cbfc"}
    answers["dpkg-query"] = (1, "", "no packages found matching nginx-common nginx")
    assert nginx.shipped() == {}


@pytest.mark.parametrize("before", ["nginx: [emerg] ", "2026/11/24 12:14:44 [emerg] 978#978: "])
def test_an_error_of_nginx_is_one_line(before: str) -> None:
    said = f"{before}unknown directive in /x:1\nnginx: configuration file /x test failed\n"
    nginx = Nginx(lambda _: (1, "", said), "http://127.0.0.1:1/", [Path("/nope")])
    assert nginx.test(Path("/x")) == "unknown directive in /x:1"
    mute = Nginx(lambda _: (139, "", ""), "http://127.0.0.1:1/", [Path("/nope")])
    assert mute.test(Path("/x")) == "nginx -t ended with 139"


def test_a_key_in_an_older_certificate_is_closed_and_in_no_diff(tmp_path: Path) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----\n"
    old = Release(tmp_path, {"nginx.conf": "a", "tls.crt": f"certificate\n{key}"}, {})
    new = Release(tmp_path, {"nginx.conf": "a", "tls.crt": "certificate\n"}, {})
    for one in (old, new):
        one.write()
    assert "MIG" not in str(new.diff(old.version, old.main))
    ReleaseLink(tmp_path / "nginx.conf", tmp_path).prune({old.version, new.version})
    modes = [(one.directory / "tls.crt").stat().st_mode & 0o777 for one in (old, new)]
    assert modes == [0o600, 0o644]
