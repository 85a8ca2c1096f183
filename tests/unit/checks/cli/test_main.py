"""Test the checks as a command: any URL, no Ansible, an exit code for CI and cron."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from ansible.module_utils.tgi.checks.catalogue_direct import DIRECT
from ansible.module_utils.tgi.checks.catalogue_edge import EDGE
from ansible.module_utils.tgi.checks.cli import main
from ansible.module_utils.tgi.checks.endpoint import tls_certificate
from ansible.module_utils.tgi.checks.judges import json_schema
from ansible.module_utils.tgi.checks.report import html_page

from tests.support.emulator_process import MODEL, Running, running
from tests.support.fakes.gateway import KEY, NAME, FakeGateway
from tests.support.fakes.translating_tgi import TranslatingTgi
from tests.support.in_memory_tgi import InMemoryTgi
from tests.support.roots import ROOT
from tests.support.tls_pairs import LASTING

# As on a machine without Ansible
WITHOUT_ANSIBLE = (
    "import sys, runpy; sys.modules['ansible'] = None; "
    "runpy.run_module('module_utils.tgi.checks', run_name='__main__', alter_sys=True)"
)


def command(*words: str, text: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_ANSIBLE, *words],
        cwd=ROOT, env={"PATH": "", **env}, input=text, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


@pytest.fixture
def engine() -> Iterator[Running]:
    with running() as one:
        yield one


def test_a_healthy_engine_passes_without_ansible(engine: Running, tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("a.json", "a.xml", "a.html")]
    done = command(
        engine.url, "--json", files[0], "--junit", files[1], "--html", files[2]
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("PASSED: 127.0.0.1:") and MODEL in done.stdout
    assert "left out, nothing to compare with: no model was named (--model): " in done.stdout
    found = json.loads(Path(files[0]).read_text())
    assert found["summary"]["verdict"] == "passed"
    assert {one["model"] for one in found["checks"]} == {"", MODEL}
    assert "model.info" in {one["id"] for one in found["left_out"]}
    assert int(ET.parse(files[1]).getroot().get("tests", "")) > len(found["checks"])
    assert "Passed" in Path(files[2]).read_text()


def test_a_faulty_engine_fails_and_says_why(engine: Running) -> None:
    engine.fault("set", "no-generate")
    done = command(engine.url, "--quiet")
    assert done.returncode == 1
    assert "checks failed" in done.stdout and "; remedy: " in done.stdout
    assert done.stdout.count("\n") == 1 and done.stderr == ""


def test_a_slow_engine_shows_life(engine: Running) -> None:
    engine.fault("set", "slow-health=2.2")
    done = command(engine.url, "--checks", "health,generate")
    assert done.returncode == 0, done.stdout
    assert "checks done, 0 failed" in done.stderr


def test_a_named_model_is_held_to_its_name(engine: Running) -> None:
    right = command(engine.url, "--model", f"house={MODEL}", "--checks", "identity")
    assert right.returncode == 0, right.stdout
    wrong = command(engine.url, "--model", "acme/other", "--checks", "identity")
    assert wrong.returncode == 1
    assert f"serves {MODEL}, not acme/other" in wrong.stdout


def test_a_closed_port_is_a_failure_not_a_refusal() -> None:
    done = command("http://127.0.0.1:1")
    assert done.returncode == 1
    assert "connection refused" in done.stdout and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give a URL"),
        (["gpu1:8081"], "URL must be"),
        (["http://gpu1:notaport"], "URL must be"),
        (["http://[::1"], "URL must be"),
        (["http://me:secret@gpu1"], "URL must be"),
        ([f"https://{NAME}"], "needs a key"),
        ([f"https://{NAME}", "--key-file", "/nowhere"], "cannot read the key"),
        ([f"https://{NAME}", "--key-env", "NO_SUCH"], "holds no key"),
        ([f"https://{NAME}", "--key-file", "-"], "standard input holds no key"),
        (["http://127.0.0.1:1", "--checks", "chaat"], "unknown checks or groups: chaat"),
        (["http://127.0.0.1:1", "--checks", "rate"], "rate selects no check of this view"),
        (["http://127.0.0.1:1", "--timeout", "0"], "must be above 0"),
        (["http://127.0.0.1:1", "--json", "/nowhere/x.json"], "cannot write the report"),
    ],
)
def test_what_cannot_be_planned_is_2(words: list[str], said: str) -> None:
    done = command(*words)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr and "Traceback" not in done.stderr


def test_the_list_holds_every_check_once_for_what_it_expects() -> None:
    done = command("--list")
    assert done.returncode == 0
    listed = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert sorted(listed) == sorted(
        name for name, _ in {(spec.id, spec.expected) for spec in (*DIRECT, *EDGE)}
    )
    assert "auth.header" in done.stdout and "minor" in done.stdout


class Gateway(FakeGateway):
    """List an alias as a real gateway does."""

    async def route(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/models":
            ids = [{"id": "small", "root": "small"}, {"id": "tiny", "root": "small"}]
            return httpx.Response(200, json={"object": "list", "data": ids})
        return await super().route(request)


@pytest.fixture
def certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    async def verified(_: Any) -> tls_certificate.Handshake:
        return tls_certificate.Handshake(LASTING, "TLSv1.3")

    monkeypatch.setattr(tls_certificate, "handshake", verified)


@pytest.mark.usefixtures("certificate")
def test_a_gateway_is_checked_from_its_list(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TGI_CHECK_KEY", KEY)
    fake = Gateway()
    words = [f"https://{NAME}/v1", "--rate", "20", "--burst", "10", "--html", str(tmp_path / "p")]
    assert main.main(words, fake.transport()) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"PASSED: {NAME} (edge)")
    assert "rate.enforced" in said and "generate.basic" in said and "model.unknown" in said
    assert {row.split()[0] for row in said.splitlines()[2:] if row[0].isalpha()} >= {"small"}
    assert "\ntiny " not in said, "an alias is no model of its own"
    fake = Gateway("wrong-key", tgi=InMemoryTgi(model_id=KEY))
    assert main.main([*words, "--model", f"small={MODEL}"], fake.transport()) == 1
    said = capsys.readouterr().out
    assert "auth.wrong" in said and "identity differs" in said
    assert KEY not in said and KEY not in (tmp_path / "p").read_text()


@pytest.mark.usefixtures("certificate")
def test_the_dialect_is_checked_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TGI_CHECK_KEY", KEY)
    words = [f"https://{NAME}", "--openai-dialect", "--checks", "openai"]
    # Both models are asked at once, and a fast machine would get beyond the limit
    for engine, code in ((TranslatingTgi(), 0), (InMemoryTgi(), 1)):
        assert main.main(words, FakeGateway("no-limit", tgi=engine).transport()) == code
        said = capsys.readouterr().out
        assert "openai.schema" in said and "left out: openai" not in said
    fake = FakeGateway("no-limit", tgi=TranslatingTgi("whole-streams"))
    assert main.main([*words, "--tool-streams", "live"], fake.transport()) == 0
    said = capsys.readouterr().out
    assert "(--tool-streams): openai.streams" in said


@pytest.mark.usefixtures("certificate")
def test_a_refused_key_is_named_as_the_cause(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TGI_CHECK_KEY", KEY)
    fake = Gateway("refuses-all")
    assert main.main([f"https://{NAME}", "-q", "--http-port", "0"], fake.transport()) == 1
    assert "auth.valid: HTTP 401" in capsys.readouterr().out


def test_quiet_is_quiet_however_long_it_takes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "SILENCE", 0.0)
    words = ["http://gpu1:8081", "--checks", "generate"]
    assert main.main(words, InMemoryTgi().transport()) == 0
    assert "checks done, 0 failed" in capsys.readouterr().err
    assert main.main([*words, "-q"], InMemoryTgi().transport()) == 0
    assert capsys.readouterr() == ("", "")


def test_a_terminal_without_the_letters_is_no_traceback(engine: Running) -> None:
    done = command(engine.url, "--checks", "chat.utf8", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert "\\u65e5\\u672c" in done.stdout


def test_an_engine_with_a_key_gets_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Keyed(InMemoryTgi):
        async def handle(self, request: httpx.Request) -> httpx.Response:
            given = request.headers.get("authorization")
            if request.method == "POST" and given != f"Bearer {KEY}":
                return httpx.Response(401)
            return await super().handle(request)

    words = ["http://gpu1:8081", "--checks", "chat", "-q"]
    assert main.main(words, Keyed().transport()) == 1
    monkeypatch.setenv("TGI_CHECK_KEY", KEY)
    assert main.main(words, Keyed().transport()) == 0
    monkeypatch.setenv("TGI_CHECK_KEY", "short")
    assert main.main(words, Keyed().transport()) == 2
    assert "fewer than 8 characters" in capsys.readouterr().err


def test_the_command_names_a_missing_library(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html_page, "JINJA2_ERROR", "No module named 'jinja2'")
    assert main.main(["http://127.0.0.1:1", "--html", "page.html"]) == main.USELESS
    assert "--html needs: pip install jinja2" in capsys.readouterr().err
    monkeypatch.setattr(json_schema, "JSONSCHEMA_ERROR", "No module named 'jsonschema'")
    assert main.main(["http://127.0.0.1:8081"]) == main.USELESS
    assert "python3-jsonschema" in capsys.readouterr().err
