"""Name what serves and is still not as asked, from the log of a start."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.tgi.common.log_lines import Line
from ansible.module_utils.tgi.engines.tgi.launch_arguments import launch_arguments
from ansible.module_utils.tgi.engines.tgi.log import parse
from ansible.module_utils.tgi.engines.tgi.start_warnings import start_warnings

from tests.support.wait_fakes import TO_SERVE, launcher, raw, router

COMMIT = "12fd25f77366fa6b3b4b768ec3050bf629380bac"
NO_CONFIG = "Could not find tokenizer config locally and no API specified"
OFFLINE = "Offline mode active using cache defaults"


def args(**changes: str) -> str:
    """Return the launcher's arguments as Rust prints them."""
    values = {"model_id": '"acme/m"', "revision": "None", "max_concurrent_requests": "128"}
    values.update(changes)
    body = "\n".join(f"    {name}: {value}," for name, value in values.items())
    return f"Args {{\n{body}\n}}"


def some(text: str) -> str:
    return f'Some(\n        "{text}",\n    )'


def said(*entries: tuple[str, str, str], form: str = "text") -> list[Line]:
    """Return parsed lines of (who, level, message) in one of TGI's two forms of log."""
    if form == "text":
        lines = [
            launcher(text, level) if who == "launcher" else router(text, level)
            for who, level, text in entries
        ]
    else:
        lines = [
            json.dumps(
                {"timestamp": "2026-11-28T10:00:00Z", "level": level, "target": "text_generation_x"}
                | ({"fields": {"message": text}} if who == "launcher" else {"message": text})
            )
            for who, level, text in entries
        ]
    return parse(raw(*((float(index), line) for index, line in enumerate(lines))))


@pytest.fixture(params=["text", "json"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_tokenizer_configuration_that_is_not_there(form: str) -> None:
    (found,) = start_warnings(
        said(
            ("launcher", "INFO", args()),
            ("router", "WARN", 'Tokenizer_config Some("/data/none.json") - Some("/data/m/t.json")'),
            ("router", "WARN", NO_CONFIG),
            form=form,
        )
    )
    assert found.id == "tokenizer_config_path"
    assert "/data/none.json is missing or is not valid, so chats have no template" in found.text
    assert "tokenizer_config_path in tgi_models" in found.remedy
    assert NO_CONFIG in found.line


def test_an_offline_cache_without_the_file_of_its_revision(form: str) -> None:
    (found,) = start_warnings(
        said(
            ("launcher", "INFO", args(revision=some(COMMIT))),
            ("router", "WARN", OFFLINE),
            ("router", "INFO", 'Cache Cache { path: "/data/hub" }'),
            ("router", "WARN", "Tokenizer_config None - None"),
            ("router", "WARN", NO_CONFIG),
            form=form,
        )
    )
    assert found.id == "no_ref"
    folder = "tgi_data_dir/hub/models--acme--m/refs"
    assert f"printf %s {COMMIT} > {folder}/{COMMIT};" in found.remedy
    assert f"mkdir -p {folder} && " in found.remedy
    assert "40 characters" in found.remedy
    assert "without a newline" in found.remedy


def test_an_offline_cache_without_the_file_of_a_branch() -> None:
    (found,) = start_warnings(
        said(
            ("launcher", "INFO", args()),
            ("router", "WARN", OFFLINE),
            ("router", "INFO", 'Cache Cache { path: "/elsewhere" }'),
            ("router", "WARN", "Tokenizer_config None - None"),
            ("router", "WARN", NO_CONFIG),
        )
    )
    assert "printf %s COMMIT > /elsewhere/models--acme--m/refs/main" in found.remedy
    assert "snapshots/" in found.remedy


def test_a_directory_with_a_revision() -> None:
    (found,) = start_warnings(
        said(
            ("launcher", "INFO", args(model_id='"/data/m"', revision=some(COMMIT))),
            ("router", "WARN", OFFLINE),
            ("router", "WARN", "Tokenizer_config None - None"),
            ("router", "WARN", NO_CONFIG),
        )
    )
    assert found.id == "revision_of_directory"


def test_a_directory_without_tokenizer_configuration() -> None:
    (found,) = start_warnings(
        said(
            ("router", "WARN", 'Tokenizer_config None - Some("/data/m/tokenizer_config.json")'),
            ("router", "WARN", NO_CONFIG),
            ("router", "INFO", "Using chat template from chat_template.json"),
        )
    )
    assert found.text == "/data/m/tokenizer_config.json is missing or is not valid"


def test_no_gpu_is_one_warning_with_all_that_follows_from_it(form: str) -> None:
    (found,) = start_warnings(
        said(
            ("launcher", "WARN", "Cannot determine GPU compute capability: RuntimeError: Found no "
             "NVIDIA driver on your system. Please check that you have an NVIDIA GPU"),
            ("launcher", "WARN", "Unkown compute for card tesla-t4"),
            ("launcher", "WARN", "Could not import Flash Attention enabled models: CUDA is not "
             "available"),
            form=form,
        )
    )  # fmt: skip
    assert found.id == "no_gpu"
    assert found.text == "the container sees no GPU: Found no NVIDIA driver on your system"
    assert "nvidia_container_toolkit" in found.remedy


@pytest.mark.parametrize(
    ("who", "level", "message", "id_", "says"),
    [
        ("launcher", "WARN", "Could not import Flash Attention enabled models: GPU with CUDA "
         "capability 7 0 is not supported", "no_flash_attention", "capability 7 0"),
        ("launcher", "ERROR", "Decode cuda graph warmup failed\nTraceback (most recent call last):",
         "graphs_failed", "CUDA graphs"),
        ("router", "WARN", 'Could not parse chat template Error("expected value", line: 1, '
         "column: 1)", "template_broken", "expected value"),
        ("router", "ERROR", "Failed to import python tokenizer OSError: [Errno 30] Read-only file "
         "system: 'out'", "tokenizer_unsaved", "Read-only"),
        ("launcher", "WARN", "acme/a unused adapter weights: {'model.x'}", "adapter_unused",
         "acme/a"),
        ("router", "WARN", "`--max-batch-total-tokens` is deprecated for Flash Attention models.",
         "option_ignored", "max-batch-total-tokens"),
    ],
)  # fmt: skip
def test_other_lines_that_say_it_is_not_as_asked(
    who: str, level: str, message: str, id_: str, says: str
) -> None:
    (found,) = start_warnings(said((who, level, message)))
    assert found.id == id_
    assert says in found.text
    assert found.remedy


def test_a_server_that_refuses_everything() -> None:
    (found,) = start_warnings(said(("launcher", "INFO", args(max_concurrent_requests="0"))))
    assert found.id == "refuses_all"


def test_a_healthy_start_has_no_warnings() -> None:
    assert start_warnings(parse(raw(*TO_SERVE))) == ()


def test_the_launchers_arguments(form: str) -> None:
    lines = said(("launcher", "INFO", args(revision=some("v1"), num_shard="Some(\n        2,\n"
                                           "    )")), form=form)  # fmt: skip
    assert launch_arguments(lines) == {
        "model_id": "acme/m", "revision": "v1", "max_concurrent_requests": "128", "num_shard": "2",
    }  # fmt: skip
