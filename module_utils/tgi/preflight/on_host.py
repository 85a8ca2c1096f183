"""Inspect a host once: what prevents a deployment there, and facts for the roles."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..common import commands
from ..common.files import read
from ..common.places import FIREWALL_DIRECTORY, FIREWALL_UNIT, GATEWAY_STATE, RUN_LOCK
from ..common.problem import problem
from ..docker import image_store
from ..docker.direct_access import lets_neighbours_in
from ..gateway.drained import drained_notes, read_drained
from ..gateway.in_force import read_published
from ..gateway.nginx.edited import origin_of
from ..gateway.nginx.release import ReleaseLink
from ..host import addresses as host_addresses
from ..host import firewall, routes, system
from ..host import ports as host_ports
from ..host.boot_units import DIRECTORY, in_place
from ..host.data_directory import check_directory
from ..host.nvidia import cdi, driver, driver_verdict
from ..host.python_interpreter import check_interpreter
from ..models.deployed import DeployedModels, check_projects, read_deployed
from ..models.gated import gated_note
from ..models.lost_projects import lost_notes
from ..models.resolve import assign
from ..rollout.lock import LockError, read_lock
from . import memory_plan
from .files_on_host import HostFiles
from .host_request import HostRequest

# Where each run writes; a hardened host may mount /usr read-only until apt needs it
_WRITTEN = ["/etc", "/var/lib", "/var/log", "/tmp"]


def inspect_host(request: HostRequest, root: Path = Path("/")) -> dict[str, Any]:
    """Return ``problems``, ``notes``, ``facts`` and ``clock`` (seconds since the epoch).

    ``certificate`` is the PEM text that the gateway serves, empty if none is deployed there;
    ``lock`` that of the run that changes the host, or None. Only reads. ``root`` is where etc,
    proc, run and sys are found.
    """
    deployed = read_deployed(root, request.base_dir, commands.ask)
    models = assign([one.entry for one in request.models], request.base_port, deployed.kept())
    wanted = _with_places(request, models) if request.deploys else []
    gateway = bool(request.gateway_config) and _inside(root, request.gateway_config).exists()
    new = [model["name"] for model in wanted if model["name"] not in deployed.names]
    unknown = [name for name in new if name not in deployed.records]
    problems = _check_system(request, root, wanted, unknown)
    problems += _check_image(request, root, wanted)
    problems += deployed.problems
    problems += check_projects(root, request.base_dir, new)
    files = HostFiles(root, request.data_dir, request.read_only_data)
    problems += [line for model in wanted for line in files.check(model)]
    nvidia = _check_nvidia(request, wanted, root)
    problems += nvidia.problems
    problems += _check_ports(request, root, wanted, deployed)
    data = _inside(root, request.data_dir)
    tuned = memory_plan.tune(wanted, nvidia.gpus, data)
    models = [{**one, "options": own} for one, own in zip(models, tuned)] or models
    open_data = check_directory(data, request.data_dir) if request.deploys else []
    gone = lost_notes(deployed.lost, request.base_dir, [model["name"] for model in wanted])
    gated = [gated_note(one.entry, one.variable) for one in request.models if one.may_lack_token]
    checks_ready = all(importlib.util.find_spec(name) for name in ("httpx", "jsonschema"))
    problems += check_interpreter(sys.executable, checks_ready) if request.deploys else []
    addresses = host_addresses.all_addresses()
    problems += host_addresses.check_bind_address(request.bind_address, addresses)
    rules = "".join(_rules(root).values())
    lock = None
    try:
        lock = read_lock(_inside(root, RUN_LOCK))
    except LockError as error:
        problems.append(str(error))
    drained = read_drained(_inside(root, GATEWAY_STATE) / "drain") if gateway else []
    facts = {
        "models": models,
        "gpus": nvidia.gpus,
        "driver_version": nvidia.driver,
        "cdi": cdi.offered(commands.ask) if nvidia.gpus else [],
        "deployed": deployed.names,
        "gateway": gateway,
        "address": host_addresses.source_address(),
        "addresses": addresses,
        "published": read_published(root) if gateway else {},
        "drained": [one._asdict() for one in drained],
        "firewall_sources": firewall.sources_of(rules),
        "ports_closed": bool(firewall.doors_of(rules)),
        "firewall_holds": request.deploys and _firewall_holds(request, root),
        "comes_back": in_place(request.base_dir, _inside(root, str(DIRECTORY))),
        "checks_ready": checks_ready,
    }
    return {
        "problems": problems,
        # Not "warnings": Ansible would print them itself, without the host's name
        "notes": [
            *nvidia.warnings,
            *(_check_routes(request, root) if new else []),
            *open_data,
            *gone,
            *gated,
            *drained_notes(drained, time.time()),
        ],
        "facts": facts,
        "certificate": _certificate(gateway, request.gateway_config, root),
        "lock": asdict(lock) if lock else None,
        "clock": time.time(),
    }


def _certificate(gateway: bool, directory: str, root: Path) -> str:
    link = ReleaseLink(root / "etc/nginx/nginx.conf", _inside(root, directory))
    version = (link.version() or origin_of(link)) if gateway else None
    return read(link.root / version / "tls.crt") if version else ""


def _with_places(request: HostRequest, models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the models with what the messages, the memory plan and the check of files need."""
    return [
        {**model, **one.for_host(), "environment": dict(one.environment)}
        for model, one in zip(models, request.models)
    ]


def _check_nvidia(
    request: HostRequest, models: list[dict[str, Any]], root: Path
) -> driver_verdict.DriverVerdict:
    rules = request.driver_rules()
    if any(model["gpus"] for model in models):
        nvidia = driver_verdict.judge(models, rules, driver.look(root), commands.ask)
        plan = memory_plan.check_plan(models, nvidia.gpus, _inside(root, request.data_dir))
        return nvidia._replace(problems=nvidia.problems + plan)
    if not request.toolkit:
        return driver_verdict.DriverVerdict([], [], [], None)
    return driver_verdict.judge_toolkit(rules, driver.look(root), commands.ask)


def _check_ports(
    request: HostRequest, root: Path, models: list[dict[str, Any]], deployed: DeployedModels
) -> list[str]:
    listed = {model["name"] for model in models}
    # The role does not stop a container whose files are gone, so such a port stays taken
    strays = {one.port for one in deployed.lost if one.name not in listed}
    published = {port: name for port, name in deployed.published().items() if port not in strays}
    wanted = [
        host_ports.WantedPort(
            model["port"],
            f"{model['variable']}.port",
            # With a record that cannot be read, a port of Docker's may be that model's
            host_ports.DOCKER if model["port"] in published or deployed.problems else (),
            model["name"],
        )
        for model in models
    ]
    # The role gateway decides whether it may take over an nginx that is not ours
    gateway = [
        host_ports.WantedPort(one.port, one.variable, ["nginx"]) for one in request.gateway_ports
    ]
    proc, here = root / "proc", [one for one in ("127.0.0.1", request.bind_address) if one]
    return [
        *host_ports.check_ports(wanted, host_ports.find_owners(proc, _ports(wanted), here)),
        *host_ports.check_ports(gateway, host_ports.find_owners(proc, _ports(gateway))),
        *host_ports.check_moves(wanted, published),
    ]


def _ports(wanted: list[host_ports.WantedPort]) -> set[int]:
    return {one.port for one in wanted}


def _check_system(
    request: HostRequest, root: Path, models: list[dict[str, Any]], new: list[str]
) -> list[str]:
    problems = []
    if os.geteuid() != 0:
        remedy = "write become: true, or connect as root"
        problems.append(problem("user", f"has uid {os.geteuid()}, not root's", remedy))
    release = read(root / "etc/os-release")
    problems += system.check_release(release, bool(request.gateway_config))
    if models:
        cpuinfo = read(root / "proc/cpuinfo")
        problems += system.check_processor(platform.machine(), cpuinfo)
    problems += system.check_memory(read(root / "proc/meminfo"), request.min_memory_gib)
    written = [*_WRITTEN, request.base_dir] if request.deploys else _WRITTEN
    problems += system.check_room(written, root)
    if new:
        free = system.free_space(str(_inside(root, request.data_dir)))
        problems += system.check_disk(request.data_dir, free, request.min_free_disk_gib)
    return problems


def _check_image(request: HostRequest, root: Path, models: list[dict[str, Any]]) -> list[str]:
    """Check the space for the image, unless Docker has it.

    A record that names the image proves nothing: it is written before the pull.
    """
    if not models or image_store.has_image(request.image, commands.ask):
        return []
    data_root, by_containerd = request.docker_data_root, request.images_by_containerd
    place = image_store.image_directory(root, data_root, by_containerd, commands.ask)
    return system.check_image_disk(place, root, request.min_free_image_gib)


def _check_routes(request: HostRequest, root: Path) -> list[str]:
    """Warn of routes that a new model's network would cover."""
    pools = request.docker_pools or image_store.address_pools(root)
    return list(routes.check_pools(commands.ask, pools))


def _firewall_holds(request: HostRequest, root: Path) -> bool:
    """Return whether a host that publishes on loopback only has the firewall that it needs."""
    unit = _inside(root, FIREWALL_UNIT)
    if request.egress == "open" and not (lets_in := lets_neighbours_in(commands.ask)):
        return lets_in is False and not unit.exists()
    leaving = request.egress, request.egress_allowed
    wanted = firewall.files(FIREWALL_DIRECTORY, "", [], [], *leaving)
    wanted.pop("up")
    return (
        _rules(root) == wanted
        and all(
            commands.ask(["systemctl", verb, "--quiet", unit.name]).rc == 0
            for verb in ("is-active", "is-enabled")
        )
        and firewall.ask_in_force(wanted, commands.ask) is True
    )


def _rules(root: Path) -> dict[str, str]:
    """Return the firewall's files of rules, name -> text."""
    texts = {
        name: read(_inside(root, f"{FIREWALL_DIRECTORY}/{name}"))
        for name in firewall.TOOLS.values()
    }
    return {name: text for name, text in texts.items() if text}


def _inside(root: Path, path: str) -> Path:
    return root / path.lstrip("/")
