"""Observations of the modules tgi_diagnose_*: one gateway, one GPU host, one model, all ok.

Each helper copies it and adds one fault, as the functions in diagnose/look report it.
"""

from __future__ import annotations

import copy
from typing import Any

from tests.support.in_memory_tgi import SHA

Side = dict[str, Any]
GIB = 1024**3
#: Checks that a model with a chat template is asked
CHECKS = (
    "model.info", "chat.template", "chat.system", "chat.degenerate", "chat.logprobs",
    "chat.canary", "chat.utf8", "completions.basic", "json.const", "generate.reject",
    "json.invalid", "generate.stop", "metrics.delta",
)  # fmt: skip


def answer(status: int = 200, **more: Any) -> Side:
    return {"status": status, "fault": "", "error": "", "code": "", "ms": 40, **more}


def chat(status: int = 200, **more: Any) -> Side:
    problem = "" if status == 200 else f"HTTP {status}"
    return answer(status, **{"problem": problem, "remedy": "", "text": "Paris.", **more})


def stream(ttft: float = 0.2, tpot: float = 0.02, **more: Any) -> Side:
    total = ttft + 19 * tpot
    return answer(ttft=ttft, tpot=tpot, total=total, chunks=20, problem="", merged="", **more)


def disk(path: str, free: int, read_only: bool = False) -> Side:
    """Return the file system of one path, as host/machine.py does."""
    seen = {"mount": path, "kind": "/dev/sda1, ext4", "total": 100 * GIB, "inodes": 10**6}
    return {**seen, "free": free, "read_only": read_only, "paths": [path]}


def asked(problem: str = "", **more: Any) -> Side:
    """Return a check's outcome, as look/asked_checks.py does."""
    seen = {"seen": problem or "as expected", "remedy": "mend it" if problem else "", "ms": 9}
    return {"problem": problem, **seen, "soft": False, "minor": False, **more}


def call(arguments: Any, name: str = "note_city", **more: Any) -> dict[str, Any]:
    """Return a chat answer that calls a function."""
    function = {"name": name, "arguments": arguments}
    message = {"role": "assistant", "tool_calls": [{"id": "0", "function": function}]}
    choice = {"index": 0, "message": message, "finish_reason": "stop", **more}
    return {"choices": [choice], "usage": {"completion_tokens": 12}}


INFO = {"model_id": "acme/small", "revision": SHA, "label": "sha-1", "places": 128}
TOOLS = {"kind": "ok", "detail": "the forced call came", "status": 200, "ms": 300}
CLIENT: Side = {
    "host": "gw1",
    "server": "llm.example.org",
    "port": 443,
    "pinned": False,
    "name": {"addresses": ["192.0.2.10"], "problem": ""},
    "connect": {"state": "open", "address": "192.0.2.10", "detail": "", "ms": 1},
    "tls": {
        "problem": "",
        "remedy": "",
        "protocol": "TLSv1.3",
        "left": "60 days left",
        "ending": False,
    },
    "answer": answer(),
    "models": [
        {
            "name": "small",
            "declared": "acme/small",
            "info": INFO,
            "chat": chat(),
            "stream": {**stream(0.25), "bursts": ""},
            "tools": TOOLS,
        }
    ],
}
MACHINE: Side = {
    "disks": [disk("/var/lib/tgi", 80 * GIB)],
    "memory": {"total": 64 * GIB, "available": 40 * GIB},
    "kernel": {"readable": True, "oom": [], "xid": []},
    "clock": [0.0, 1.0],
    "skew": 0.0,
}
REPLICA = {
    "name": "gpu1",
    "address": "10.0.0.5:8081",
    "source": "10.0.0.9",
    "ready": True,
    "listening": True,
    "detail": "",
    "drained": "",
    "take_back": "",
}
GATEWAY: Side = {
    "host": "gw1",
    "service": {"load": "loaded", "active": "active", "sub": "running", "result": "success"},
    "few_files": "",
    "renewal": {},
    "config": {"disk": "0" * 16, "served": "0" * 16, "complaint": "", "edited": False},
    "ports": [80, 443],
    "listening": {"80": "nginx", "443": "nginx"},
    "errors": [],
    "addresses": {},
    "refusals": {},
    "translates": True,
    "models": [{"name": "small", "replicas": [REPLICA]}],
    **MACHINE,
}
STATE = {
    "name": "small",
    "phase": "ready",
    "ready": True,
    "failed": False,
    "elapsed": 600.0,
    "allowed": 0.0,
    "detail": "",
    "container": "tgi-small-tgi-1",
    "restarts": 0,
    "line": "gpu1 small: ready",
    "warnings": [],
}
CARD = {
    "index": "0",
    "uuid": "GPU-1",
    "memory_used": 20000.0,
    "memory_total": 23034.0,
    "busy": 10.0,
    "celsius": 50.0,
    "watts": 60.0,
    "watts_limit": 72.0,
    "mhz": 1500.0,
    "mhz_most": 2040.0,
    "throttled": [],
}
GPU: Side = {
    "host": "gpu1",
    "docker": {
        "problem": "",
        "lets_neighbours_in": False,
        "next_start": "",
        "unconfined": False,
        "load": "loaded",
        "active": "active",
    },
    "bind_address": "10.0.0.5",
    "egress": "no_metadata",
    "firewall": {
        "in_force": True,
        "ports": [8081],
        "sources": ["10.0.0.9/32"],
        "egress": "no_metadata",
    },
    "models": [
        {
            "name": "small",
            "port": 8081,
            "gpus": ["0"],
            "deployed": True,
            "container": {
                "status": "running",
                "name": "tgi-small-tgi-1",
                "exit_code": 0,
                "out_of_memory": False,
                "restarts": 0,
            },
            "state": STATE,
            "listener": "docker-proxy",
            "published": ["127.0.0.1:8081", "10.0.0.5:8081"],
            "visible": {"count": 1, "said": ""},
            "health": answer(),
            "load": {"queue": 0, "batch": 0},
            "declared": {"model_id": "acme/small", "revision": SHA, "image": ""},
            "image": "tgi:3.3.7",
            "collector": None,
            "info": INFO,
            "checks": {name: asked() for name in CHECKS},
            "generate": answer(
                problem="", remedy="", times={"total": 0.3, "queue": 0.001, "inference": 0.3}
            ),
            "chat": chat(),
            "stream": stream(),
            "tools": TOOLS,
        }
    ],
    "gpus": {"wanted": True, "problems": [], "count": 1},
    "cards": [CARD],
    "holders": [{"uuid": "GPU-1", "pid": 7, "name": "python3", "mib": 20000, "ours": True}],
    **MACHINE,
}


class Case:
    """A deployment to break: ``client``, ``gateway``, ``gpu``, and the model as each sees it."""

    def __init__(self) -> None:
        self.client, self.gateway, self.gpu = (
            copy.deepcopy(side) for side in (CLIENT, GATEWAY, GPU)
        )
        self.edge: Side = self.client["models"][0]
        self.model: Side = self.gpu["models"][0]
        self.replica: Side = self.gateway["models"][0]["replicas"][0]

    def results(self) -> dict[str, Any]:
        """Return the results as the playbook passes them to tgi_diagnose_verdict."""
        sides = (("clients", self.client), ("gateways", self.gateway), ("gpus", self.gpu))
        return {name: {side["host"]: {"seen": side}} for name, side in sides}

    def stop_client_at(self, link: str) -> None:
        """Remove the links after a broken one, as they were not tried."""
        order = ["connect", "tls", "answer"]
        for name in order[order.index(link) + 1 :] if link in order else order:
            self.client.pop(name)
        self.edge = {"name": "small", "declared": "acme/small"}
        self.client["models"] = [self.edge]

    def chat_is(self, status: int, error: str = "") -> None:
        """A client's chat fails; its stream and tool call are not tried."""
        for name in ("stream", "tools"):
            self.edge.pop(name, None)
        self.edge["chat"] = chat(status, error=error)

    def engine_away(self, status: int = 502, detail: str = "Connection refused") -> None:
        """As nginx and its client see an engine that does not listen."""
        self.chat_is(status, "The model cannot be reached; it may be loading.")
        self.replica.update(ready=False, listening=False, detail=f"GET /health: {detail}")
        for name in ("info", "load", "generate", "chat", "stream", "tools", "checks"):
            self.model.pop(name, None)
        self.model["health"] = answer(0, fault="connection refused")

    def died(self, cause: str, text: str, remedy: str, code: int = 1, phase: str = "load") -> None:
        """The container has ended, and its log told why."""
        self.engine_away()
        self.model.pop("health")
        self.model["container"].update(status="exited", exit_code=code)
        self.model.update(published=None, visible=None, listener=None)
        self.model["state"] = {
            **STATE,
            "phase": phase,
            "ready": False,
            "failed": True,
            "detail": text,
            "cause": cause,
            "exit_code": code,
            "remedy": remedy,
        }

    def loading(self, phase: str = "load") -> None:
        """The container runs and does not listen yet."""
        self.engine_away()
        self.model["state"] = {
            **STATE,
            "phase": phase,
            "ready": False,
            "elapsed": 24.0,
            "allowed": 1200.0,
            "detail": "Starting shard",
        }
