"""Inspect a GPU host: Docker, containers, logs, ports, the firewall, GPUs, and the models."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...client.http_client import HTTPX_ERROR, Client, Target
from ...common.commands import Ask, ask
from ...common.files import read
from ...common.places import BASE_DIR, DATA_DIR, DEFAULT_BASE_PORT, FIREWALL_DIRECTORY
from ...docker.compose_containers import Container, Docker, DockerError
from ...engines.tgi.causes import recognise
from ...engines.tgi.log import parse
from ...engines.tgi.one_token import GENERATE, HEALTH
from ...engines.tgi.phases import DEADLINES
from ...host import firewall, machine
from ...host import ports as host_ports
from ...host.nvidia import driver, driver_verdict, gpu_load
from ...models.deployed import read_deployed
from ...models.resolve import resolve_models
from ...readiness.judge import split_runs
from ...readiness.messages import as_result
from ...readiness.state import Memory, Wanted
from ...readiness.watch import Watcher
from .requests import talk, view_generate, view_http, view_load

_SHORT = {"inputs": "Name the capital of France.", "parameters": {"max_new_tokens": 8}}
#: Seconds; older log lines of a running engine are about other requests
_JUST_NOW = 60
_RULES = Path(FIREWALL_DIRECTORY) / "rules"


@dataclass(frozen=True)
class Inside:
    """The intended state of a GPU host, from the inventory; ``listed`` is tgi_models."""

    host: str
    listed: Sequence[Any] = ()
    base_port: int = DEFAULT_BASE_PORT
    bind_address: str = ""
    base_dir: str = BASE_DIR
    data_dir: str = DATA_DIR
    min_driver: str = "0"
    timeouts: Mapping[str, float] = field(default_factory=dict)
    without_chat: Sequence[str] = ()
    tools: bool = True
    timeout: float = 30.0
    root: Path = Path("/")
    transport: Any = None


def look_at_gpu_host(
    wish: Inside, run: Ask = ask, docker: Docker | None = None, probes: Any = None
) -> dict[str, Any]:
    """Return docker, models, gpus, cards, holders, firewall, clock and the machine's state.

    Only reads, but asks each model for a few short generations.
    """
    root, began = wish.root, time.time()
    deployed = read_deployed(root, wish.base_dir, run)
    resolved = resolve_models(list(wish.listed), wish.base_port, deployed.kept())
    models = deployed.as_deployed(resolved)
    docker = docker or Docker(parse)
    seen: dict[str, Any] = {
        "host": wish.host,
        "docker": {"problem": "", **machine.unit(run, "docker")},
        "bind_address": wish.bind_address,
        "firewall": _read_firewall(run, _inside(root, str(_RULES))),
    }
    found: dict[str, Container] = {}
    try:
        found = docker.containers(model["project"] for model in models)
        states = _states(wish, models, found, docker, probes)
    except DockerError as error:
        seen["docker"]["problem"], states = str(error), {}
    owners = host_ports.find_owners(root / "proc", {int(model["port"]) for model in models})
    talks = asyncio.run(_talk(wish, models, found))
    seen["models"] = [
        {
            "name": model["name"],
            "port": model["port"],
            "gpus": model["gpus"],
            "deployed": model["name"] in deployed.names,
            "container": _container(found.get(model["project"])),
            "state": states.get(model["name"]),
            "listener": owners[model["port"]].command if model["port"] in owners else None,
            **_in_container(run, found.get(model["project"]), model["gpus"]),
            **talks.get(model["name"], {}),
        }
        for model in models
    ]
    seen["gpus"] = _gpus(run, models, wish.min_driver, root)
    seen["cards"] = gpu_load.live(run)
    seen["holders"] = gpu_load.holders(run, [one.id for one in found.values()], root / "proc")
    paths = [wish.data_dir, _docker_root(run), wish.base_dir]
    seen.update(machine.look(run, list(dict.fromkeys(paths)), root / "proc"))
    seen["clock"] = [began, time.time()]
    return seen


def _inside(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _states(
    wish: Inside,
    models: Sequence[Mapping[str, Any]],
    found: Mapping[str, Container],
    docker: Docker,
    probes: Any,
) -> dict[str, Any]:
    """Return the state of every model as tgi_wait sees it, by name."""
    timeouts = {**DEADLINES, **wish.timeouts}
    watched = [Wanted(one["name"], one["project"], one["url"], timeouts) for one in models]
    memories = {}
    for one in models:
        container = found.get(one["project"])
        if container and container.restarts:
            # As if we had seen the last restart: the log of the run before names the cause
            memories[one["name"]] = Memory(container.id, container.restarts - 1)
    more = {"probes": probes} if probes else {}
    watcher = Watcher(watched, memories, docker, probe_timeout=wish.timeout, **more)
    states = {one.name: as_result(wish.host, one) for one in watcher.look()}
    for one in models:
        state, container = states[one["name"]], found.get(one["project"])
        if container and state["phase"] == "serve" and not state["failed"]:
            state["named"] = _named(docker, container)
    return states


def _named(docker: Docker, one: Container) -> dict[str, str] | None:
    """Return the cause that a running engine has just logged, or None."""
    _, run = split_runs(docker.logs(one.id) or [], one)
    since = time.time() - _JUST_NOW
    cause = recognise([line for line in run if line.at >= since], "serve")
    if cause is None:
        return None
    return {
        "cause": cause.id,
        "text": cause.text,
        "remedy": cause.remedy.replace("CONTAINER", one.name),
    }


def _container(one: Container | None) -> dict[str, Any]:
    if one is None:
        return {"status": "absent"}
    return {
        "status": one.status,
        "name": one.name,
        "exit_code": one.exit_code,
        "out_of_memory": one.out_of_memory,
        "restarts": one.restarts,
    }


def _in_container(run: Ask, one: Container | None, gpus: Sequence[str]) -> dict[str, Any]:
    """Return ``published`` addresses and ``visible`` GPUs of a container (None: unknown)."""
    if one is None or one.status != "running":
        return {"published": None, "visible": None}
    code, text = run(["docker", "inspect", "--format={{json .NetworkSettings.Ports}}", one.id])
    published = None
    if code == 0:
        ports = json.loads(text) or {}
        published = [
            f"{place['HostIp']}:{place['HostPort']}"
            for places in ports.values()
            for place in places or []
        ]
    visible = None
    if gpus:
        code, text = run(["docker", "exec", one.id, "nvidia-smi", "-L"])
        lines = [line for line in text.splitlines() if line.startswith("GPU ")]
        if lines or code in (6, 9, 12, 255):
            visible = {"count": len(lines), "said": "" if lines else text.strip()[-160:]}
    return {"published": published, "visible": visible}


def _gpus(run: Ask, models: Sequence[Mapping[str, Any]], least: str, root: Path) -> dict[str, Any]:
    """Return ``problems`` ("what; remedy") of the driver and of the GPUs that models ask for."""
    wanted = [{"name": one["name"], "gpus": one["gpus"]} for one in models if one["gpus"]]
    if not wanted:
        return {"wanted": False, "problems": [], "count": 0}
    verdict = driver_verdict.judge(
        wanted,
        {"min_driver": least, "recommended_driver": "", "driver_install": False},
        driver.look(root),
        run,
    )
    return {"wanted": True, "problems": verdict.problems, "count": len(verdict.gpus)}


def _read_firewall(run: Ask, path: Path) -> dict[str, Any] | None:
    """Return the firewall's ``sources`` and whether it is ``in_force`` (None: unknown)."""
    rules = read(path)
    if not rules:
        return None
    doors = firewall.doors_of(rules)
    tool = firewall.tool_of(doors[0][0]) if doors else "iptables"
    said = [run([tool, "-w", "-S", chain]) for chain in (firewall.CHAIN, *firewall.ENTRIES)]
    stands = None
    if all(code is not None for code, _ in said):
        texts = [text if code == 0 else "" for code, text in said]
        stands = firewall.in_force(rules, texts[0], texts[1:])
    sources = [
        line.split()[3]
        for line in rules.splitlines()
        if line.startswith(f"-A {firewall.CHAIN} -s ")
    ]
    return {"in_force": stands, "sources": sources}


def _docker_root(run: Ask) -> str:
    code, text = run(["docker", "info", "--format={{.DockerRootDir}}"])
    return text.strip() if code == 0 and text.startswith("/") else "/var/lib/docker"


async def _talk(
    wish: Inside, models: Sequence[Mapping[str, Any]], found: Mapping[str, Container]
) -> dict[str, dict[str, Any]]:
    """Ask each running model on its own port; without httpx return nothing."""
    if HTTPX_ERROR:
        return {}
    asked = [
        one
        for one in models
        if one["project"] in found and found[one["project"]].status == "running"
    ]
    said = await asyncio.gather(*(_ask(wish, one) for one in asked))
    return {one["name"]: what for one, what in zip(asked, said)}


async def _ask(wish: Inside, one: Mapping[str, Any]) -> dict[str, Any]:
    target = Target(one["url"], timeout=wish.timeout)
    async with Client(target, transport=wish.transport) as client:
        said: dict[str, Any] = {"health": view_http(await client.send("GET", HEALTH))}
        if not said["health"]["status"]:
            return said
        said["load"] = view_load(await client.send("GET", "/metrics"))
        said["generate"] = view_generate(await client.send("POST", GENERATE, _SHORT))
        if said["generate"]["problem"] or one["name"] in wish.without_chat:
            return said
        said.update(await talk(client, "tgi", wish.tools))
    return said
