"""The links between a client and a model, in order, and what a broken one explains.

``breaks`` leads outwards: it maps the links nearer to the client that this one may explain to the
codes that it explains (empty: any). The verdict follows it from the first broken link to the
innermost cause. To add a link, write a judge and a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .finding import Found, Scene
from .judge import asked_links as asked
from .judge import client_links as client
from .judge import gateway_links as gateway
from .judge import gpu_host_links as host
from .judge import machine_links as machine
from .judge import model_links as model
from .judge.slow_answers import judge_pace, judge_throttle

CLIENT, GATEWAY, GPU = "client", "gateway", "gpu"
ANY: tuple[str, ...] = ()
#: Codes that a client sees when nginx or an engine is down
GONE = ("502", "503", "504", "424", "500", "429", "closed", "timeout", "refused", "content")
#: Causes in an engine's log, as tgi_wait names them, that lie outside the engine
_NO_GPU = (
    "no_gpu", "not_enough_gpus", "too_few_gpus", "old_driver", "gpu_fabric", "gpu_architecture",
    "gpu_busy", "vgpu", "cuda", "cuda_serving", "shard_signal", "docker", "nccl",
    "quantize_without_gpu", "flash_attention_needed", "num_shard_unknown",
)  # fmt: skip
_GPU_MEMORY = ("oom_load", "oom_warmup", "oom_serving", "warmup_oom", "kv_too_small")
_FAULTS = ("cuda", "cuda_serving", "shard_signal", "shard_crashed", "nccl", "method_failed",
           "no_gpu", "deadline")  # fmt: skip
_DISK = ("disk_full", "data_not_writable", "no_locks", "docker", "weights_incomplete")
_HOST_MEMORY = ("host_memory", "killed", "shard_failed", "memory_limit")


@dataclass(frozen=True)
class Link:
    """A link: the side that sees it, its judge, and what it explains when it is broken."""

    id: str
    title: str
    side: str
    judge: Callable[[Scene], Found]
    per_model: bool = False
    breaks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_ENGINE: dict[str, tuple[str, ...]] = {
    "upstream": ("gone", "silent", "cut_off"),
    "chat": GONE,
    "stream": ANY,
}

#: What a model cannot do without the right weights and template
_SENSE: dict[str, tuple[str, ...]] = {"text": ANY, "json": ANY, "direct.tools": ANY}
#: What is asked after a good generation only
_AFTER: dict[str, tuple[str, ...]] = {"template": ANY, **_SENSE, "api": ANY, "counters": ANY}
CHAIN = (
    Link("name", "DNS", CLIENT, client.judge_name, breaks={"connect": ANY}),
    Link("connect", "connection", CLIENT, client.judge_connect, breaks={"tls": ANY}),
    Link("tls", "TLS", CLIENT, client.judge_tls, breaks={"answer": ANY}),
    Link(
        "answer", "key", CLIENT, client.judge_answer,
        breaks={"served": ANY, "chat": ("401", "403")},
    ),
    Link("served", "identity", CLIENT, client.judge_served, True),
    Link("chat", "chat", CLIENT, client.judge_chat, True, {"stream": ANY, "tools": ANY}),
    Link("stream", "stream", CLIENT, client.judge_stream, True, {"speed": ANY, "tools": ANY}),
    Link("speed", "speed", CLIENT, client.judge_speed, True),
    Link("tools", "function calling", CLIENT, client.judge_tools, True),
    Link(
        "gateway.way_in", "way in", GATEWAY, machine.judge_way_in,
        breaks={"connect": ANY, "tls": ("handshake",)},
    ),
    Link(
        "service", "nginx", GATEWAY, gateway.judge_service,
        breaks={"connect": ANY, "tls": ANY, "answer": GONE, "chat": GONE},
    ),
    Link(
        "config", "configuration", GATEWAY, gateway.judge_config,
        breaks={"service": ANY, "connect": ANY, "tls": ANY, "answer": ANY, "listen": ANY,
                "chat": (*GONE, "401", "403", "404")},
    ),
    Link(
        "listen", "listening ports", GATEWAY, gateway.judge_listen,
        breaks={"connect": ANY, "tls": ANY, "answer": ANY, "service": ANY},
    ),
    Link(
        "errors", "error log", GATEWAY, gateway.judge_errors,
        breaks={"answer": GONE, "chat": GONE, "stream": ANY, "service": ANY, "config": ("stale",)},
    ),
    Link(
        "upstream", "way to the engine", GATEWAY, gateway.judge_upstream, True,
        breaks={"chat": GONE, "stream": ANY},
    ),
    Link(
        "gateway.disk", "disk", GATEWAY, machine.judge_disk,
        breaks={"service": ANY, "errors": ("space",), "chat": ("500",)},
    ),
    Link(
        "gateway.memory", "memory", GATEWAY, machine.judge_memory,
        breaks={"service": ("killed",), "errors": ("memory",)},
    ),
    Link(
        "gateway.clock", "clock", GATEWAY, machine.judge_clock,
        breaks={"tls": ("not_yet", "expired"), "answer": ("401",)},
    ),
    Link(
        "gpu.way_in", "way in", GPU, machine.judge_way_in,
        breaks={"upstream": ("gone", "cut_off", "silent"), "chat": GONE},
    ),
    Link(
        "docker", "Docker", GPU, host.judge_docker,
        breaks={"container": ANY, "health": ANY, "generation": ANY, **_ENGINE},
    ),
    Link(
        "firewall", "firewall", GPU, host.judge_firewall,
        breaks={"upstream": ("gone", "cut_off")},
    ),
    Link(
        "port", "port", GPU, model.judge_port, True,
        {**_ENGINE, "container": ANY, "log": ("port_taken", "docker"), "health": ANY},
    ),
    Link(
        "container", "container", GPU, model.judge_container, True,
        {**_ENGINE, "health": ANY, "generation": ANY},
    ),
    Link(
        "log", "log", GPU, model.judge_log, True,
        {**_ENGINE, "container": ("exited", "restarting", "dead", "created", "killed"),
         "health": ANY, "generation": ANY},
    ),
    Link("health", "/health", GPU, model.judge_health, True, {**_ENGINE, "generation": ANY}),
    Link(
        "generation", "generation", GPU, model.judge_generation, True,
        {**_ENGINE, "direct.chat": ANY, **_AFTER},
    ),
    Link(
        "direct.chat", "chat, direct", GPU, client.judge_direct_chat, True,
        {"chat": ANY, "stream": ANY, "tools": ANY, "pace": ANY, **_AFTER},
    ),
    Link(
        "identity", "identity, direct", GPU, asked.judge_identity, True,
        {"served": ANY, "direct.chat": ("template", "content"), **_SENSE},
    ),
    Link(
        "settings", "settings", GPU, model.judge_settings, True,
        {"generation": ("429",), "log": ("not_generating", "refuses_all"), "upstream": ("silent",),
         "direct.chat": ("template",), "chat": ("429", "503")},
    ),
    Link("template", "chat template", GPU, asked.judge_template, True, _SENSE),
    Link(
        "text", "text", GPU, asked.judge_text, True,
        {"json": ANY, "api": ("batch",), "direct.tools": ANY},
    ),
    Link(
        "json", "guided JSON", GPU, asked.judge_json, True,
        {"api": ("json.invalid",), "direct.tools": ("grammar", "arguments", "ignored", "cut")},
    ),
    Link("api", "API", GPU, asked.judge_api, True),
    Link("counters", "counters", GPU, asked.judge_counters, True),
    Link("gpus", "GPU driver", GPU, host.judge_gpus, breaks={"log": _NO_GPU, "access": ANY}),
    Link(
        "xid", "GPU fault", GPU, host.judge_xid,
        breaks={"gpus": ANY, "access": ANY, "log": _FAULTS, "health": ANY, "generation": ANY},
    ),
    Link(
        "access", "GPU in the container", GPU, model.judge_access, True,
        {"log": (*_FAULTS, *_NO_GPU), "health": ANY, "generation": ANY},
    ),
    Link("holders", "GPU memory", GPU, host.judge_holders, breaks={"log": _GPU_MEMORY}),
    Link(
        "gpu.disk", "disk", GPU, machine.judge_disk,
        breaks={"docker": ANY, "log": _DISK, "container": ("created", "absent")},
    ),
    Link(
        "gpu.memory", "memory", GPU, machine.judge_memory,
        breaks={"log": _HOST_MEMORY, "container": ("killed",), "docker": ANY},
    ),
    Link(
        "gpu.clock", "clock", GPU, machine.judge_clock,
        breaks={"log": ("hub_unreachable", "hub_certificate", "download_failed")},
    ),
    Link(
        "pace", "pace of the engine", GPU, judge_pace, True,
        {"speed": ("slow",)},
    ),
    Link(
        "throttle", "GPU clocks", GPU, judge_throttle,
        breaks={"pace": ANY},
    ),
    Link("direct.tools", "function calling, direct", GPU, client.judge_tools, True, {"tools": ANY}),
)  # fmt: skip

LINKS = {link.id: link for link in CHAIN}
