"""Find what ended a run where no traceback tells: signals, panics, last words, orders to end."""

from __future__ import annotations

import pytest
from ansible.module_utils.tgi.engines.tgi.causes import Cause, explain_death
from ansible.module_utils.tgi.engines.tgi.log import parse
from ansible.module_utils.tgi.engines.tgi.phases import read_progress

from tests.support.ending_logs import Raised, entry, failed_download, plain
from tests.support.wait_fakes import raw


@pytest.fixture(params=["text", "json"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _explain(log: str) -> Cause:
    lines = parse(log)
    return explain_death(lines, read_progress(lines, 0.0).phase, 1, False, "")


def _ended(*lines: str) -> Cause:
    return _explain(raw(*((float(at), line) for at, line in enumerate(lines))))


def _serving(form: str) -> tuple[str, ...]:
    shard = entry("INFO", "Starting shard", form, "shard-manager", "0")
    return (shard, *(entry("INFO", said, form) for said in ("Starting Webserver", "Connected")))


def test_how_tgi_tells_python_to_end_is_not_the_ending(form: str) -> None:
    """A failed request ends the shard by SystemExit; what was being handled tells."""
    unheard = plain(Raised("acme.Unheard", "of this"), ())
    handled = Raised("acme.Unheard", "of this")
    end = plain(Raised("SystemExit", "1", (), handled, direct=False), ())
    found = _ended(
        *_serving(form),
        entry("ERROR", f"Method Prefill encountered an error.\n{unheard}", form),
        entry("ERROR", f"Shard complete standard error output:\n\n{end}", form),
        entry("ERROR", "Shard 0 crashed", form),
        "Error: ShardFailed",
    )
    assert found.text.endswith("it ended with acme.Unheard: of this")
    alone = plain(Raised("SystemExit", "1"), ())
    found = _ended(
        *_serving(form),
        entry("ERROR", f"Shard complete standard error output:\n\n{alone}", form),
        entry("ERROR", "Shard 0 crashed", form),
        "Error: ShardFailed",
    )
    assert found.text == "a shard crashed while serving: it ended with SystemExit: 1"


def _aborted(words: str, form: str) -> Cause:
    signal = "Shard process was signaled to shutdown with signal 6"
    return _ended(
        entry("INFO", "Starting shard", form, "shard-manager", "0"),
        entry("ERROR", f"Shard complete standard error output:\n\n{words}", form, "", "0"),
        entry("ERROR", signal, form, "shard-manager", "0"),
        "Error: ShardCannotStart",
    )


@pytest.mark.parametrize(("signal", "cause"), [(9, "host_memory"), (11, "shard_signal")])
@pytest.mark.parametrize("begins", ["check and download process for acme/m", "download process."])
def test_a_download_that_a_signal_ends(signal: int, cause: str, begins: str, form: str) -> None:
    """TGI 2.0 and 3 announce the download in different words."""
    said = f"Download process was signaled to shutdown with signal {signal}: "
    log = raw(
        (0, entry("INFO", f"Starting {begins}", form, "download")),
        (1, entry("ERROR", said, form, "download")),
        (2, "Error: DownloadError"),
    )
    assert read_progress(parse(log), 0.0).phase == "download"
    found = _explain(log)
    assert found.id == cause
    assert "shard" not in found.text


def test_a_warning_of_native_code_is_not_quoted(form: str) -> None:
    warned = "[W1128 socket.cpp:601] [c10d] The client socket has failed to connect to [localhost]"
    last = "numactl: this was heard of never before"
    found = _ended(
        entry("ERROR", f"Shard complete standard error output:\n\n{last}\n{warned}", form, "", "0"),
        entry("ERROR", "Shard 0 failed to start", form),
        "Error: ShardCannotStart",
    )
    assert found.text.endswith(f"it ended with {last}")


def test_the_frame_of_a_group_of_exceptions_is_not_quoted(form: str) -> None:
    said = "    | acme.Unheard: of this\n    +------------------------------------"
    found = _ended(
        entry("ERROR", f"Shard complete standard error output:\n\n{said}", form, "", "0"),
        entry("ERROR", "Shard 0 failed to start", form),
        "Error: ShardCannotStart",
    )
    assert found.text.endswith("it ended with | acme.Unheard: of this")


@pytest.mark.parametrize(
    "words", ["free(): invalid pointer", "Memory access fault by GPU node-2 on address 0x7f."]
)
def test_a_process_that_aborts_has_its_last_words_quoted(words: str, form: str) -> None:
    found = _aborted(words, form)
    assert found.id == "shard_signal"
    assert found.text == f"signal 6 ended a process of TGI, its last words: {words}"
    assert found.line.startswith(words)
    assert _aborted("", form).text == "signal 6 ended a process of TGI"


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("Watchdog caught collective operation timeout: WorkNCCL(SeqNum=1)", "nccl"),
        ("CUDA error: an illegal memory access was encountered", "cuda"),
    ],
)
def test_native_frames_are_not_what_tells(words: str, cause: str, form: str) -> None:
    found = _aborted(
        "terminate called after throwing an instance of 'c10::DistBackendError'\n"
        f"  what():  [Rank 0] {words}\n"
        "Exception raised from checkTimeout at ProcessGroupNCCL.cpp:635 (most recent call first):\n"
        "frame #0: c10::Error::Error() + 0x96 (0x7f in libc10.so)\n"
        "frame #1: c10d::ProcessGroupNCCL::run() + 0x1 (0x7f in libtorch_cuda.so)\n",
        form,
    )
    assert found.id == cause
    assert words in found.line


def test_a_silent_shard_is_not_quoted_with_its_rank(form: str) -> None:
    found = _ended(
        entry("ERROR", "Shard complete standard error output:\n\n", form, "", "0"),
        entry("ERROR", "Shard 0 failed to start", form),
        "Error: ShardCannotStart",
    )
    assert found.text == "a shard could not start"


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ('reqwest::Error { kind: Request, source: ConnectError("dns error") }', "hub_unreachable"),
        ('Error("data did not match any variant of untagged enum ModelWrapper", line: 25)',
         "tokenizer_broken"),
    ],
)  # fmt: skip
def test_a_known_reason_for_a_panic(said: str, cause: str, form: str) -> None:
    found = _ended(
        entry("INFO", "Starting Webserver", form),
        "thread 'main' panicked at router/src/server.rs:1550:10:",
        f"called `Result::unwrap()` on an `Err` value: {said}",
        entry("ERROR", "Webserver Crashed", form),
        "Error: WebserverFailed",
    )
    assert found.id == cause


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("RuntimeError: Triton Error [CUDA]: out of memory", "oom_warmup"),
        ("RuntimeError: Failed to allocate memory for batch_prefill_tmp_v", "oom_warmup"),
        ("RuntimeError: Internal Triton PTX codegen error\nptxas fatal   : Value 'sm_120a' is not "
         "defined for option 'gpu-name'", "gpu_architecture"),
        ("ValueError: window_size_left is only available with flash attn v2", "gpu_architecture"),
        ("RuntimeError: `ptxas` failed with error code 127: ", "kernels_unbuilt"),
        ("ImportError: /root/.triton/cache/1f/cuda_utils.so: failed to map segment from shared "
         "object: Operation not permitted", "not_executable"),
    ],
)  # fmt: skip
def test_a_warm_up_that_fails(said: str, cause: str, form: str) -> None:
    kind, _, words = said.partition(": ")
    found = _ended(
        entry("INFO", "Starting Webserver", form),
        entry("INFO", "Warming up model", form),
        entry("ERROR", f"Method Warmup encountered an error.\n{plain(Raised(kind, words), ())}",
              form),
        'Error: Backend(Warmup(Generation("it failed")))',
        entry("ERROR", "Webserver Crashed", form),
        "Error: WebserverFailed",
    )  # fmt: skip
    assert found.id == cause


def test_a_log_without_any_ending_is_quoted() -> None:
    assert _ended("exec /tgi-entrypoint.sh: exec format error").id == "image_platform"
    found = _ended("/entrypoint: this was heard of never before")
    assert found.id == "unknown"
    assert found.text.endswith("its log with: /entrypoint: this was heard of never before")
    assert "docker logs" in found.remedy


def test_a_wrapped_message_may_begin_a_line_with_error(form: str) -> None:
    """As xet's "… Reqwest Error: HTTP status …" does; TGI itself says "Error: DownloadError"."""
    says = f"{'word ' * 13}Error: it failed"
    found = _explain(failed_download(Raised("RuntimeError", says), form, True))
    assert found.text.endswith(f"it ended with RuntimeError: {says}")


@pytest.mark.parametrize("before", [True, False])
def test_the_routers_own_error_is_quoted(before: bool, form: str) -> None:
    """It reaches the log before or after the launcher sees the router go."""
    said = 'Error: Backend(Info(Connection("of this")))'
    crashed = entry("ERROR", "Webserver Crashed", form)
    found = _ended(
        entry("INFO", "Starting Webserver", form),
        *((said, crashed) if before else (crashed, said)),
        entry("INFO", "Shutting down shards", form),
        "Error: WebserverFailed",
    )
    assert found.text == f"the web server (router) ended: it ended with {said}"
    assert found.line == said


def test_a_collector_of_traces_that_is_away_ends_nothing(form: str) -> None:
    away = "OpenTelemetry trace error occurred. error trying to connect: Connection refused"
    found = _ended(
        entry("INFO", "Starting check and download process for acme/m", form, "download"),
        away,
        entry("ERROR", "Download encountered an error: \nof this", form, "download"),
        "Error: DownloadError",
    )
    assert found.text == "the download failed: it ended with of this"


@pytest.mark.parametrize("said", ["HTTP status client error (403 Forbidden)", "reqwest::Error {"])
def test_what_a_client_asked_for_is_not_the_hubs_fault(said: str, form: str) -> None:
    """While it serves nothing is fetched from the Hub, but pictures are from anywhere."""
    unheard = plain(Raised("acme.Unheard", "of this"), ())
    found = _ended(
        *_serving(form),
        entry("ERROR", f"Request failed: Could not fetch image: {said}", form),
        entry("ERROR", f"Shard complete standard error output:\n\n{unheard}", form),
        entry("ERROR", "Shard 0 crashed", form),
        "Error: ShardFailed",
    )
    assert found.text.endswith("it ended with acme.Unheard: of this")
