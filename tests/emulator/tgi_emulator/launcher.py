"""`text-generation-launcher` as the container runs it: arguments, phases, then the server."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType

from . import DOCKER_LABEL, VERSION
from .faults.faults import Faults, UnknownFault, state_file
from .source.text import TextSource
from .start import phases
from .start.args import Args, UsageError, parse
from .start.flags import FLAGS
from .start.logs import LEVELS, Log
from .start.rules import LauncherError, LauncherPanic, check_extras, check_lengths, find_num_shards
from .start.rust_debug import dump_args
from .start.tokenizer import prepare_router


class _Stopped(Exception):
    """SIGTERM before the server listens: a clean stop."""


def make_source(name: str) -> TextSource:
    """The text source by its name; ValueError names the ones there are."""
    if name == "scripted":
        from .source.text_scripted import ScriptedText

        return ScriptedText()
    if name == "llama":
        from .source.text_llama import LlamaText

        return LlamaText()
    raise ValueError(f"TGI_EMULATOR_TEXT={name} is unknown; known: llama, scripted")


def main(argv: Sequence[str] | None = None) -> int:
    """Exit codes: 0 clean stop, 1 launcher error, 2 bad option, 101 panic."""
    words = list(sys.argv[1:] if argv is None else argv)
    if "--version" in words or "-V" in words:
        sys.stdout.write(f"text-generation-launcher {VERSION}\n")
        return 0
    if "--help" in words or "-h" in words:
        options = "".join(f"      {flag.shown}\n" for flag in FLAGS)
        sys.stdout.write(f"Usage: text-generation-launcher [OPTIONS]\n\nOptions:\n{options}")
        return 0
    try:
        args = parse(words, os.environ)
        seconds = phases.phase_seconds(os.environ.get("TGI_EMULATOR_PHASE_SECONDS", ""))
        pace = float(os.environ.get("TGI_EMULATOR_TOKEN_SECONDS", "0"))
        faults = Faults(state_file())
        faults.seed(os.environ.get("TGI_EMULATOR_FAULTS", ""))
        source = make_source(os.environ.get("TGI_EMULATOR_TEXT", "llama"))
    except UsageError as error:
        sys.stderr.write(str(error))
        return 2
    except (UnknownFault, ValueError) as error:
        sys.stderr.write(f"error: tgi-emulator: {error}\n")
        return 2
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    start = phases.Start(args, _log(args), faults, seconds, pace)
    try:
        return _run(start, source)
    except _Stopped:
        phases.stopped(start)
        return 0
    except LauncherPanic as panic:
        sys.stderr.write(f"thread 'main' panicked at launcher/src/main.rs:1384:18:\n{panic}\n")
        return 101
    except LauncherError as error:
        sys.stderr.write(f"Error: {error.shown}\n")
        return 1
    finally:
        source.close()


def _run(start: phases.Start, source: TextSource) -> int:
    # The HTTP stack is not needed to refuse bad options
    from .start.serve import serve
    from .start.stopping import RestartError

    args, log = start.args, start.log
    log.plain(
        "SIMULATED: tgi-emulator, not TGI; GPU and server are simulated, "
        f"text by {source.described}"
    )
    if args.on("env"):
        log.launcher(
            "INFO", f"Runtime environment:\nDocker label: {DOCKER_LABEL}\nnvidia-smi:\nN/A"
        )
    log.launcher("INFO", dump_args(args))
    phases.begin(start)
    num_shard = find_num_shards(args, os.environ)
    if num_shard > 1:
        log.launcher("INFO", f"Sharding model on {num_shard} processes")
    check_lengths(args)
    if args.number("max_batch_prefill_tokens") is None:
        log.launcher("INFO", "Default `max_batch_prefill_tokens` to 4096")
    if args.values["cuda_graphs"] is None:
        log.launcher("INFO", "Using default cuda graphs [1, 2, 4, 8, 16, 32]")
    check_extras(args)
    phases.download(start)
    phases.load(start, num_shard, lambda: source.load(args.number("max_total_tokens")))
    limits = phases.warm_up(start, source)
    time.sleep(start.seconds["listen"])
    template = prepare_router(start)
    try:
        return serve(start, source, limits, template)
    except RestartError:
        source.close()
        # the same process id, so that a container does not count it as a restart of its own
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _log(args: Args) -> Log:
    level = os.environ.get("LOG_LEVEL", "info").lower()
    return Log(
        json_output=args.on("json_output"),
        level=level if level in LEVELS else "info",
        ansi=not os.environ.get("NO_COLOR"),
        # TGI's router takes LOG_COLORIZE the wrong way round
        router_ansi=os.environ.get("LOG_COLORIZE") != "1",
    )


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stopped


if __name__ == "__main__":
    raise SystemExit(main())
