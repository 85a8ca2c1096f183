"""Everything that can be said about a host's inventory before anybody connects to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..common.places import BASE_DIR, DATA_DIR, DEFAULT_BASE_PORT, GATEWAY_CONFIGURATION
from ..common.problem import UNKNOWN, number, whole
from ..models.model_rules import check_models, ports_of_models
from ..models.resolve import resolve_models
from .across_hosts import check_body_size, check_challenge
from .bind_address import check_fence
from .docker_rules import check_docker
from .gateway.all_variables import JUDGED, PORTS, check_gateway
from .gateway.backends import check_published
from .gateway.pem_files import Reader
from .memory_plan import asked
from .role_specs import Role, check_types, render, render_role_variables, unknown_variables
from .toolkit_rules import check_toolkit

# The roles that the plays of site.yml give to the hosts of a group
_ROLES_OF_GROUP = {
    "gpu_hosts": ("nvidia_driver", "docker", "nvidia_container_toolkit", "tgi", "checks"),
    "gateways": ("gateway", "checks"),
}
# What the rules look at although nobody may have set it
_JUDGED = (
    "nvidia_container_toolkit_enabled",
    "nvidia_container_toolkit_version",
    "nvidia_driver_install",
    "tgi_version",
    "tgi_base_dir",
    "tgi_data_dir",
    "tgi_base_port",
    "checks_consumer",
    *JUDGED,
)
# Made by the gateway's role, and only by it


def check_inventory(
    variables: Mapping[str, Any],
    groups: list[str],
    roles: list[Role],
    template: Callable[[Any], Any],
    read: Reader,
    gpu_hosts: Mapping[str, Mapping[str, Any]] | None = None,
    gateways: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """Give the evaluated variables of the roles, and every problem found in them.

    ``variables`` are one host's, not templated; ``template`` evaluates one value and may
    raise; ``read`` gives the beginning of a file of the controller, or None. ``gpu_hosts``
    and ``gateways`` are all hosts of these groups with their own variables, evaluated, if they
    are known: a gateway publishes the ones, and may share its name with the others.
    """
    values, problems = render_role_variables(variables, roles, template)
    defaults = {name: value for role in roles for name, value in role.defaults.items()}
    for name in _JUDGED:
        if name in defaults and name not in values:
            values[name] = render(defaults[name], name, template, [], True)
    ignored = values.get("preflight_ignore_variables")
    names = [str(name) for name in ignored] if isinstance(ignored, list) else []
    problems += unknown_variables(variables, roles, names)
    problems += check_types(values, roles, _enforced(groups))
    judged = {_place(line) for line in problems}
    further = []
    if "gpu_hosts" in groups:
        further += [*check_models(values), *check_toolkit(values), *check_fence(values)]
        further += check_docker(values)
    if "gateways" in groups:
        further += check_gateway(values, read)
        name = str(variables.get("inventory_hostname") or "")
        further += check_published(values.get("gateway_backends"), gpu_hosts, name)
        if values.get("gateway_backends") is None:
            further += check_body_size(values.get("gateway_max_body_size"), gpu_hosts or {})
        further += check_challenge(
            values.get("gateway_tls"), values.get("gateway_server_name"), gateways or {}, name
        )
    return values, problems + [line for line in further if _place(line) not in judged]


def _place(line: str) -> str:
    return line.partition(" ")[0]


def _enforced(groups: Collection[str]) -> set[str]:
    return {role for group in groups for role in _ROLES_OF_GROUP.get(group, ())}


def wish_of(values: Mapping[str, Any], groups: Collection[str]) -> dict[str, Any]:
    """Give what the host is asked for, in the shape that host_check.inspect_host takes.

    Total, like resolve_models: what is wrong in ``values`` has been reported already.
    """
    deploys = "gpu_hosts" in groups
    models = values.get("tgi_models") if deploys else []
    resolved = resolve_models(models, values.get("tgi_base_port"))
    listed = models if isinstance(models, list) else []
    entries = [model for model in listed if isinstance(model, dict)]
    ports = [(name, whole(values.get(name))) for name in PORTS if "gateways" in groups]
    return {
        "models": [
            {
                "name": name,
                "port": port,
                "variable": path,
                "gpus": model["gpus"],
                "named": [key for key in ("port", "gpus") if entry.get(key) is not None],
                "plan": asked(model, values.get("tgi_environment")),
            }
            for (path, name, port), model, entry in zip(
                ports_of_models({**values, "tgi_models": models}), resolved, entries
            )
        ],
        "gateway_ports": [
            {"port": port, "variable": name} for name, port in ports if port is not None
        ],
        "gateway_config": GATEWAY_CONFIGURATION if "gateways" in groups else "",
        "base_port": whole(values.get("tgi_base_port")) or DEFAULT_BASE_PORT,
        "bind_address": _text(values.get("tgi_bind_address"), "") if deploys else "",
        "base_dir": _text(values.get("tgi_base_dir"), BASE_DIR),
        "data_dir": _text(values.get("tgi_data_dir"), DATA_DIR),
        # A gateway alone needs little
        "min_memory_gib": (deploys and number(values.get("preflight_min_memory_gib"))) or 0.0,
        "min_free_disk_gib": number(values.get("preflight_min_free_disk_gib")) or 0.0,
        "min_driver": _text(values.get("preflight_min_driver"), "0"),
        "recommended_driver": _text(values.get("preflight_recommended_driver"), ""),
        "driver_install": deploys and values.get("nvidia_driver_install") is True,
        "toolkit": deploys and values.get("nvidia_container_toolkit_enabled") is True,
    }


def _text(value: Any, otherwise: str) -> str:
    return otherwise if value in (None, "", UNKNOWN) else str(value)


def refusal(host: str, problems: list[str]) -> str:
    """Give the one message with all problems, a line each."""
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    lines = [f"Preflight refuses {host}: {count}, nothing was changed"]
    return "\n".join(lines + [f"- {line}" for line in problems])
