"""TGI's log lines: launcher (compact) and router (with file and line), text or JSON."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass

LEVELS = {"trace": 0, "debug": 1, "info": 2, "warn": 3, "error": 4}
_COLOURS = {"DEBUG": 34, "INFO": 32, "WARN": 33, "ERROR": 31}
_MODULES = {
    "router/src/server.rs": "text_generation_router::server",
    "router/src/infer/mod.rs": "text_generation_router::infer",
    "backends/v3/src/lib.rs": "text_generation_router_v3",
    "backends/v3/src/main.rs": "text_generation_router_v3",
    "backends/v3/src/backend.rs": "text_generation_router_v3::backend",
}


def _stamp() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}Z"


@dataclass
class Log:
    """Writes to stdout at once, so that `docker logs -f` shows life.

    `level` is LOG_LEVEL's word (info when unset or an EnvFilter that is not understood).
    """

    json_output: bool = False
    level: str = "info"
    ansi: bool = True
    router_ansi: bool = True

    def launcher(self, level: str, message: str, span: str = "", rank: int | None = None) -> None:
        """A line of the launcher, or of a Python process it reads from."""
        if self._silent(level):
            return
        target = "text_generation_launcher"
        if self.json_output:
            entry: dict[str, object] = {
                "timestamp": _stamp(), "level": level, "fields": {"message": message},
                "target": target,
            }  # fmt: skip
            if span:
                named: dict[str, object] = {"name": span}
                if rank is not None:
                    named["rank"] = rank
                entry.update(span=named, spans=[named])
            self._write(json.dumps(entry, ensure_ascii=False))
            return
        where = self._dim(self.ansi, target) + self._dim(self.ansi, ":")
        if span:
            where = f"{self._bold(span)}{self._dim(self.ansi, ':')} {where}"
        tail = f" {self._dim(self.ansi, f'rank={rank}')}" if rank is not None else ""
        self._write(f"{self._head(level, self.ansi)} {where} {message}{tail}")

    def router(self, level: str, message: str, source: str, line: int, span: str = "") -> None:
        """A line of the router; `source` is the Rust file it stands in for."""
        if self._silent(level):
            return
        target = _MODULES[source]
        if self.json_output:
            entry = {
                "timestamp": _stamp(), "level": level, "message": message, "target": target,
                "filename": source, "line_number": line,
            }  # fmt: skip
            self._write(json.dumps(entry, ensure_ascii=False))
            return
        dim, ansi = self._dim, self.router_ansi
        where = f"{dim(ansi, target)}{dim(ansi, ':')} {dim(ansi, source)}{dim(ansi, ':')}"
        where += dim(ansi, f"{line}:")
        if span:
            where = f"{span}: {where}"
        self._write(f"{self._head(level, ansi)} {where} {message}")

    def plain(self, text: str) -> None:
        """Text that no level hides."""
        self._write(text)

    def _silent(self, level: str) -> bool:
        return LEVELS.get(level.lower(), 2) < LEVELS.get(self.level.lower(), 2)

    def _head(self, level: str, ansi: bool) -> str:
        padded = f"{level:>5}"
        colour = f"\x1b[{_COLOURS[level]}m{padded}\x1b[0m" if ansi else padded
        return f"{self._dim(ansi, _stamp())} {colour}"

    @staticmethod
    def _dim(ansi: bool, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if ansi else text

    def _bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.ansi else text

    def _write(self, text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
