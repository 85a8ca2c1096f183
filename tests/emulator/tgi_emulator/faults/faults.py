"""Faults on demand: one registry, one line of documentation each.

At start: env TGI_EMULATOR_FAULTS="name[=value],name2". While it runs: `tgi-emulator fault set`.
Both end in one small JSON file that is read again whenever it changes. The file survives a
`docker restart`, so a start-up fault can be set on a running container and met at its next start.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from contextvars import ContextVar
from pathlib import Path

from ..start.endings import ENDINGS

START_FAULTS = {
    "slow-download": ("5", "the download phase takes SECONDS longer"),
    "slow-load": ("5", "loading the shard takes SECONDS longer"),
    "slow-warmup": ("5", "the warm-up takes SECONDS longer"),
    **{name: ("", f"{one.phase}: {one.about}") for name, one in ENDINGS.items()},
    "no-driver": ("", "start: no NVIDIA driver in the container; combines with any other"),
    "oom-warmup": ("", "warm-up: not enough memory for the prefill, Error: WebserverFailed"),
    "kv-too-small": ("", "warm-up: KV cache below max_total_tokens, Error: WebserverFailed"),
    "port-taken": ("", "serving: the address is in use, Error: WebserverFailed"),
}
SERVE_FAULTS = {
    "no-generate": ("", "/health stays 200, every generation fails (424, or error event)"),
    "wrong-model": ("bigscience/bloom-560m", "/info and /v1/models say VALUE is served"),
    "empty-text": ("", "every generation ends at once with an empty text"),
    "stream-cut": ("3", "streams: connection closes after VALUE tokens, no finish"),
    "error-event": ("3", "streams: error event under HTTP 200 after VALUE tokens"),
    "overload": ("", "every generation answers 429 overloaded"),
    "hang": ("", "generations are accepted and never answered (VALUE all: every route)"),
    "old-health": ("", "/health does a real generation through the queue, as TGI before 1.0"),
    "unhealthy": ("", "/health answers 503"),
    "slow-health": ("12", "/health takes SECONDS, as behind a long prefill"),
    "slow-token": ("0.2", "SECONDS between two tokens"),
    "no-chat-template": ("", "chat: 422 Template error, as a model without chat template"),
    "hang-after": ("30", "hang, from SECONDS after it began to serve"),
    "die-after": ("30", "the shard ends SECONDS after it began to serve, as in shard-crash"),
    "slower": ("0.05", "each token takes SECONDS longer than the one before, over all requests"),
    "server-error": ("500", "every POST is answered with VALUE"),
    "via-gateway": ("degenerate", "the serving fault VALUE, for X-Forwarded-For or -Proto only"),
    "shard-crash": ("", "the next generation ends the shard (9: killed): ShardFailed, exit 1"),
    "restart": ("", "after the next generation: gone for a moment, back as a new process; once"),
    "slow-first": ("1.5", "SECONDS before the first token"),
    "no-cancel": ("10", "a client that leaves keeps its place: to the end, at least SECONDS"),
    "frozen-counters": ("", "/metrics does not move any more"),
    "wrong-status": ("500", "bad requests (400, 404, 405, 413, 415, 422) are answered with VALUE"),
    "leak-key": ("", "HF token and API key stand in /info and in validation errors"),
    "open-path": ("/generate", "with --api-key: path VALUE is answered without a key"),
    "no-context-limit": ("", "prompts and totals over the limits are answered with 200"),
    "degenerate": ("", "free text is one token again and again, up to max_tokens"),
    "mojibake": ("", "U+FFFD in place of every character that is not ASCII"),
    "nan-logprobs": ("", "every logprob is null, as Rust writes NaN"),
    "wrong-tokenizer": ("", "ids and offsets of another tokenizer, in /tokenize and tokens"),
    "stop-ignored": ("", "stop sequences are ignored"),
    "merged-events": ("8", "streams: events reach the socket VALUE at a time"),
    "no-finish-reason": ("", "finish_reason is null at the end, too"),
    "no-usage": ("", "OpenAI routes: no usage, whole or streamed"),
    "template-echo": ("", "/v1/completions: the prompt comes before the text"),
    "system-dropped": ("", "chat: the template drops system messages"),
    "tools-dropped": ("", "chat: tools do not reach the prompt; a forced call comes all the same"),
    "tools-ignored": ("", "chat: tools and tool_choice are ignored: one sentence of prose"),
    "tool-args": ("not-json", "arguments of calls: not-json, string (JSON in a string), schema"),
    "schema-ignored": ("", "response_format and grammar are ignored: one sentence of prose"),
    "bad-schema-ok": ("", "an invalid schema is not refused: one sentence of prose"),
    "json-cut": ("", "guided output ends in its middle, finish_reason length"),
    "json-spaces": ("30", "JSON of schemas and calls has VALUE tokens of white space after {[:,"),
    "json-whitespace": ("", "guided output is white space up to max_tokens"),
}
_CHOICES = {"tool-args": ("not-json", "string", "schema"), "hang": ("", "all"),
            "shard-crash": ("", "9")}  # fmt: skip
_IN_A_REQUEST = {*SERVE_FAULTS} - {"die-after", "restart", "via-gateway"}
FAULTS = {**START_FAULTS, **SERVE_FAULTS}
FORWARDED: ContextVar[bool] = ContextVar("FORWARDED", default=False)
"""Whether the request at hand came through a gateway."""


class UnknownFault(ValueError):
    """The fault does not exist, or not with that value; the text says what does."""


def parse_fault(text: str) -> tuple[str, str]:
    """`name` or `name=value` to (name, value with the fault's default filled in)."""
    name, eq, value = text.strip().partition("=")
    if name not in FAULTS:
        raise UnknownFault(f"unknown fault '{name}'; known: {', '.join(sorted(FAULTS))}")
    default = FAULTS[name][0]
    if eq and default.replace(".", "").isdecimal() and not value.replace(".", "", 1).isdecimal():
        raise UnknownFault(f"fault '{name}' takes a number, for example {name}={default}")
    if eq and value not in _CHOICES.get(name, (value,)):
        raise UnknownFault(
            f"fault '{name}' takes one of: {', '.join(filter(None, _CHOICES[name]))}"
        )
    if name == "wrong-status" and eq and not re.fullmatch("[2-5][0-9][0-9]", value):
        raise UnknownFault("fault 'wrong-status' takes an HTTP status from 200 to 599")
    if name == "server-error" and eq and not re.fullmatch("5[0-9][0-9]", value):
        raise UnknownFault("fault 'server-error' takes an HTTP status from 500 to 599")
    if name == "via-gateway" and eq and parse_fault(value)[0] not in _IN_A_REQUEST:
        raise UnknownFault("fault 'via-gateway' takes a fault that a request meets while it serves")
    if name == "merged-events" and eq and not re.fullmatch("[1-9][0-9]*", value):
        raise UnknownFault("fault 'merged-events' takes a whole number of events")
    if name == "open-path" and eq and not value.startswith("/"):
        raise UnknownFault("fault 'open-path' takes a path, for example open-path=/generate")
    return name, value if eq else default


def state_file() -> Path:
    """Inside a container /tmp; TGI_EMULATOR_STATE_DIR moves it for runs beside each other."""
    return Path(os.environ.get("TGI_EMULATOR_STATE_DIR", "/tmp")) / "tgi-emulator-faults.json"


class Faults:
    """The active faults, by name; cheap to ask on every request."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._active: dict[str, str] = {}

    def seed(self, initial: str) -> None:
        """Take the faults of the environment, unless a run before this one left its own."""
        if not self._path.exists():
            self.write(dict(parse_fault(part) for part in initial.split(",") if part.strip()))

    def active(self) -> dict[str, str]:
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if stamp != self._seen:
                self._active = dict(json.loads(self._path.read_text()))
                self._seen = stamp
        except FileNotFoundError:
            self._active, self._seen = {}, None
        return self._active

    def get(self, name: str) -> str | None:
        """The fault's value ("" when it has none), or None when it is not active."""
        assert name in FAULTS, name
        active = self.active()
        if FORWARDED.get() and "via-gateway" in active:
            there, value = parse_fault(active["via-gateway"])
            if there == name:
                return value
        return active.get(name)

    def seconds(self, name: str) -> float:
        return float(self.get(name) or 0)

    def take(self, name: str) -> bool:
        """Tell whether the fault is active, and clear it."""
        active = dict(self.active())
        if active.pop(name, None) is None:
            return False
        self.write(active)
        return True

    def write(self, faults: dict[str, str]) -> None:
        """Replace all faults; a reader never sees half a file."""
        with tempfile.NamedTemporaryFile("w", dir=self._path.parent, delete=False) as out:
            json.dump(faults, out)
        Path(out.name).replace(self._path)
