"""Starts without chat template: a file that is not there, a cache without refs; and settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import httpx
import pytest
from tgi_emulator.faults.faults import Faults
from tgi_emulator.start import hub_cache
from tgi_emulator.start.args import parse
from tgi_emulator.start.logs import Log
from tgi_emulator.start.phases import Start, download, phase_seconds
from tgi_emulator.start.rules import LauncherError
from tgi_emulator.start.tokenizer import prepare_router

from tests.support.emulator import App, own_process
from tests.support.emulator_process import MODEL, running

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CHAT = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
NOT_FOUND = "Could not find tokenizer config locally and no API specified"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from own_process(tmp_path, monkeypatch)


def start(folder: Path, *argv: str, model: str = MODEL) -> Start:
    args = parse(["--model-id", model, *argv], {})
    log = Log(ansi=False, router_ansi=False)
    return Start(args, log, Faults(folder / "faults.json"), phase_seconds("load=0"))


def filled(folder: Path, monkeypatch: pytest.MonkeyPatch, *argv: str) -> Path:
    """A cache that was filled online, used offline from now on; return the model's folder."""
    download(start(folder, *argv))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return folder / "data/hub/models--acme--house-7b"


def test_pickles_are_converted_beside_them_or_not_at_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = folder / "data/hub/models--acme--house-7b/snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    pickles = [f"pytorch_model-0000{one}-of-00002.bin" for one in (1, 2)]
    for name in pickles:
        (snapshot / name).write_bytes(b"")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with monkeypatch.context() as patch, pytest.raises(LauncherError):
        patch.setattr(hub_cache, "convert", Mock(side_effect=OSError(30, "Read-only file system")))
        download(start(folder, "--revision", COMMIT))
    assert "OSError: [Errno 30] Read-only file system" in capsys.readouterr().out
    download(start(folder, "--revision", COMMIT))
    said = capsys.readouterr().out
    assert "Converting PyTorch weights to safetensors." in said
    assert "Convert: [2/2] -- Took: " in said
    made = sorted(path.name for path in snapshot.glob("*.safetensors"))
    assert made == [f"model-0000{one}-of-00002.safetensors" for one in (1, 2)]
    download(start(folder, "--revision", COMMIT))
    assert "Files are already present on the host" in capsys.readouterr().out


def test_an_adapters_pickles_are_converted_under_its_own_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = folder / "data/hub/models--acme--tone/snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "adapter_model.bin").write_bytes(b"")
    download(start(folder, "--revision", COMMIT, "--lora-adapters", "acme/tone"))
    said = capsys.readouterr().out
    assert f"No safetensors weights found for model acme/tone at revision {COMMIT}. Conv" in said


def test_a_tokenizer_configuration_that_is_not_there() -> None:
    with running("--tokenizer-config-path", "/nowhere/tokenizer.json") as server:
        answer = httpx.post(f"{server.url}/v1/chat/completions", json=CHAT)
        assert (answer.status_code, answer.json()["error_type"]) == (422, "template_error")
        assert answer.json()["error"] == "Template error: template not found"
        assert httpx.post(f"{server.url}/generate", json={"inputs": "Hello"}).status_code == 200
        printed = (server.folder / "printed.log").read_text()
    assert "WARN text_generation_router::server: router/src/server.rs:" in printed
    assert 'Tokenizer_config Some("/nowhere/tokenizer.json") - Some("' in printed
    assert NOT_FOUND in printed


@pytest.mark.parametrize(
    ("content", "template"),
    [('{"chat_template": "{{ messages }}"}', True), ("{}", False), ("no JSON", False)],
)
def test_the_option_goes_before_the_models_own_file(
    folder: Path, content: str, template: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "given.json").write_text(content)
    assert prepare_router(start(folder, "--tokenizer-config-path", "given.json")) is template
    assert (NOT_FOUND in capsys.readouterr().out) == (content == "no JSON")


def test_chat_template_json_is_used_in_any_case(folder: Path) -> None:
    model = folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    assert prepare_router(start(folder, model=str(model))) is False
    (model / "chat_template.json").write_text('{"chat_template": "{{ messages }}"}')
    assert prepare_router(start(folder, model=str(model))) is True
    with_revision = start(folder, "--revision", COMMIT, model=str(model))
    assert prepare_router(with_revision) is False


@pytest.mark.parametrize("revision", [(), ("--revision", COMMIT)])
def test_an_offline_cache_needs_the_file_of_its_revision(
    revision: tuple[str, ...],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cache = filled(folder, monkeypatch, *revision)
    (ref,) = (cache / "refs").iterdir()
    assert ref.name == (revision[-1] if revision else "main")
    assert len(ref.read_bytes()) == 40
    download(start(folder, *revision))
    assert prepare_router(start(folder, *revision)) is True
    assert NOT_FOUND not in capsys.readouterr().out
    ref.unlink()
    assert prepare_router(start(folder, *revision)) is False
    shown = capsys.readouterr().out
    hub = cache.parent
    for said in (
        "WARN text_generation_router::server: router/src/server.rs:1569: Offline mode active",
        f'Cache Cache {{ path: "{hub}" }}', "Tokenizer_config None - None", NOT_FOUND,
    ):  # fmt: skip
        assert said in shown


def test_a_newline_in_the_file_makes_it_another_revision(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = filled(folder, monkeypatch, "--revision", COMMIT)
    (cache / "refs" / COMMIT).write_text(f"{COMMIT}\n")
    assert prepare_router(start(folder, "--revision", COMMIT)) is False
    with pytest.raises(LauncherError, match="DownloadError"):
        download(start(folder, "--revision", COMMIT))
    assert f"No .bin weights found for model {MODEL} and revision" in capsys.readouterr().out


def test_a_revision_that_the_cache_lacks(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(folder, monkeypatch)
    with pytest.raises(LauncherError, match="DownloadError"):
        download(start(folder, "--revision", COMMIT))
    assert "EntryNotFoundError: No .bin weights found for model" in capsys.readouterr().out


def test_an_unwritable_out_folder_is_an_error_that_it_survives(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "out").write_text("a file where the folder should be")
    assert prepare_router(start(folder)) is True
    assert "ERROR text_generation_router::server:" in capsys.readouterr().out
    filled(folder, monkeypatch)
    (folder / "data/hub/models--acme--house-7b/refs/main").unlink()
    with pytest.raises(LauncherError, match="WebserverFailed"):
        prepare_router(start(folder))
    assert "Unable to load tokenizer." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "path", "status"),
    [
        (("--max-concurrent-requests", "0"), "/generate", 429),
        (("--payload-limit", "0"), "/generate", 413),
        (("--api-key", ""), "/generate", 401),
        (("--max-input-tokens", "1", "--max-total-tokens", "2"), "/generate", 422),
        (("--max-client-batch-size", "0"), "/v1/completions", 422),
    ],
)
def test_settings_with_which_it_starts_and_refuses(
    folder: Path, argv: tuple[str, ...], path: str, status: int
) -> None:
    app = App(folder, *argv)
    body = {"inputs": "Say hello.", "prompt": "Say hello."}
    headers = {"authorization": "Bearer"}
    assert app.request("GET", "/health").status_code == 200
    assert app.request("POST", path, json=body, headers=headers).status_code == status
