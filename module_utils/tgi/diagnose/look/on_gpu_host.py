"""Inspect a GPU host: Docker, containers, logs, ports, the firewall, GPUs, and the models."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...checks.selection import Model
from ...common.commands import Ask, ask
from ...common.places import BASE_DIR, DATA_DIR, DEFAULT_BASE_PORT, FIREWALL_DIRECTORY
from ...docker.compose_containers import Container, Docker, DockerError
from ...engines.tgi.causes import recognise
from ...engines.tgi.log import parse
from ...engines.tgi.phases import DEADLINES
from ...host import machine
from ...host import ports as host_ports
from ...host.nvidia import driver, driver_verdict, gpu_load
from ...models.deployed import read_deployed
from ...models.record import Record
from ...models.resolve import resolve_models
from ...readiness.judge import split_runs
from ...readiness.messages import as_result
from ...readiness.state import Memory, Wanted
from ...readiness.watch import Watcher
from . import in_container
from .docker_state import read_docker
from .firewall_state import read_firewall
from .of_model import Manner, ask_model

#: Seconds; older log lines of a running engine are about other requests
_JUST_NOW = 60
#: Seconds until an engine that lost its shard is gone
_TO_DIE = 1.5


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
    without_tools: Sequence[str] = ()
    tools: bool = True
    canary_passes: int = 2
    timeout: float = 30.0
    egress: str = "open"
    root: Path = Path("/")
    transport: Any = None


def look_at_gpu_host(
    wish: Inside, run: Ask = ask, docker: Docker | None = None, probes: Any = None
) -> dict[str, Any]:
    """Return docker, models, gpus, cards, holders, firewall, clock and the machine's state.

    Only reads, but asks each model for some short generations.
    """
    root, began = wish.root, time.time()
    deployed = read_deployed(root, wish.base_dir, run)
    resolved = resolve_models(list(wish.listed), wish.base_port, deployed.kept())
    models = [_declared(one, deployed.records) for one in deployed.as_deployed(resolved)]
    docker = docker or Docker(parse)
    seen: dict[str, Any] = {
        "host": wish.host,
        "docker": read_docker(run, root),
        "bind_address": wish.bind_address,
        "egress": wish.egress,
        "firewall": read_firewall(run, _inside(root, FIREWALL_DIRECTORY)),
    }
    found, states = _look(wish, models, docker, probes, seen["docker"])
    here = [one for one in ("127.0.0.1", wish.bind_address) if one]
    owners = host_ports.find_owners(root / "proc", {int(model["port"]) for model in models}, here)
    talks = asyncio.run(_talk(wish, models, found))
    if any(_broke_off(said) for said in talks.values()):
        # What was asked may have ended the engine; its log then says why
        time.sleep(_TO_DIE)
        found, states = _look(wish, models, docker, probes, seen["docker"])
    seen["models"] = [
        {
            "name": model["name"],
            "port": model["port"],
            "gpus": model["gpus"],
            "deployed": model["name"] in {*deployed.names, *deployed.records},
            "declared": {key: model[key] for key in ("model_id", "revision", "image")},
            "container": in_container.state(found.get(model["project"])),
            "state": states.get(model["name"]),
            "listener": owners[model["port"]].command if model["port"] in owners else None,
            **in_container.look_inside(run, found.get(model["project"]), model["gpus"]),
            **talks.get(model["name"], {}),
        }
        for model in models
    ]
    seen["gpus"] = _gpus(run, models, wish.min_driver, root)
    seen["cards"] = gpu_load.live(run)
    seen["holders"] = gpu_load.holders(run, [one.id for one in found.values()], root / "proc")
    paths = [wish.data_dir, _docker_root(run), wish.base_dir, "/etc", "/run", "/tmp"]
    seen.update(machine.look(run, list(dict.fromkeys(paths)), root / "proc"))
    for disk in seen["disks"]:
        # Weights may lie on a share that is read-only by intent
        disk["read_only"] = disk["read_only"] and disk["paths"] != [wish.data_dir]
    seen["clock"] = [began, time.time()]
    return seen


def _inside(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _declared(one: Mapping[str, Any], records: Mapping[str, Record]) -> dict[str, Any]:
    """Return the model with the weights and the image that are deployed; image "": unknown."""
    record = records.get(one["name"])
    if record is None or not record.model_id:
        return {**one, "image": ""}
    weights = {"model_id": record.model_id, "revision": record.revision}
    return {**one, **weights, "image": record.image}


def _look(
    wish: Inside,
    models: Sequence[Mapping[str, Any]],
    docker: Docker,
    probes: Any,
    daemon: dict[str, Any],
) -> tuple[dict[str, Container], dict[str, Any]]:
    """Return containers by project and states by name; note in ``daemon`` what Docker lacks."""
    found: dict[str, Container] = {}
    try:
        found = docker.containers(model["project"] for model in models)
        return found, _states(wish, models, found, docker, probes)
    except DockerError as error:
        daemon["problem"] = str(error)
        return found, {}


def _broke_off(said: Mapping[str, Any]) -> bool:
    """Return whether an engine that listened gave no answer, or lost its shard."""
    answers = [said[name] for name in ("info", "generate", "chat", "stream") if name in said]
    return any(one.get("status") == 424 or "closed" in one.get("fault", "") for one in answers)


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


def _docker_root(run: Ask) -> str:
    code, text = run(["docker", "info", "--format={{.DockerRootDir}}"])
    return text.strip() if code == 0 and text.startswith("/") else "/var/lib/docker"


async def _talk(
    wish: Inside, models: Sequence[Mapping[str, Any]], found: Mapping[str, Container]
) -> dict[str, dict[str, Any]]:
    """Ask each running model on its own port."""
    how = Manner(wish.tools, wish.canary_passes, wish.timeout, wish.transport)
    asked = [
        Model(
            one["name"],
            one["model_id"],
            one["revision"] or "",
            url=one["url"],
            chat=one["name"] not in wish.without_chat,
            tools=one["name"] not in wish.without_tools,
        )
        for one in models
        if one["project"] in found and found[one["project"]].status == "running"
    ]
    said = await asyncio.gather(*(ask_model(one, how) for one in asked))
    return {one.name: what for one, what in zip(asked, said)}
