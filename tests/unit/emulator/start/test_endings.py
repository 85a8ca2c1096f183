"""Starts that end: what TGI prints for each, plain and boxed, as text and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tgi_emulator.start.endings import ENDINGS

from tests.support.emulator import launch, own_process
from tests.support.emulator_process import MODEL

TOKEN = "hf_planted0123456789planted0123456789pl"
BOXES = "│╭╰"
SHARD = "Error: ShardCannotStart\n"
DOWNLOAD = "Error: DownloadError\n"
TELLS = {
    "gated-model": "huggingface_hub.errors.GatedRepoError: 401 Client Error.",
    "bad-model-id": "huggingface_hub.errors.RepositoryNotFoundError: 401 Client Error.",
    "bad-revision": "huggingface_hub.errors.RevisionNotFoundError: 404 Client Error.",
    "hub-unreachable": "requests.exceptions.ConnectionError: (MaxRetryError(",
    "bad-path": "huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name'",
    "bad-adapter": "huggingface_hub.errors.HFValidationError: Repo id must be in the form",
    "not-cached": f"EntryNotFoundError: No .bin weights found for model {MODEL} and revision None.",
    "no-weights": "FileNotFoundError: No local weights found in ",
    "pickle-weights": "struct.error: unpack requires a buffer of 4 bytes",
    "library-memory": "ImportError: libcublasLt.so.12: failed to map segment from shared object",
    "disk-full": "OSError: [Errno 28] No space left on device: ",
    "weights-cut": "safetensors_rust.SafetensorError: Error while deserializing header:"
    " MetadataIncompleteBuffer",
    "weights-pointers": "safetensors_rust.SafetensorError: Error while deserializing header:"
    " HeaderTooLarge",
    "tensor-missing": "RuntimeError: weight model.layers.17.mlp.down_proj.weight does not exist",
    "config-missing": f"RuntimeError: Could not determine model type for {MODEL} revision None",
    "config-broken": "OSError: It looks like the config file at '",
    "tokenizer-broken": "json.decoder.JSONDecodeError: Expecting property name enclosed in",
    "tokenizer-missing": f"OSError: Can't load tokenizer for '{MODEL}'.",
    "shapes-differ": "RuntimeError: Error(s) in loading state_dict for LlamaForCausalLM:",
    "unknown-type": "ValueError: Unsupported model type mistral3",
    "sliding-window": "ValueError: The backend cuda does not support sliding window attention",
    "quantize-on-cpu": "ValueError: quantization is not available on CPU",
    "no-flash-attention": "NotImplementedError: Sharded llama requires Flash Attention enabled",
    "heads-odd": "ValueError: `num_heads` must be divisible by `num_shards`",
    "no-socket-folder": "RuntimeError: Failed to bind to address unix:///tmp/text-generation-server",
    "oom-load": "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 224.00 MiB.",
    "too-few-gpus": "AssertionError: Each process is one gpu",
    "signal-9": "Shard process was signaled to shutdown with signal 9",
    "signal-4": "Shard process was signaled to shutdown with signal 4",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from own_process(tmp_path, monkeypatch)


def messages(printed: str) -> list[tuple[str, str]]:
    """(level, message) of each log line of --json-output."""
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [(one["level"], one.get("message") or one["fields"]["message"]) for one in lines]


def tracebacks(printed: str) -> list[str]:
    """The last line of each traceback that Python or loguru printed."""
    return [
        re.split(r"\n(?=[^ >\n])", block, maxsplit=1)[1].split("\n")[0]
        for block in printed.split("Traceback (most recent call last):\n")[1:]
    ]


def test_every_ending_is_here() -> None:
    assert set(TELLS) == set(ENDINGS)


@pytest.mark.parametrize("fault", TELLS)
def test_what_tells_stands_in_one_line(
    fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TGI_EMULATOR_FAULTS", fault)
    monkeypatch.setenv("_TYPER_STANDARD_TRACEBACK", "1")
    assert launch() == 1
    shown = capsys.readouterr()
    assert shown.err == (SHARD if ENDINGS[fault].phase == "load" else DOWNLOAD)
    assert not any(sign in shown.out for sign in BOXES)
    if ENDINGS[fault].signal:
        assert TELLS[fault] in shown.out
    else:
        assert any(TELLS[fault] in last for last in tracebacks(shown.out))


@pytest.mark.parametrize("fault", TELLS)
def test_the_boxes_are_80_columns_wide(
    fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TGI_EMULATOR_FAULTS", f"{fault},no-driver")
    assert launch() == 1
    shown = capsys.readouterr().out
    assert "WARN text_generation_launcher: Cannot determine GPU compute capability: " in shown
    boxes = [line for line in shown.splitlines() if line[:1] in tuple(BOXES)]
    assert {len(line) for line in boxes} <= {80}
    assert bool(boxes) == (fault not in ("library-memory", "signal-9", "signal-4"))
    if boxes:
        assert any("locals" in line for line in boxes)
        below = shown[shown.rindex("╯") :].replace(" rank=0", "").replace("\n", "").replace(" ", "")
        tells = re.sub(r"^[\w.]+\.", "", TELLS[fault]).replace(" ", "")
        assert tells in below.replace(str(Path.cwd()), "") or tells[:40] in below


def test_the_order_of_a_failing_shard(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TGI_EMULATOR_FAULTS", "weights-cut,no-driver")
    assert launch("--json-output") == 1
    shown = capsys.readouterr()
    said = messages(shown.out)
    assert said[-4][0] == said[-3][0] == said[-2][0] == "ERROR"
    assert said[-4][1].startswith("Error when initializing model\nTraceback (most recent call")
    assert "\n> File" in said[-4][1]
    assert said[-4][1].endswith(TELLS["weights-cut"])
    assert said[-3][1].startswith("Shard complete standard error output:\n\n")
    assert said[-2:] == [("ERROR", "Shard 0 failed to start"), ("INFO", "Shutting down shards")]
    assert launch() == 1
    assert f"{TELLS['weights-cut'].partition('.')[2]} rank=0\n" in capsys.readouterr().out


def test_a_failed_request_to_the_hub_shows_its_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TGI_EMULATOR_FAULTS", "hub-unreachable")
    assert launch() == 1
    assert "authorization" not in capsys.readouterr().out
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert launch() == 1
    shown = capsys.readouterr().out
    assert 600 < len(shown.splitlines()) < 800
    assert shown.count(TOKEN) == 7
    assert f"Bearer {TOKEN}" not in shown, "rich breaks the line between the two words"
    monkeypatch.setenv("HF_TOKEN", TOKEN * 3)
    assert launch() == 1
    shown = capsys.readouterr().out
    assert TOKEN[:20] in shown
    assert TOKEN * 3 not in shown, "rich cuts what is longer than its column"
    monkeypatch.setenv("_TYPER_STANDARD_TRACEBACK", "1")
    assert launch() == 1
    assert TOKEN[:20] not in capsys.readouterr().out


def test_an_adapter_that_is_no_repository_ends_the_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert launch("--lora-adapters", "acme/tone,/data/adapters/gone") == 1
    shown = capsys.readouterr().out
    assert "Successfully downloaded weights for acme/tone\n" in shown
    assert "'/data/adapters/gone'" in shown
