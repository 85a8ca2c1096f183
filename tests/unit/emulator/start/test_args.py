"""The emulator's command line and environment: clap's words, TGI's table of options."""

from __future__ import annotations

import json
import re

import pytest
from tgi_emulator.start.args import Args, UsageError, parse
from tgi_emulator.start.flags import FLAGS
from tgi_emulator.start.rules import (
    LauncherError,
    LauncherPanic,
    check_extras,
    check_lengths,
    find_num_shards,
)
from tgi_emulator.start.rust_debug import dump_args

from tests.support.emulator import FACTS


def test_the_table_is_tgis_own() -> None:
    flags = json.loads((FACTS / "launcher-flags.json").read_text())
    known = {flag["flag"]: flag for flag in flags}
    assert {f"--{flag.name}" for flag in FLAGS} == set(known)
    for flag in FLAGS:
        wanted = known[f"--{flag.name}"]
        assert wanted["env"] == (flag.env if flag.has_env else None), flag.name
        if flag.kind == "enum":
            assert wanted["values"] == list(flag.choices), flag.name
        if flag.kind == "int" and flag.default is not None:
            assert wanted["default"] == str(flag.default), flag.name


def test_the_command_line_wins_over_the_environment() -> None:
    args = parse(["--port=81", "--cuda-graphs", "0,4", "--json-output"], {"PORT": "80"})
    assert args.count("port") == 81
    assert args.values["cuda_graphs"] == [0, 4]
    assert args.on("json_output")
    assert parse([], {"PORT": "80", "JSON_OUTPUT": "true"}).count("port") == 80
    origins = ["--cors-allow-origin", "http://a", "--cors-allow-origin=http://b"]
    assert parse(origins, {}).values["cors_allow_origin"] == ["http://a", "http://b"]


@pytest.mark.parametrize(
    ("argv", "env", "said"),
    [
        (["--flash-attention"], {}, "error: unexpected argument '--flash-attention' found"),
        (["--max-total-token", "5"], {}, "a similar argument exists: '--max-total-tokens'"),
        (["stray"], {}, "error: unexpected argument 'stray' found"),
        (["--port"], {}, "error: a value is required for '--port <PORT>' but none was supplied"),
        (["--port", "--env"], {}, "error: a value is required for '--port <PORT>'"),
        (["--port", "x"], {}, "error: invalid value 'x' for '--port <PORT>': invalid digit"),
        (["--port", "70000"], {}, "70000 is not in 0..=65535"),
        (["--port", "1", "--port", "2"], {}, "cannot be used multiple times"),
        (["--json-output=true"], {}, "unexpected value 'true' for '--json-output' found"),
        (["--quantize", "int3"], {}, "[possible values: awq, compressed-tensors, eetq"),
        (["--sharded", "yes"], {}, "[possible values: true, false]"),
        ([], {"JSON_OUTPUT": "1"}, "error: invalid value '1' for '--json-output'"),
        ([], {"TRUST_REMOTE_CODE": ""}, "error: invalid value '' for '--trust-remote-code'"),
        ([], {"NUM_SHARD": ""}, "cannot parse integer from empty string"),
        ([], {"QUANTIZE": ""}, "error: a value is required for '--quantize <QUANTIZE>'"),
        ([], {"CUDA_MEMORY_FRACTION": "half"}, "invalid float literal"),
    ],
)
def test_what_clap_refuses(argv: list[str], env: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(argv, env)
    assert said in str(error.value)
    assert "For more information, try '--help'." in str(error.value)


def test_an_empty_environment_value_is_a_value() -> None:
    assert parse([], {"REVISION": ""}).text("revision") == ""
    assert parse([], {}).text("revision") is None


def test_the_dump_is_rusts_and_hides_nothing() -> None:
    dump = dump_args(parse(["--api-key", "sk-1", "--quantize", "bitsandbytes-nf4"], {}))
    assert dump.startswith('Args {\n    model_id: "bigscience/bloom-560m",\n    revision: None,\n')
    assert '    api_key: Some(\n        "sk-1",\n    ),' in dump
    assert "    quantize: Some(\n        BitsandbytesNf4,\n    )," in dump
    assert re.search(r"\n    cuda_memory_fraction: 1\.0,\n", dump)
    assert dump.count("\n    ") >= len(FLAGS)


def _args(*argv: str) -> Args:
    return parse(argv, {})


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--max-input-tokens", "4", "--max-input-length", "4"], "Both `max_input_tokens` (4)"),
        (["--max-input-tokens", "8", "--max-total-tokens", "8"], "`max_input_tokens`(8) must be <"),
        (["--max-input-length", "9", "--max-total-tokens", "8"], "(9) must be < `max_total"),
        (["--validation-workers", "0"], "`validation_workers` must be > 0"),
        (["--max-total-tokens", "9", "--max-batch-total-tokens", "8"], "Given: 9 and 8"),
        (["--num-shard", "0"], "`num_shard` cannot be < 1"),
        (["--sharded", "true", "--num-shard", "1"], "`sharded` is true but `num_shard` <= 1"),
        (["--quantize", "exl2", "--num-shard", "2"], "not supported with `exl2`"),
        (["--ngrok"], "`ngrok-authtoken` must be set"),
        (["--lora-adapters", "a@b@c"], "Invalid LoRA adapter format: a@b@c"),
    ],
)
def test_what_the_launcher_refuses(argv: list[str], said: str) -> None:
    with pytest.raises(LauncherError) as error:
        args = _args(*argv)
        find_num_shards(args, {})
        check_lengths(args)
        check_extras(args)
    assert error.value.shown.startswith('ArgumentValidation("')
    assert said in error.value.shown


def test_shards_follow_the_simulated_gpus() -> None:
    two = {"SIMULATED_GPU_0": "GPU-a", "SIMULATED_GPU_1": "GPU-b"}
    one = {"SIMULATED_GPU_0": "GPU-a"}
    sharded = _args("--sharded", "true")
    assert find_num_shards(_args(), {}) == 1
    assert find_num_shards(_args(), two) == 2
    assert find_num_shards(_args("--sharded", "false"), two) == 1
    assert find_num_shards(sharded, two) == 2
    with pytest.raises(LauncherError, match="only found 1 CUDA devices"):
        find_num_shards(sharded, one)
    with pytest.raises(LauncherPanic, match="are not set"):
        find_num_shards(sharded, {})
