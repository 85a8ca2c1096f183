"""Start-up: TGI's log lines in order, and for each fault its chain of lines and exit code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tgi_emulator.faults.faults import Faults
from tgi_emulator.source.text_scripted import ScriptedText
from tgi_emulator.start.args import parse
from tgi_emulator.start.endings import ENDINGS
from tgi_emulator.start.logs import Log
from tgi_emulator.start.phases import Start, phase_seconds, warm_up

from tests.support.emulator import FACTS, launch, own_process
from tests.support.emulator_process import MODEL

CHAINS = {
    "oom-warmup": ["Not enough memory to handle 4096 prefill tokens", "Webserver Crashed",
                   "Error: WebserverFailed"],
    "kv-too-small": ["NotEnoughMemory(8192)", "Webserver Crashed", "Error: WebserverFailed"],
    "port-taken": ["Failed to bind to 0.0.0.0:3000: Address already in use (os error 98)",
                   "Webserver Crashed", "Error: WebserverFailed"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from own_process(tmp_path, monkeypatch)


def in_order(text: str, parts: list[str]) -> bool:
    return re.search(".*".join(map(re.escape, parts)), text, re.S) is not None


@pytest.mark.parametrize("fault", CHAINS)
def test_each_fault_ends_as_tgi_ends(
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TGI_EMULATOR_FAULTS", fault)
    assert launch() == 1
    shown = capsys.readouterr()
    assert in_order(shown.out + shown.err, CHAINS[fault])
    assert shown.err == f"{CHAINS[fault][-1]}\n"
    assert (fault == "port-taken") == ("Connected" in shown.out)


def test_the_first_line_says_what_is_simulated(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "tgi-emulator-faults.json").write_text('{"port-taken": ""}')
    launch()
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("SIMULATED: tgi-emulator, not TGI; GPU and server are simulated")


def test_phases_in_order_then_a_cached_second_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TGI_EMULATOR_FAULTS", "port-taken")
    launch("--revision", "a" * 40)
    wanted = [
        "Args {", "Using attention flashinfer - Prefix caching true",
        "Default `max_batch_prefill_tokens` to", "Using default cuda graphs",
        f"Starting check and download process for {MODEL}", "Download file: ", "Downloaded ",
        f"Successfully downloaded weights for {MODEL}", "Starting shard rank=0",
        "Server started at unix:///tmp/text-generation-server-0", "Shard ready in ",
        "Starting Webserver", "Warming up model", "KV-cache blocks: ",
        "Setting max batch total tokens to ", "Using backend V3",
        "Maximum input tokens defaulted to 8191", "Maximum total tokens defaulted to 8192",
        f"Serving revision {'a' * 40} of model {MODEL}", "Connected",
    ]  # fmt: skip
    assert in_order(capsys.readouterr().out, wanted)
    launch("--revision", "a" * 40)
    assert "Files are already present on the host. Skipping download." in capsys.readouterr().out
    marker = folder / "data/hub/models--acme--house-7b/snapshots" / ("a" * 40)
    assert [entry.name for entry in marker.iterdir()] == ["simulated-by-tgi-emulator"]
    assert (folder / "out").is_dir()


def test_the_lines_match_the_reference_patterns(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = json.loads((FACTS / "log-patterns.json").read_text())
    patterns = {entry["id"]: entry["regex"] for entry in entries}
    seen: set[str] = set()
    for fault in (*CHAINS, *ENDINGS):
        (folder / "tgi-emulator-faults.json").write_text(json.dumps({fault: "", "no-driver": ""}))
        monkeypatch.setenv("HOSTNAME", "849267cbdc4f")
        launch()
        shown = capsys.readouterr()
        text = shown.out + shown.err
        seen |= {name for name, regex in patterns.items() if re.search(regex, text, re.M)}
    wanted = {
        "args", "attention", "prefill_default", "download_start", "download_cached",
        "download_progress", "download_done", "shard_start", "shard_ready", "webserver_start",
        "warmup", "kv_blocks", "mbtt", "max_input_default", "max_total_default",
        "serving_revision", "connected", "hostname", "chunking_ignores", "download_error",
        "gated", "repo_missing", "revision_missing", "no_weights", "disk_full", "each_gpu",
        "heads_divisible", "cuda_oom", "no_capability", "no_flash", "shard_stderr",
        "shard_signal", "shard_failed", "warmup_oom", "kv_too_small", "bind", "webserver_crashed",
        "method_error",
    }  # fmt: skip
    assert wanted <= seen, wanted - seen


def test_json_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TGI_EMULATOR_FAULTS", "port-taken")
    launch("--json-output")
    lines = [json.loads(x) for x in capsys.readouterr().out.splitlines() if x.startswith("{")]
    messages = [
        line["message"] if "message" in line else line["fields"]["message"] for line in lines
    ]
    assert "Connected" in messages
    router = next(line for line in lines if line.get("message") == "Connected")
    assert router["target"] == "text_generation_router::server"
    assert {"timestamp", "level", "filename", "line_number"} <= set(router)


def test_log_level_warn_hides_the_phases(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TGI_EMULATOR_FAULTS", "port-taken")
    monkeypatch.setenv("LOG_LEVEL", "warn")
    launch()
    shown = capsys.readouterr().out
    assert "Connected" not in shown
    assert "Failed to bind" in shown


def test_phases_as_long_as_the_real_ones() -> None:
    real = {"download": 6, "load": 15, "warmup": 8, "listen": 3}
    assert phase_seconds("real").items() > real.items()
    assert phase_seconds("real,load=1")["load"] == 1
    assert all(phase_seconds("")[phase] < 1 for phase in real)


def test_prompts_of_no_tokens_never_fill_the_warm_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 5:
            raise TimeoutError

    args = parse(["--max-input-tokens", "0", "--max-total-tokens", "5"], {})
    seconds = phase_seconds("warmup=0")
    monkeypatch.setattr("time.sleep", nap)
    with pytest.raises(TimeoutError):
        warm_up(Start(args, Log(), Faults(folder / "none.json"), seconds), ScriptedText())
