"""Logs of starts that fail, as the real TGI wrote them: two tracebacks, boxed or plain."""

from __future__ import annotations

import io
import json
import linecache
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml
from rich.console import Console
from rich.traceback import Frame, Stack, Trace, Traceback

from tests.support.wait_fakes import launcher, raw

SERVER = "/usr/src/server/text_generation_server"
SITE = "/usr/src/.venv/lib/python3.11/site-packages"
TOKEN = "hf_SESAMEopenSesame0123456789abcdefgh"
MODEL = "/data/hub/models--acme--m/snapshots/12fd25f77366fa6b3b4b768ec3050bf629380bac"
NO_DRIVER = (
    "Cannot determine GPU compute capability: RuntimeError: Found no NVIDIA driver on your "
    "system. Please check that you have an NVIDIA GPU and installed a driver from "
    "http://www.nvidia.com/Download/index.aspx"
)
ARGS = (
    'Args {\n    model_id: "acme/m",\n    revision: Some(\n        "12fd25f7",\n    ),\n'
    "    max_concurrent_requests: 128,\n}"
)
_BEGIN = ((f"{SERVER}/cli.py", 117, "serve"), (f"{SERVER}/server.py", 315, "serve"))
_DOWNLOAD = ((f"{SERVER}/cli.py", 335, "download_weights"),)
Place = tuple[str, int, str]
_PARTS: dict[str, tuple[Place, ...]] = {
    "": (),
    "rope": ((f"{SERVER}/layers/rotary.py", 79, "static"),),
    "gptq": ((f"{SERVER}/layers/gptq/__init__.py", 135, "get_weights"),),
    "lora": ((f"{SERVER}/models/flash_causal_lm.py", 77, "adapter_target_to_layer"),),
    "configuration": (
        (f"{SITE}/transformers/models/llama/configuration_llama.py", 182, "_validate"),
    ),
    "auto": (
        (f"{SITE}/transformers/models/auto/tokenization_auto.py", 1020, "from_pretrained"),
        (f"{SITE}/transformers/utils/import_utils.py", 1893, "requires_backends"),
    ),
    "images": (
        (f"{SITE}/transformers/models/auto/image_processing_auto.py", 560, "from_pretrained"),
    ),
    "weights": ((f"{SERVER}/utils/weights.py", 185, "_get_handle"),),
    "layer": ((f"{SERVER}/models/custom_modeling/flash_llama_modeling.py", 130, "_load_gqa"),),
    "globals": ((f"{SERVER}/models/globals.py", 34, "<module>"),),
    "adapter": ((f"{SERVER}/utils/adapter.py", 196, "load_module_map"),),
    "index": ((f"{SITE}/transformers/utils/hub.py", 1048, "get_checkpoint_shard_files"),),
    "tokenizer": ((f"{SITE}/transformers/tokenization_utils_base.py", 2052, "from_pretrained"),),
    "convert": (
        (f"{SERVER}/utils/convert.py", 66, "convert_file"),
        (f"{SITE}/torch/serialization.py", 1554, "_legacy_load"),
    ),
    "hub": ((f"{SITE}/huggingface_hub/file_download.py", 1484, "_get_metadata_or_catch_error"),),
}


@dataclass(frozen=True)
class Raised:
    """An exception: the type with its module, what it says, and where it was raised."""

    kind: str
    says: str
    places: tuple[Place, ...] = ()
    reason: Raised | None = None
    """The exception from which it was raised, or that was being handled."""
    direct: bool = True
    """Of a reason: raised from it."""


@dataclass(frozen=True)
class Ending:
    """What was raised, and what the operator must read."""

    id: str
    raised: Raised
    cause: str
    says: str
    remedy: str
    download: bool

    def log(self, form: str, box: bool, before: str = "") -> str:
        make = failed_download if self.download else failed_shard
        return make(self.raised, form, box, before)


def read_endings() -> list[Ending]:
    """Return the endings of ending_logs.yml (recorded) and ending_logs_wild.yml (reported)."""

    def fill(text: str) -> str:
        return text.replace("{model}", MODEL).replace("{token}", TOKEN)

    return [
        Ending(
            one["id"],
            Raised(
                one["kind"],
                fill(one["says"]),
                _PARTS[one.get("part", "")],
                Raised(**one["reason"]) if "reason" in one else None,
            ),
            one["cause"],
            fill(one["text"]),
            one["remedy"],
            one.get("download", False),
        )
        for path in sorted(Path(__file__).parent.glob("ending_logs*.yml"))
        for one in yaml.safe_load(path.read_text())
    ]


def plain(one: Raised, begin: tuple[Place, ...], mark: str = "  ") -> str:
    """Return the traceback as Python prints it; loguru marks the frame that caught it."""
    text = ""
    if one.reason:
        link = "The above exception was the direct cause of the following exception:"
        if not one.reason.direct:
            link = "During handling of the above exception, another exception occurred:"
        text = f"{plain(one.reason, begin)}\n\n{link}\n\n"
    text += "Traceback (most recent call last):\n"
    for path, number, name in begin + one.places:
        text += f'{mark}File "{path}", line {number}, in {name}\n    {name}(headers)\n'
        mark = "  "
    return f"{text}{one.kind}: {one.says}" if one.says else f"{text}{one.kind}"


@cache
def boxed(one: Raised, begin: tuple[Place, ...]) -> str:
    """Return the traceback as typer lets rich draw it: 80 columns, with local variables."""
    stacks, direct, link = [], False, one
    while True:
        frames = [
            Frame(path, number, name, locals=_locals())
            for path, number, name in begin + link.places
        ]
        kind = link.kind.rpartition(".")[2]
        stacks.append(Stack(kind, link.says, is_cause=direct, frames=frames))
        reason = link.reason
        if reason is None:
            break
        link, direct = reason, reason.direct
    out = io.StringIO()
    for stack in stacks:
        for frame in stack.frames:
            # Rich colours all lines of a file and shows seven; empty ones cost nothing
            shown = range(frame.lineno - 9, frame.lineno + 9)
            source = [
                f"    {frame.name}(headers)  # {at}\n" if at in shown else "\n"
                for at in range(frame.lineno + 9)
            ]
            linecache.cache[frame.filename] = (1, None, source, frame.filename)
    with patch("os.path.exists", return_value=True):
        Console(file=out, width=80).print(Traceback(Trace(stacks), show_locals=True))
    return out.getvalue().rstrip("\n")


def _locals() -> dict[str, Any]:
    from rich.pretty import traverse

    return {
        "headers": traverse({"authorization": f"Bearer {TOKEN}", "user-agent": "tgi" * 30}),
        "token": traverse(TOKEN),
    }


def entry(level: str, message: str, form: str, span: str = "", rank: str = "") -> str:
    """Return a log entry of the launcher in one of its two forms."""
    if form == "text":
        return launcher(message, level, span) + (f" rank={rank}" if rank else "")
    return json.dumps(
        {
            "timestamp": "2026-11-28T10:00:00.000000Z", "level": level,
            "fields": {"message": message}, "target": "text_generation_launcher",
            **({"span": {"name": span, "rank": rank or None}} if span else {}),
        }, ensure_ascii=False,
    )  # fmt: skip


def failed_shard(one: Raised, form: str = "text", box: bool = True, before: str = "") -> str:
    """Return ``docker logs`` of a start whose shard ended with an exception."""
    drawn = boxed(one, _BEGIN) if box else plain(one, _BEGIN)
    noise = "2026-11-28 10:00:05.123 | INFO     | text_generation_server.utils.import_utils:82\n"
    lines = [
        *([entry("WARN", before, form)] if before else []),
        entry("INFO", ARGS, form),
        entry("INFO", "Starting check and download process for acme/m", form, "download"),
        entry("INFO", "Successfully downloaded weights for acme/m", form, "download"),
        entry("INFO", "Starting shard", form, "shard-manager", "0"),
        entry("ERROR", f"Error when initializing model\n{plain(one, _BEGIN, '> ')}", form),
        entry("ERROR", f"Shard complete standard error output:\n\n{noise}{drawn}", form,
              "shard-manager", "0"),
        entry("ERROR", "Shard 0 failed to start", form),
        entry("INFO", "Shutting down shards", form),
        "Error: ShardCannotStart",
    ]  # fmt: skip
    return raw(*((float(at), line) for at, line in enumerate(lines)))


def failed_download(
    one: Raised, form: str = "text", box: bool = True, before: str = "", of: str = ""
) -> str:
    """Return ``docker logs`` of a start whose download ended with an exception."""
    drawn = boxed(one, _DOWNLOAD) if box else plain(one, _DOWNLOAD)
    adapter = [
        entry("INFO", "Successfully downloaded weights for acme/m", form, "download"),
        entry("INFO", f"Starting check and download process for {of}", form, "download"),
    ]
    lines = [
        entry("INFO", ARGS, form),
        *([entry("WARN", before, form)] if before else []),
        entry("INFO", "Starting check and download process for acme/m", form, "download"),
        *(adapter if of else []),
        entry("ERROR", f"Download encountered an error: \n{drawn}", form, "download"),
        "Error: DownloadError",
    ]
    return raw(*((float(at), line) for at, line in enumerate(lines)))
