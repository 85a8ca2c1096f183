"""Test the module signed_apt_source in a directory, with a real server for the key."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.tgi.packages.openpgp import armor

from tests.support.apt_keys import HTML, ONE, ONE_FINGERPRINT, TWO, TWO_FINGERPRINT, binary
from tests.support.run_module import load, run

Run = Callable[..., dict[str, Any]]
PIN = {"packages": "docker-ce", "version": "5:29.*"}
FILES = ["keyrings/docker.asc", "preferences.d/docker", "sources.list.d/docker.sources"]


class Mirror:
    """Serve one key, and count the requests."""

    def __init__(self) -> None:
        self.key, self.status, self.asked = ONE, 200, 0
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.asked += 1
                self.send_response(mirror.status)
                self.send_header("Content-Length", str(len(mirror.key)))
                self.end_headers()
                self.wfile.write(mirror.key)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    mirror = Mirror()
    yield mirror
    mirror.server.shutdown()
    mirror.server.server_close()


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    for name in ("sources.list.d", "preferences.d", "lists"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def add(apt: Path, mirror: Mirror, capsys: pytest.CaptureFixture[str]) -> Run:
    module = load("signed_apt_source")
    module.APT, module.LISTS = apt, apt / "lists"  # type: ignore[attr-defined]

    def call(check: bool = False, **changes: Any) -> dict[str, Any]:
        args = {
            "name": "docker",
            "uris": f"{mirror.url}/debian",
            "suites": "trixie",
            "components": "stable",
            "key": f"{mirror.url}/gpg",
            "fingerprint": ONE_FINGERPRINT,
            "pins": [PIN],
        }
        return run(module, capsys, check, **{**args, **changes})

    return call


def tree(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_first_run_writes_and_second_does_not(add: Run, apt: Path, mirror: Mirror) -> None:
    first = add()
    assert first["changed"] is True
    assert sorted(tree(apt)) == FILES
    assert {p.stat().st_mode & 0o777 for p in apt.rglob("*") if p.is_file()} == {0o644}
    assert (apt / FILES[0]).read_bytes() == ONE
    assert f"Signed-By: {apt}/keyrings/docker.asc" in (apt / FILES[2]).read_text()
    second = add()
    assert (second["changed"], second["files"], second["diff"]) == (False, [], [])
    assert mirror.asked == 1, "the key that is there is not fetched again"


def test_an_error_page_in_a_guides_file_goes(add: Run, apt: Path) -> None:
    page, other = (apt / "sources.list.d" / name for name in ("docker.list", "corp.list"))
    for path in (page, other):
        path.write_bytes(HTML)
    guides = {"guides": ["docker.list", "docker-ce.list"]}
    assert str(page) in add(check=True, **guides)["files"]
    assert page.exists()
    assert str(page) in add(**guides)["files"]
    assert not page.exists()
    assert page.with_name("docker.list.before-tgi-ansible.bak").read_bytes() == HTML
    assert other.read_bytes() == HTML, "not ours"
    assert add(**guides)["changed"] is False


def test_the_key_is_in_no_diff(add: Run, apt: Path) -> None:
    headers = [entry["after_header"] for entry in add()["diff"]]
    assert headers == [str(apt / FILES[2]), str(apt / FILES[1])]


def test_check_mode_judges_and_writes_nothing(add: Run, apt: Path, mirror: Mirror) -> None:
    assert add(check=True)["changed"] is True
    assert tree(apt) == {}
    mirror.key = TWO
    assert add(check=True)["failed"] is True


# apt 3 takes the second key, marked as a secret one, for a public one
HIDDEN = armor(binary(ONE) + b"\x94" + binary(TWO)[1:])
REFUSED = {
    "another key": (TWO, 200, f"has fingerprint {TWO_FINGERPRINT}, expected {ONE_FINGERPRINT}"),
    "a second key in the file": (ONE + TWO, 200, TWO_FINGERPRINT),
    "a secret key hidden behind": (HIDDEN, 200, "it contains a secret key"),
    "error page under 200": (HTML, 200, "is not an OpenPGP public key"),
    "tampered": (ONE.replace(b"AwLBc", b"AwLBd"), 200, "has fingerprint"),
    "cut short": (ONE[:200], 200, "is not an OpenPGP public key"),
    "nothing": (b"", 200, "is not an OpenPGP public key"),
    "404": (ONE, 404, "apt source docker: cannot get the key from http://"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_key_is_refused_before_anything_is_written(
    case: str, add: Run, apt: Path, mirror: Mirror
) -> None:
    mirror.key, mirror.status, words = REFUSED[case]
    (apt / "sources.list.d/old.list").write_text(f"deb {mirror.url}/debian trixie stable\n")
    before = tree(apt)
    answer = add()
    assert answer["failed"] is True
    assert words in answer["msg"]
    assert tree(apt) == before


def test_a_new_fingerprint_replaces_the_installed_key(add: Run, apt: Path, mirror: Mirror) -> None:
    add()
    mirror.key = TWO
    answer = add(fingerprint=TWO_FINGERPRINT.lower())
    assert answer["files"] == [str(apt / FILES[0])]
    assert (apt / FILES[0]).read_bytes() == TWO


def test_what_was_added_to_the_installed_key_is_not_trusted(add: Run, apt: Path) -> None:
    add()
    for trusted in (ONE + TWO, HIDDEN):
        (apt / FILES[0]).write_bytes(trusted)
        assert add()["files"] == [str(apt / FILES[0])]
        assert (apt / FILES[0]).read_bytes() == ONE


def test_a_binary_key_of_the_host_is_armored_as_apt_wants_it(add: Run, apt: Path) -> None:
    (apt / "key.gpg").write_bytes(binary(ONE))
    add(key=str(apt / "key.gpg"))
    assert (apt / FILES[0]).read_bytes() == ONE
    assert "cannot get the key" in add(key="/no/such/file", fingerprint=TWO_FINGERPRINT)["msg"]


def test_others_sources_lose_the_repository_only(add: Run, apt: Path, mirror: Mirror) -> None:
    line, other = f"deb {mirror.url}/debian trixie stable\n", "deb http://other.example.org a b\n"
    (apt / "sources.list.d/docker.list").write_text("# old guide\n" + line)
    (apt / "sources.list.d/site.list").write_text(other + line)
    (apt / "sources.list").write_text(line + other)
    assert add(check=True)["changed"] is True
    assert len(list((apt / "sources.list.d").iterdir())) == 2
    add()
    assert not (apt / "sources.list.d/docker.list").exists()
    assert (apt / "sources.list.d/site.list").read_text() == other
    assert (apt / "sources.list").read_text() == other
    kept = apt / "sources.list.d/site.list.before-tgi-ansible.bak"
    assert kept.read_text() == other + line
    assert add()["changed"] is False


def test_pins_go_when_none_are_given(add: Run, apt: Path) -> None:
    add()
    assert add(pins=[])["files"] == [str(apt / FILES[1])]
    assert not (apt / FILES[1]).exists()
    assert add(pins=[])["changed"] is False


def test_it_tells_whether_apt_has_the_lists(add: Run, apt: Path, mirror: Mirror) -> None:
    assert add()["lists_missing"] is True
    assert add()["lists_missing"] is True, "an update that failed is made up for"
    name = mirror.url.removeprefix("http://") + "_debian_dists_trixie_InRelease"
    (apt / "lists" / name).touch()
    assert add()["lists_missing"] is False
    assert add(suites="bookworm")["lists_missing"] is True


def test_absent_takes_away_what_it_wrote_and_keeps_the_pins(add: Run, apt: Path) -> None:
    add()
    assert add(check=True, state="absent")["changed"] is True
    assert sorted(tree(apt)) == FILES
    answer = add(state="absent")
    assert (sorted(tree(apt)), answer["lists_missing"]) == ([FILES[1]], False)
    assert add(state="absent")["changed"] is False
    add(state="absent", pins=[])
    assert tree(apt) == {}


def test_absent_leaves_what_others_wrote(add: Run, apt: Path) -> None:
    (apt / "keyrings").mkdir()
    for name in FILES:
        (apt / name).write_text("Types: deb\n")
    before = tree(apt)
    assert add(state="absent", pins=[])["changed"] is False
    assert tree(apt) == before


def test_another_suite_of_the_host_stays(add: Run, apt: Path, mirror: Mirror) -> None:
    line = f"deb {mirror.url}/debian bookworm main\n"
    (apt / "sources.list").write_text(line)
    add()
    assert (apt / "sources.list").read_text() == line


def test_what_it_replaces_goes_whatever_its_suite(add: Run, apt: Path) -> None:
    other = "deb http://other.example.org/linux a b\n"
    (apt / "sources.list.d/docker.list").write_text(
        "deb [arch=amd64] https://download.docker.com/linux/debian bookworm stable test\n"
    )
    (apt / "sources.list").write_text(other + "deb http://apt.dockerproject.org/repo x main\n")
    (apt / "sources.list.d/two.sources").write_text(
        "Types: deb\nURIs: https://download.docker.com/linux/debian http://other.example.org\n"
        "Suites: bookworm\nComponents: stable\n"
    )
    replaces = ["https://download.docker.com/linux/", "https://apt.dockerproject.org"]
    assert add(replaces=replaces)["changed"] is True
    assert not (apt / "sources.list.d/docker.list").exists()
    assert (apt / "sources.list").read_text() == other
    assert (apt / "sources.list.d/two.sources").exists(), "it names another address too"
    assert add(replaces=replaces)["changed"] is False


def test_its_key_is_trusted_for_its_source_only(add: Run, apt: Path) -> None:
    (apt / "trusted.gpg.d").mkdir()
    rings = {"trusted.gpg": binary(ONE) + binary(TWO), "trusted.gpg.d/docker.gpg": binary(ONE)}
    rings["trusted.gpg.d/both.asc"] = ONE + TWO
    rings["trusted.gpg.d/box.gpg"] = b"KBXf"
    for name, ring in rings.items():
        (apt / name).write_bytes(ring)
    assert add()["changed"] is True
    assert (apt / "trusted.gpg").read_bytes() == rings["trusted.gpg"], "the role did not name it"
    answer = add(replaces=["https://download.docker.com/linux/"])
    assert (apt / "trusted.gpg").read_bytes() == binary(TWO)
    assert not (apt / "trusted.gpg.d/docker.gpg").exists()
    assert (apt / "trusted.gpg.d/both.asc").read_bytes() == TWO
    assert (apt / "trusted.gpg.d/box.gpg").read_bytes() == b"KBXf"
    kept = apt / "trusted.gpg.d/docker.gpg.before-tgi-ansible.bak"
    assert kept.read_bytes() == binary(ONE)
    assert answer["diff"] == [], "no key in a diff"
    assert len(answer["files"]) == 3


def test_a_mirror_in_a_directory(add: Run, apt: Path) -> None:
    (apt / "gpg").write_bytes(ONE)
    local = {"uris": "file:/srv/mirror/docker", "key": f"file://{apt}/gpg"}
    assert add(**local)["lists_missing"] is True
    assert "URIs: file:/srv/mirror/docker\n" in (apt / FILES[2]).read_text()
    (apt / "lists/_srv_mirror_docker_dists_trixie_InRelease").touch()
    assert add(**local) == {**add(**local), "changed": False, "lists_missing": False}
