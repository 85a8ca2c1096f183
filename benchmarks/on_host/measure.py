"""Measure for the gateway's benchmark, on the gateway's host beside load.py.

Reads a job from its input: {"name", "key", "ca", "rounds", "requests", "seconds", "connections",
"streams", "events", "pause"}; writes the results of all rounds as one JSON object. Ends with a
message and code 1 at the first answer that is not 200.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.support.live.load import Connection

ADDRESS = "127.0.0.1"
GENERATE, CHAT = "/generate", "/v1/chat/completions"
#: What is compared: port, path and which body
SHORT = {
    "bare": (8443, GENERATE, "small"),
    "gateway": (443, GENERATE, "small"),
    "bare 2 kB": (8443, CHAT, "chat"),
    # The same body; the gateway reads nothing of it
    "gateway 2 kB unrouted": (443, GENERATE, "chat"),
    "gateway 2 kB": (443, CHAT, "chat"),
    "gateway 4 kB": (443, CHAT, "large"),
    # Its stop and its tool are not TGI's: the body is written anew
    "gateway 4 kB rewritten": (443, CHAT, "rewritten"),
}
#: As Pydantic writes an optional choice, which TGI does not understand
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"unit": {"$ref": "#/$defs/Unit"}, "wind": {"type": ["boolean", "null"]}},
            "$defs": {"Unit": {"enum": ["celsius", "fahrenheit"], "type": "string"}},
        },
    },
}
PID_FILES = {443: "/run/nginx.pid", **dict.fromkeys((8443, 8444), "/run/bench-bare.pid")}
#: Port, and what the body has besides; a stop that is no list is rewritten, and cut off the events
STREAM: dict[str, tuple[int, dict[str, Any]]] = {
    "bare": (8444, {}),
    "gateway": (443, {}),
    "gateway rewritten": (443, {"stop": "never said"}),
}
_SLICE = 25
_STAMP = re.compile(rb'"ts": ?([0-9.]+)')


class Failed(Exception):
    """An answer that is not 200, or a missing event."""


def bodies() -> dict[str, bytes]:
    """Return the bodies of requests; a chat's has 2048 bytes, a large one's 4096."""
    small = json.dumps({"inputs": "hello", "parameters": {"max_new_tokens": 8}}).encode()
    needs = {"stop": "never said", "tools": [TOOL]}
    return {
        "small": small,
        "chat": _chat(2048),
        "large": _chat(4096),
        "rewritten": _chat(4096, **needs),
    }


def _chat(size: int, **more: Any) -> bytes:
    chat: dict[str, Any] = {"model": "short", "max_tokens": 8, **more}
    words = "word " * (size // 4)
    chat["messages"] = [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "content": words},
    ]
    surplus = len(json.dumps(chat)) - size
    chat["messages"][1]["content"] = words[:-surplus]
    return json.dumps(chat).encode()


async def latencies(job: dict[str, Any], context: ssl.SSLContext) -> dict[str, list[float]]:
    """Milliseconds of requests of each variant, one at a time, a connection each.

    The variants take turns after a few requests: what else the machine does meets all alike.
    """
    given = bodies()
    open_ones = {
        variant: Connection(ADDRESS, job["name"], context, port)
        for variant, (port, _, _) in SHORT.items()
    }
    found: dict[str, list[float]] = {variant: [] for variant in SHORT}
    for turn in range(1 + job["requests"] // _SLICE):
        for variant in in_turn(SHORT, turn):
            _, path, kind = SHORT[variant]
            for _ in range(_SLICE):
                began = time.perf_counter()
                answer = await open_ones[variant].ask(path, given[kind], job["key"])
                took = time.perf_counter() - began
                if answer.status != 200:
                    raise Failed(f"{variant}: status {answer.status}: {answer.body[:200]!r}")
                # The first turn opens connections
                if turn:
                    found[variant].append(round(took * 1000, 4))
    for connection in open_ones.values():
        connection.close()
    return found


async def delays(job: dict[str, Any], context: ssl.SSLContext, variant: str) -> list[float]:
    """Milliseconds from an event's stamp to its arrival, of streams side by side."""
    body = {
        "model": "words",
        "stream": True,
        "x_events": job["events"],
        "x_pause": job["pause"],
        "x_usage": False,
        "messages": [{"role": "user", "content": "hello"}],
        **STREAM[variant][1],
    }

    async def one() -> list[float]:
        connection = Connection(ADDRESS, job["name"], context, STREAM[variant][0])
        answer = await connection.ask(CHAT, body, job["key"])
        connection.close()
        found = [
            round((when - float(stamp)) * 1000, 4)
            for when, data in answer.reads
            for stamp in _STAMP.findall(data)
        ]
        if answer.status != 200 or len(found) != job["events"]:
            raise Failed(f"{variant}: status {answer.status}, {len(found)} events")
        return found

    both = await asyncio.gather(*(one() for _ in range(job["streams"])))
    return [delay for stream in both for delay in stream]


def streams(
    job: dict[str, Any], context: ssl.SSLContext, variant: str
) -> tuple[list[float], float]:
    """The delays of events, and microseconds of nginx's workers for one of them."""
    pid_file = PID_FILES[STREAM[variant][0]]
    before = worker_seconds(pid_file)
    found = asyncio.run(delays(job, context, variant))
    return found, round((worker_seconds(pid_file) - before) / len(found) * 1e6, 2)


def throughput(job: dict[str, Any], variant: str) -> tuple[float, float]:
    """Requests per second, and microseconds of nginx's workers for one of them."""
    port, path, kind = SHORT[variant]
    command = ["wrk", "-t1", f"-c{job['connections']}", f"-d{job['seconds']}s", "--timeout", "10s"]
    command += ["-s", "/opt/bench/post.lua", f"https://{job['name']}:{port}{path}"]
    environment = {**os.environ, "BENCH_KEY": job["key"], "BENCH_BODY": bodies()[kind].decode()}
    pid_file = PID_FILES[port]
    before = worker_seconds(pid_file)
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    spent = worker_seconds(pid_file) - before
    told = json.loads(done.stdout.strip().splitlines()[-1])
    if told["failed"] or not told["requests"]:
        raise Failed(f"{variant}: {done.stdout}")
    requests = float(told["requests"])
    return round(requests / float(told["seconds"]), 1), round(spent / requests * 1e6, 2)


def worker_seconds(pid_file: str) -> float:
    """Return the seconds of CPU that a master's workers have used."""
    master = Path(pid_file).read_text(encoding="ascii").strip()
    children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()
    # In nanoseconds; /proc/PID/stat counts in hundredths of a second
    spent = [Path(f"/proc/{child}/schedstat").read_text(encoding="ascii") for child in children]
    return sum(int(text.split()[0]) for text in spent) / 1e9


def in_turn(variants: Any, number: int) -> list[str]:
    """The order of a round: every other one backwards, so that none always comes first."""
    names = list(variants)
    return names if number % 2 == 0 else names[::-1]


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Measure: "short" and "stream" have {variant: [[ms]]}, "throughput" {variant: [1/s]}, "cpu"
    {variant: [microseconds of a request]}, "event cpu" {variant: [microseconds of an event]}."""
    context = ssl.create_default_context(cafile=job["ca"])
    short: dict[str, list[list[float]]] = {name: [] for name in SHORT}
    stream: dict[str, list[list[float]]] = {name: [] for name in STREAM}
    rates: dict[str, list[float]] = {name: [] for name in SHORT}
    costs: dict[str, list[float]] = {name: [] for name in SHORT}
    event_costs: dict[str, list[float]] = {name: [] for name in STREAM}
    for number in range(job["rounds"]):
        for variant, found in asyncio.run(latencies(job, context)).items():
            short[variant].append(found)
        for variant in in_turn(STREAM, number):
            found, spent = streams(job, context, variant)
            stream[variant].append(found)
            event_costs[variant].append(spent)
        for variant in in_turn(SHORT, number):
            rate, spent = throughput(job, variant)
            rates[variant].append(rate)
            costs[variant].append(spent)
    return {
        "short": short,
        "stream": stream,
        "throughput": rates,
        "cpu": costs,
        "event cpu": event_costs,
        "facts": facts(),
    }


def facts() -> dict[str, Any]:
    """Return versions and cores."""
    said = subprocess.run(["nginx", "-V"], capture_output=True, text=True, check=True).stderr
    packages = ["libnginx-mod-http-js", "wrk"]
    shown = ["dpkg-query", "-W", "-f", "${Version}\\n", *packages]
    versions = subprocess.run(shown, capture_output=True, text=True, check=True).stdout.split()
    found = {"cores": len(os.sched_getaffinity(0)), "njs": versions[0], "wrk": versions[1]}
    for name, pattern in {
        "nginx": r"nginx/([\d.]+)",
        "openssl": r"built with OpenSSL ([\d.]+)",
    }.items():
        match = re.search(pattern, said)
        found[name] = match.group(1) if match else "?"
    return found


if __name__ == "__main__":
    try:
        print(json.dumps(measure(json.load(sys.stdin))))
    except Failed as failure:
        sys.exit(str(failure))
