"""Name every recorded ending and its siblings from real logs: text and JSON, boxed and plain."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from ansible.module_utils.tgi.common.log_lines import Line
from ansible.module_utils.tgi.engines.tgi.causes import Cause, explain_death
from ansible.module_utils.tgi.engines.tgi.log import parse
from ansible.module_utils.tgi.engines.tgi.phases import read_progress
from ansible.module_utils.tgi.engines.tgi.quote import quote

from tests.support.ending_logs import (
    NO_DRIVER,
    Ending,
    Raised,
    entry,
    failed_download,
    failed_shard,
    plain,
    read_endings,
)
from tests.support.wait_fakes import raw

FORMS = tuple(product(("text", "json"), (True, False)))
BESIDE = "; the container also sees no GPU: Found no NVIDIA driver on your system"


def explain(lines: list[Line], offline: bool | None = None) -> Cause:
    return explain_death(lines, read_progress(lines, 0.0).phase, 1, False, "", offline)


@pytest.fixture(params=["text", "json"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[True, False], ids=["boxed", "plain"])
def box(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("one", read_endings(), ids=lambda one: one.id)
def test_an_ending_has_its_cause_and_remedy(one: Ending) -> None:
    for form, box in FORMS:
        lines = parse(one.log(form, box))
        assert read_progress(lines, 0.0).phase == ("download" if one.download else "load")
        found = explain(lines)
        assert (found.id, form, box) == (one.cause, form, box)
        assert one.says in found.text
        assert one.remedy in found.remedy
        _is_readable(one, quote(lines, found))


@pytest.mark.parametrize("one", read_endings(), ids=lambda one: one.id)
def test_a_missing_driver_stands_beside_the_ending(one: Ending) -> None:
    for form, box in FORMS:
        found = explain(parse(one.log(form, box, NO_DRIVER)))
        assert found.id == one.cause
        assert one.says in found.text
        if found.id != "no_gpu":
            assert found.text.endswith(BESIDE)
            assert found.remedy.count("nvidia_container_toolkit") == 1


def _is_readable(one: Ending, told: tuple[str, ...]) -> None:
    """Check that the quote is the line that tells and what leads to it, and not more."""
    # Python's own traceback names the exception's module, the box does not
    assert told[-1].split(": ")[0].rpartition(".")[2] == one.raised.kind.rpartition(".")[2]
    assert any("text_generation_server/" in text for text in told)
    text = "\n".join(told)
    assert not set(text) & set("│╭╰❱")
    assert "sesame" not in text.lower()
    assert "headers" not in text
    assert len(told) <= 9


def test_what_no_rule_knows_is_quoted(form: str, box: bool) -> None:
    unheard = Raised("acme.Unheard", "of this kind, in many words that the box at eighty columns "
                     "must wrap before it comes to its end")  # fmt: skip
    kind = "Unheard" if box else "acme.Unheard"
    for make, id_, says, seen in (
        (failed_shard, "shard_failed", "a shard could not start", "acme.Unheard"),
        (failed_download, "download_failed", "the download failed", kind),
    ):
        found = explain(parse(make(unheard, form, box)))
        assert (found.id, found.text) == (
            id_, f"{says}: it ended with {seen}: {unheard.says}",
        )  # fmt: skip
        assert "docker logs" in found.remedy


MISSING = Raised(
    "huggingface_hub.errors.HFValidationError",
    "Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/data/none'. Use "
    "`repo_type` argument if needed.",
)


def test_a_missing_adapter_is_named_and_not_the_model(form: str, box: bool) -> None:
    found = explain(parse(failed_download(MISSING, form, box, of="/data/none")))
    assert found.id == "adapter_missing"
    assert "LoRA adapter /data/none" in found.text
    assert "lora_adapters" in found.remedy
    assert explain(parse(failed_download(MISSING, form, box))).id == "bad_model_id"


NO_WEIGHTS = Raised(
    "huggingface_hub.errors.EntryNotFoundError",
    "No .bin weights found for model acme/m and revision 12fd25f7.",
)


def test_a_revision_that_the_offline_cache_lacks(form: str, box: bool) -> None:
    lines = parse(failed_download(NO_WEIGHTS, form, box))
    found = explain(lines, offline=True)
    assert found.id == "not_cached"
    assert found.text == (
        "this revision (12fd25f7) is not in the cache, and HF_HUB_OFFLINE forbids to fetch it"
    )
    assert "ls tgi_data_dir/hub/models--acme--m/snapshots" in found.remedy
    assert explain(lines, offline=False).id == "no_weights"
    if box:
        assert explain(lines).id == "not_cached", "a box shows all variables, and no answer"


def test_no_revision_is_the_branch_main() -> None:
    none = replace(NO_WEIGHTS, says=NO_WEIGHTS.says.replace("12fd25f7", "None"))
    log = failed_download(none, "text", False)
    assert explain(parse(log), offline=True).text.startswith("this revision (main) is not")


def test_a_revision_without_weights_on_the_hub() -> None:
    log = failed_download(NO_WEIGHTS, "text", True)
    online = log.replace("headers = {", "info = ModelInfo(id='acme/m'", 1)
    assert "ModelInfo" in online
    assert explain(parse(online)).id == "no_weights"
    both = explain(parse(failed_download(NO_WEIGHTS, "text", False)))
    assert both.id == "no_weights"
    assert "if HF_HUB_OFFLINE is set, this revision is not in the cache" in both.text


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_panic_is_quoted_with_its_words(form: str) -> None:
    said = "thread 'main' panicked at router/src/server.rs:1993:52:\nFailed to set global recorder"
    lines = (entry("ERROR", "Webserver Crashed", form), said, "Error: WebserverFailed")
    found = explain(parse(raw(*((float(at), line) for at, line in enumerate(lines)))))
    assert found.id == "panic"
    assert found.text.startswith("TGI panicked at router/src/server.rs:1993")
    assert found.text.endswith("it ended with Failed to set global recorder")


def test_a_process_without_traceback_has_its_last_words_quoted(form: str) -> None:
    text = "Shard complete standard error output:\n\nnumactl: this was heard of never before"
    lines = (entry("ERROR", text, form), entry("ERROR", "Shard 0 failed to start", form),
             entry("INFO", "Shutting down shards", form), "Error: ShardCannotStart")  # fmt: skip
    found = explain(parse(raw(*((float(at), line) for at, line in enumerate(lines)))))
    assert found.id == "shard_failed"
    assert found.text.endswith("it ended with numactl: this was heard of never before")


def test_std_bad_alloc_is_told_before_the_signal_that_follows(form: str) -> None:
    text = (
        "Shard complete standard error output:\n\nterminate called after throwing an instance of "
        "'std::bad_alloc'\n  what():  std::bad_alloc"
    )
    signal = "Shard process was signaled to shutdown with signal 6"
    lines = (entry("ERROR", text, form), entry("ERROR", signal, form, "shard-manager", "0"),
             "Error: ShardCannotStart")  # fmt: skip
    found = explain(parse(raw(*((float(at), line) for at, line in enumerate(lines)))))
    assert found.id == "memory_limit"


def test_a_peer_that_went_away_is_not_the_cause(form: str) -> None:
    """The shard that ended first tells; the others only see it go."""
    gone = Raised("RuntimeError", "Connection closed by peer [127.0.0.1]:4711")
    killed = "Shard process was signaled to shutdown with signal 9"
    log = failed_shard(gone, form) + raw((20, entry("ERROR", killed, form, "shard-manager", "1")))
    assert explain(parse(log)).id == "host_memory"
    assert explain(parse(failed_shard(gone, form))).id == "nccl"


def test_a_warning_alone_names_the_missing_gpu(form: str) -> None:
    lines = parse(raw((0, entry("WARN", NO_DRIVER, form))))
    assert explain(lines).id == "no_gpu"
    stopped = explain_death(lines, "load", 137, False, "")
    assert stopped.id == "killed"
    assert stopped.text.endswith(BESIDE)


def test_while_serving_the_last_failure_counts() -> None:
    old = plain(Raised("torch.OutOfMemoryError", "CUDA out of memory."), ())
    new = plain(Raised("RuntimeError", "CUDA error: an illegal memory access was encountered"), ())
    lines = parse(
        raw(
            (1, entry("ERROR", f"Method Prefill encountered an error.\n{old}", "text")),
            (900, entry("ERROR", f"Method Decode encountered an error.\n{new}", "text")),
            (901, entry("ERROR", "Shard 0 crashed", "text")),
            (902, "Error: ShardFailed"),
        )
    )
    assert explain_death(lines, "serve", 1, False, "").id == "cuda_serving"


def test_what_a_library_warns_of_ends_nothing(form: str, box: bool) -> None:
    warned = (
        "/site-packages/torch/cuda/__init__.py:129: UserWarning: CUDA initialization: Found no "
    )
    log = failed_shard(Raised("acme.Unheard", "of this"), form, box)
    log = log.replace("standard error output:", f"standard error output: {warned}NVIDIA driver", 1)
    assert "UserWarning" in log
    assert explain(parse(log)).id == "shard_failed"
