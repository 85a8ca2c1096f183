"""Serve TGI's and OpenAI's routes with scripted words under load, and count all requests.

usage: python3 engine.py PORT      (standard library only, Python 3.11 or newer)

Extra fields of a request's body: ``x_events`` (words to send, 8), ``x_pause`` (seconds between two
events, 0), ``x_wait`` (seconds before the answer, 0), ``x_usage`` (whether to send usage, true),
``x_status`` (refuse with that status), ``x_choice`` (fields of the one choice of a whole
answer), ``x_error`` (words of an error in place of a stream's usage). ``GET /_engine`` returns the
counters, ``GET /_engine/body`` the last body that asked for a generation, ``DELETE /_engine``
resets them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import sys
import time
from collections import Counter
from typing import Any

GENERATING = {"/v1/chat/completions", "/v1/completions", "/generate", "/generate_stream", "/"}
#: As TGI words it
REFUSAL = {"error": "as was asked for", "error_type": "scripted"}
#: TGI tells it with every answer
TO_BROWSERS = b"Access-Control-Allow-Origin: *\r\nVary: origin"
_MOST = 64 * 2**20


class Engine:
    """The counters of one process, and its answers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.body = b""
        self.forget()

    def forget(self) -> None:
        """Reset the counters; requests that are active stay counted as active."""
        self.paths: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.headers: set[str] = set()
        self.aborts: list[float] = []
        self.peak = 0
        self.active = getattr(self, "active", 0)

    def report(self) -> dict[str, Any]:
        """Return requests by path, the active ones, the most at once, when clients left, and the
        names of all headers.

        ``aborts`` are times of this machine's clock, in seconds.
        """
        repeated = {name: count for name, count in self.ids.items() if count > 1}
        return {
            "name": self.name,
            "paths": dict(self.paths),
            "total": sum(self.paths.values()),
            "active": self.active,
            "peak": self.peak,
            "aborted": len(self.aborts),
            "aborts": self.aborts,
            "repeated": repeated,
            "headers": sorted(self.headers),
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests until it ends."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._one(reader, writer):
                pass
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {
            key.lower(): value.strip() for key, _, value in (x.partition(":") for x in lines[1:])
        }
        body = await reader.readexactly(min(int(headers.get("content-length", 0)), _MOST))
        path = target.partition("?")[0]
        if path == "/_engine/body":
            writer.write(_plain(200, self.body))
            await writer.drain()
            return True
        if path == "/_engine":
            report = json.dumps(self.report()).encode()
            if method == "DELETE":
                self.forget()
            writer.write(_plain(200, report))
            await writer.drain()
            return True
        self.paths[f"{method} {target}"] += 1
        self.headers |= headers.keys()
        if "x-request-id" in headers:
            self.ids[headers["x-request-id"]] += 1
        if path not in GENERATING or method != "POST":
            writer.write(_plain(200, json.dumps(self._other(path)).encode()))
            await writer.drain()
            return True
        self.body = body
        self.active += 1
        self.peak = max(self.peak, self.active)
        gone = asyncio.create_task(_closed(reader))
        try:
            await self._generate(path, _options(body), writer, gone)
        except ConnectionError:
            self.aborts.append(time.time())
            return False
        finally:
            self.active -= 1
            gone.cancel()
        return True

    def _other(self, path: str) -> Any:
        if path == "/info":
            return {"model_id": self.name, "max_total_tokens": 2048, "max_input_length": 1024}
        return {"path": path}

    async def _generate(
        self, path: str, options: dict[str, Any], writer: asyncio.StreamWriter, gone: Any
    ) -> None:
        count = int(options.get("x_events", 8))
        await _pause(float(options.get("x_wait", 0)), gone)
        if status := int(options.get("x_status", 0)):
            writer.write(_plain(status, json.dumps(REFUSAL).encode()))
            await writer.drain()
            return
        native = path in ("/generate", "/generate_stream", "/")
        if path != "/generate_stream" and not options.get("stream"):
            await _pause(float(options.get("x_pause", 0)) * count, gone)
            # TGI writes no blanks
            whole = json.dumps(self._whole(native, count, options), separators=(",", ":"))
            writer.write(_plain(200, whole.encode()))
            await writer.drain()
            return
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n" + TO_BROWSERS + b"\r\n\r\n"
        )
        for number in range(1, count + 1):
            if number > 1:
                await _pause(float(options.get("x_pause", 0)), gone)
            await _send(writer, self._event(native, number, number == count))
        if words := options.get("x_error"):
            await _send(writer, {"error": {"message": words, "http_status_code": 422}})
        elif not native:
            await _pause(float(options.get("x_pause", 0)), gone)
            if options.get("x_usage", True):
                usage = {"prompt_tokens": 5, "completion_tokens": count, "total_tokens": count + 5}
                await _send(writer, {"choices": [], "usage": usage, "ts": time.time()})
                await _pause(float(options.get("x_pause", 0)), gone)
        if not native:
            await _send(writer, None)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    def _event(self, native: bool, number: int, last: bool) -> dict[str, Any]:
        word = f"w{number} "
        if native:
            text = "…" if last else None
            details = {"finish_reason": "length", "generated_tokens": number} if last else None
            token = {"id": number, "text": word, "logprob": -0.5, "special": False}
            return {
                "index": number,
                "token": token,
                "generated_text": text,
                "details": details,
                "ts": time.time(),
            }
        choice = {"index": 0, "delta": {"content": word}, "finish_reason": "stop" if last else None}
        return {"id": "", "model": self.name, "choices": [choice], "ts": time.time()}

    def _whole(self, native: bool, count: int, options: dict[str, Any]) -> Any:
        text = " ".join(f"w{number}" for number in range(1, count + 1))
        if native:
            return {"generated_text": text, "details": {"generated_tokens": count}}
        usage = {"prompt_tokens": 5, "completion_tokens": count, "total_tokens": count + 5}
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop",
            **options.get("x_choice", {}),
        }
        return {
            "id": "",
            "object": "chat.completion",
            "created": 1,
            "model": self.name,
            "asked": options.get("model"),
            "choices": [choice],
            "usage": usage,
        }


def _options(body: bytes) -> dict[str, Any]:
    # Or else the collector looks at a million nested lists again and again
    gc.disable()
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    finally:
        gc.enable()
    return found if isinstance(found, dict) else {}


def _plain(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n" + TO_BROWSERS + b"\r\n\r\n" + body


async def _send(writer: asyncio.StreamWriter, event: Any) -> None:
    # Without blanks, as TGI writes
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    data = f"data: {'[DONE]' if event is None else text}\n\n".encode()
    writer.write(b"%x\r\n%b\r\n" % (len(data), data))
    await writer.drain()


async def _closed(reader: asyncio.StreamReader) -> None:
    """Return when the other side has closed; read nothing of the next request."""
    while not reader.at_eof() and reader.exception() is None:
        await asyncio.sleep(0.005)


async def _pause(seconds: float, gone: asyncio.Task[None]) -> None:
    if seconds:
        await asyncio.wait({gone}, timeout=seconds)
    if gone.done():
        raise ConnectionResetError


async def main(port: int) -> None:
    """Serve on all addresses until ended."""
    engine = Engine(f"engine-{port}")
    server = await asyncio.start_server(engine.serve, "0.0.0.0", port, limit=2**20, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
