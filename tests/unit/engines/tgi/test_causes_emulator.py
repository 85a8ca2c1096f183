"""Name what ended the emulator, whose logs of failed starts are TGI's: each fault, in each form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.module_utils.tgi.engines.tgi.causes import explain_death
from ansible.module_utils.tgi.engines.tgi.log import parse
from ansible.module_utils.tgi.engines.tgi.phases import read_progress
from ansible.module_utils.tgi.engines.tgi.quote import quote
from ansible.module_utils.tgi.engines.tgi.start_warnings import start_warnings
from tgi_emulator.faults.faults import START_FAULTS, state_file

from tests.support.emulator import launch, own_process
from tests.support.emulator_process import PRINTED, running

TOKEN = "hf_planted0123456789planted0123456789pl"
BESIDE = "; the container also sees no GPU: Found no NVIDIA driver on your system"
#: They end nothing
GO_ON = {"slow-download", "slow-load", "slow-warmup", "no-driver"}
#: The phase and the cause of each fault
CAUSES = {
    "gated-model": ("download", "gated"),
    "bad-model-id": ("download", "repo_missing"),
    "bad-revision": ("download", "revision_missing"),
    "hub-unreachable": ("download", "hub_unreachable"),
    "bad-path": ("download", "bad_model_id"),
    "not-cached": ("download", "not_cached"),
    "no-weights": ("download", "no_local_weights"),
    "pickle-weights": ("download", "pickle_weights"),
    "bad-adapter": ("download", "adapter_missing"),
    "library-memory": ("download", "memory_limit"),
    "disk-full": ("download", "disk_full"),
    "weights-cut": ("load", "weights_incomplete"),
    "weights-pointers": ("load", "weights_are_pointers"),
    "tensor-missing": ("load", "weights_lack_tensor"),
    "config-missing": ("load", "config_missing"),
    "config-broken": ("load", "config_broken"),
    "tokenizer-broken": ("load", "tokenizer_broken"),
    "tokenizer-missing": ("load", "tokenizer_missing"),
    "shapes-differ": ("load", "weights_unfit"),
    "unknown-type": ("load", "unsupported_model"),
    "sliding-window": ("load", "sliding_window"),
    "quantize-on-cpu": ("load", "quantize_without_gpu"),
    "no-flash-attention": ("load", "flash_attention_needed"),
    "heads-odd": ("load", "heads_divisible"),
    "no-socket-folder": ("load", "socket_folder"),
    "oom-load": ("load", "oom_load"),
    "too-few-gpus": ("load", "too_few_gpus"),
    "signal-9": ("load", "host_memory"),
    "signal-4": ("load", "old_cpu"),
    "oom-warmup": ("warmup", "warmup_oom"),
    "kv-too-small": ("warmup", "kv_too_small"),
    "port-taken": ("listen", "port_taken"),
}
#: Standard tracebacks, driver missing, and the launcher's options
FORMS = (("", False, ()), ("", True, ("--json-output",)), ("1", True, ()),
         ("1", False, ("--json-output",)))  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from own_process(tmp_path, monkeypatch)


def test_every_fault_at_start_is_here() -> None:
    assert set(CAUSES) == set(START_FAULTS) - GO_ON


@pytest.mark.parametrize("fault", CAUSES)
def test_a_fault_has_its_cause_in_each_form_of_log(
    fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for standard, blind, options in FORMS:
        monkeypatch.setenv("_TYPER_STANDARD_TRACEBACK", standard)
        monkeypatch.setenv("TGI_EMULATOR_FAULTS", f"{fault},no-driver" if blind else fault)
        state_file().unlink(missing_ok=True)
        code = launch(*options)
        shown = capsys.readouterr()
        lines = parse(shown.out + shown.err)
        phase = read_progress(lines, 0.0).phase
        found = explain_death(lines, phase, code, False, "", offline=fault == "not-cached")
        assert (phase, found.id) == CAUSES[fault]
        assert found.text.endswith(BESIDE) == blind
        told = "\n".join((found.text, found.remedy, *quote(lines, found)))
        assert "planted" not in told
        assert not set(told) & set("│╭╰")


def test_a_shard_that_ends_while_it_serves_has_its_cause() -> None:
    with running(env={"TGI_EMULATOR_FAULTS": "die-after=0.5"}) as server:
        code = server.wait()
    lines = parse(server.output[-1])
    found = explain_death(lines, read_progress(lines, 0.0).phase, code, False, "")
    assert (code, found.id) == (1, "cuda_serving"), found


@pytest.mark.parametrize(
    ("fault", "options", "warnings"),
    [
        ("", (), []),
        ("no-driver", (), ["no_gpu"]),
        ("", ("--tokenizer-config-path", "/nowhere.json"), ["tokenizer_config_path"]),
        ("", ("--max-concurrent-requests", "0"), ["refuses_all"]),
        ("no-driver", ("--tokenizer-config-path", "/nowhere.json", "--json-output"),
         ["tokenizer_config_path", "no_gpu"]),
    ],
)  # fmt: skip
def test_what_serves_and_is_not_as_asked(
    fault: str, options: tuple[str, ...], warnings: list[str]
) -> None:
    with running(*options, env={"TGI_EMULATOR_FAULTS": fault}) as server:
        lines = parse((server.folder / PRINTED).read_text())
    assert [one.id for one in start_warnings(lines)] == warnings
