"""Look at a host once, and say what keeps the models from being deployed there."""

from __future__ import annotations

import importlib.util
import os
import platform
import time
from pathlib import Path
from typing import Any

from ..common import commands
from ..common.files import read
from ..common.places import FIREWALL_UNIT
from ..common.problem import problem
from ..host import addresses as host_addresses
from ..host import ports as host_ports
from ..host import system
from ..host.boot_units import DIRECTORY, in_place
from ..host.nvidia import cdi, driver, driver_verdict
from ..models import deployed as host_projects
from ..models.resolve import resolve_models
from . import memory_plan


def inspect_host(wish: dict[str, Any], root: Path = Path("/")) -> dict[str, Any]:
    """Give ``problems``, ``notes``, ``facts`` and ``clock`` (seconds since the epoch).

    ``wish`` has base_port, models (name, port, variable, gpus, named: which of port and
    gpus the user wrote, and plan: see memory_plan.asked), gateway_ports (port, variable),
    gateway_config, bind_address, base_dir, data_dir, min_memory_gib, min_free_disk_gib,
    min_driver, recommended_driver, driver_install and toolkit (whether NVIDIA's driver and
    container toolkit will be installed).
    Only reads. ``root`` is where etc, proc and sys are found.
    """
    deployed = host_projects.find_deployed(root, wish["base_dir"])
    projects = {
        name: read(host_projects.project_file(root, wish["base_dir"], name)) for name in deployed
    }
    kept = host_ports.kept(projects)
    models = _settle(wish["models"], wish["base_port"], kept)
    gateway = bool(wish["gateway_config"]) and _inside(root, wish["gateway_config"]).exists()
    problems = _check_system(wish, root, deployed)
    names = [model["name"] for model in wish["models"] if model["name"] not in deployed]
    problems += host_projects.check_projects(root, wish["base_dir"], names)
    nvidia = _check_nvidia(wish, models, root)
    problems += nvidia.problems
    published = host_ports.published(projects)
    ports = [
        {**model, "ours": "docker-proxy" if model["port"] in published else None}
        for model in models
    ]
    # Whether another's nginx may be taken over is for the gateway's own role to judge
    ports += [{**port, "ours": "nginx"} for port in wish["gateway_ports"]]
    taken = host_ports.find_owners(root / "proc", {port["port"] for port in ports})
    problems += host_ports.check_ports(ports, taken)
    problems += host_ports.check_moves(models, published)
    addresses = host_addresses.all_addresses()
    problems += host_addresses.check_bind_address(wish["bind_address"], addresses)
    facts = {
        "gpus": nvidia.gpus,
        "driver_version": nvidia.driver,
        "cdi": cdi.offered(commands.ask) if nvidia.gpus else [],
        "deployed": deployed,
        "kept": kept,
        "gateway": gateway,
        "address": host_addresses.source_address(),
        "addresses": addresses,
        "fence": _inside(root, FIREWALL_UNIT).exists(),
        "comes_back": in_place(wish["base_dir"], _inside(root, str(DIRECTORY))),
        "httpx": all(importlib.util.find_spec(name) for name in ("httpx", "jsonschema")),
    }
    return {
        "problems": problems,
        # Not "warnings": Ansible would take them away, and say them without the host's name
        "notes": nvidia.warnings,
        "facts": facts,
        "clock": time.time(),
    }


def _check_nvidia(
    wish: dict[str, Any], models: list[dict[str, Any]], root: Path
) -> driver_verdict.DriverVerdict:
    if any(model["gpus"] for model in models):
        nvidia = driver_verdict.judge(models, wish, driver.look(root), commands.ask)
        plan = memory_plan.check_plan(models, nvidia.gpus, _inside(root, wish["data_dir"]))
        return nvidia._replace(problems=nvidia.problems + plan)
    if not wish["toolkit"]:
        return driver_verdict.DriverVerdict([], [], [], None)
    return driver_verdict.judge_toolkit(wish, driver.look(root), commands.ask)


def _settle(
    models: list[dict[str, Any]], base_port: int, kept: dict[str, Any]
) -> list[dict[str, Any]]:
    """Let deployed models keep what the user left open, as the roles will."""
    given = [
        {
            "name": model["name"],
            "port": model["port"] if "port" in model["named"] else None,
            "gpus": model["gpus"] if "gpus" in model["named"] else None,
            "num_shard": len(model["gpus"]),
        }
        for model in models
    ]
    settled = resolve_models(given, base_port, kept)
    return [
        {**model, "port": its["port"], "gpus": its["gpus"]} for model, its in zip(models, settled)
    ]


def _check_system(wish: dict[str, Any], root: Path, deployed: list[str]) -> list[str]:
    problems = []
    if os.geteuid() != 0:
        remedy = "write become: true, or connect as root"
        problems.append(problem("user", f"has uid {os.geteuid()}, not root's", remedy))
    release = read(root / "etc/os-release")
    problems += system.check_release(release, bool(wish["gateway_config"]))
    if wish["models"]:
        cpuinfo = read(root / "proc/cpuinfo")
        problems += system.check_processor(platform.machine(), cpuinfo)
    problems += system.check_memory(read(root / "proc/meminfo"), wish["min_memory_gib"])
    if any(model["name"] not in deployed for model in wish["models"]):
        free = system.free_space(str(_inside(root, wish["data_dir"])))
        problems += system.check_disk(wish["data_dir"], free, wish["min_free_disk_gib"])
    return problems


def _inside(root: Path, path: str) -> Path:
    return root / path.lstrip("/")
