"""Check the launcher's exit code and last words for bad settings."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tgi_emulator import launcher

from tests.support.emulator import launch, own_process
from tests.support.emulator_process import MODEL


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from own_process(tmp_path, monkeypatch)


def test_more_shards_than_gpus(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIMULATED_GPU_0", "GPU-a")
    assert launch("--num-shard", "2") == 1
    shown = capsys.readouterr()
    assert "Sharding model on 2 processes" in shown.out
    assert "Each process is one gpu" in shown.out
    assert shown.err == "Error: ShardCannotStart\n"


@pytest.mark.parametrize(
    ("name", "value", "code", "said"),
    [
        ("JSON_OUTPUT", "1", 2, "error: invalid value '1' for '--json-output'"),
        ("TGI_EMULATOR_FAULTS", "explode", 2, "unknown fault 'explode'; known: "),
        ("TGI_EMULATOR_FAULTS", "stream-cut=x", 2, "takes a number, for example stream-cut=3"),
        ("TGI_EMULATOR_TEXT", "gpt", 2, "known: llama, scripted"),
        ("TGI_EMULATOR_PHASE_SECONDS", "lunch=1", 2, "unknown phase 'lunch'"),
        ("SHARDED", "true", 101, "ZE_AFFINITY_MASK are not set"),
        ("NUM_SHARD", "0", 1, 'Error: ArgumentValidation("`num_shard` cannot be < 1")'),
        ("HF_HUB_OFFLINE", "1", 1, "Error: DownloadError"),
        ("MODEL_ID", "", 1, "Error: DownloadError"),
    ],
)
def test_exit_codes(
    name: str,
    value: str,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)
    model = "/data/missing" if name == "MODEL_ID" else MODEL
    assert launcher.main(["--model-id", model]) == code
    assert said in capsys.readouterr().err


def test_an_unwritable_cache_fails_the_download(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "data").write_text("a file where the cache should be")
    assert launch() == 1
    shown = capsys.readouterr()
    assert "Download encountered an error" in shown.out
    assert "NotADirectoryError" in shown.out
    assert shown.err == "Error: DownloadError\n"


def test_a_taken_port_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        assert launch("--hostname", "127.0.0.1", "--port", port) == 1
        shown = capsys.readouterr()
        assert f"Failed to bind to 127.0.0.1:{port}: Address already in use" in shown.out
        prometheus = ["--model-id", MODEL, "--hostname", "127.0.0.1", "--prometheus-port", port]
        assert launcher.main(prometheus) == 1
    assert "failed to build prometheus recorder" in capsys.readouterr().out
