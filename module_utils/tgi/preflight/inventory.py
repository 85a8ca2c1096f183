"""Check a host's inventory before anything connects to the host."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from ..catalogue.catalogue_rules import check_catalogue
from ..catalogue.expand import expand_models
from ..common.places import BASE_DIR, DATA_DIR, DEFAULT_BASE_PORT, GATEWAY_CONFIGURATION
from ..common.problem import UNKNOWN, number, whole
from ..docker.image_store import leaves_images_to_containerd
from ..models.gated import lacks_token
from ..models.host_weights import is_fetched
from ..models.model_rules import check_models
from ..models.resolve import normalise
from .accepted_checks import check_accepted
from .across_hosts import check_body_size, check_challenge
from .bind_address import check_firewall
from .checks_files import check_files
from .container_rules import check_container
from .docker_rules import check_docker
from .egress import allowed_networks, check_egress
from .gateway.all_variables import JUDGED, PORTS, check_gateway
from .gateway.backends import check_published
from .gateway.pem_files import Reader
from .host_request import HostRequest, ModelRequest, PortRequest, known_environment
from .hub.mirror_rules import check_mirror, check_mirror_port
from .logins import check_key_sources, check_logins
from .quantities import check_quantities
from .role_specs import Role, check_types, render, render_role_variables, unknown_variables
from .toolkit_rules import check_toolkit

# The roles that site.yml runs on the hosts of a group
_ROLES_OF_GROUP = {
    "gpu_hosts": ("nvidia_driver", "docker", "nvidia_container_toolkit", "tgi", "checks"),
    "gateways": ("gateway", "checks"),
    "hub_mirrors": ("hub_mirror",),
}
# Variables that the rules check even where only the default is set
_JUDGED = (
    "nvidia_container_toolkit_enabled",
    "nvidia_container_toolkit_version",
    "nvidia_driver_install",
    "docker_version",
    "tgi_egress",
    "tgi_egress_allowed",
    "tgi_version",
    "tgi_profile",
    "tgi_base_dir",
    "tgi_data_dir",
    "tgi_read_only_data",
    "tgi_base_port",
    "checks_consumer",
    "hub_mirror_port",
    *JUDGED,
)


def check_inventory(
    variables: Mapping[str, Any],
    groups: list[str],
    roles: list[Role],
    template: Callable[[Any], Any],
    read: Reader,
    gpu_hosts: Mapping[str, Mapping[str, Any]] | None = None,
    gateways: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """Return the evaluated variables of the roles, and every problem found in them.

    ``variables`` are one host's, not templated; ``template`` evaluates one value and may
    raise; ``read`` returns the beginning of a file on the controller, or None. ``gpu_hosts``
    and ``gateways`` are all hosts of these groups with their own variables, evaluated, where
    known: a gateway publishes the models of the GPU hosts, and may share its name with other
    gateways.
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
    # The rules below would call such a value misspelt
    problems += check_logins(values)
    judged = {_place(line) for line in problems}
    further = []
    if "gpu_hosts" in groups:
        listed = expand_models(values.get("tgi_models"), values.get("tgi_catalogue"))
        full = {**values, "tgi_models": listed}
        further += [*check_catalogue(values), *check_models(full), *check_toolkit(values)]
        further += [*check_firewall(values), *check_docker(values), *check_key_sources(values)]
        further += [*check_container(full), *check_egress(full)]
    if "hub_mirrors" in groups:
        further += [*check_mirror(values, read), *check_mirror_port(values, groups)]
    further += check_quantities(values)
    further += check_accepted(values, gpu_hosts or {})
    if "gateways" in groups:
        further += [*check_gateway(values, read), *check_files(values, read)]
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


def host_request(values: Mapping[str, Any], groups: Collection[str]) -> HostRequest:
    """Return what the host is asked for.

    Never raises, like models.resolve: wrong ``values`` have been reported already.
    """
    deploys = "gpu_hosts" in groups
    settings = values.get("docker_daemon_settings")
    pools = values.get("docker_address_pools")
    listed = pools if isinstance(pools, list) else []
    bases = [str(one["base"]) for one in listed if isinstance(one, Mapping) and "base" in one]
    ports = [(name, whole(values.get(name))) for name in PORTS if "gateways" in groups]
    return HostRequest(
        models=tuple(_model_requests(values)),
        deploys=deploys,
        gateway_ports=tuple(PortRequest(port, name) for name, port in ports if port is not None),
        gateway_config=GATEWAY_CONFIGURATION if "gateways" in groups else "",
        base_port=whole(values.get("tgi_base_port")) or DEFAULT_BASE_PORT,
        bind_address=_text(values.get("tgi_bind_address"), "") if deploys else "",
        egress=_text(values.get("tgi_egress"), "open"),
        egress_allowed=allowed_networks(values),
        base_dir=_text(values.get("tgi_base_dir"), BASE_DIR),
        data_dir=_text(values.get("tgi_data_dir"), DATA_DIR),
        read_only_data=_text(values.get("tgi_read_only_data"), "offline"),
        # A gateway alone needs little
        min_memory_gib=(deploys and number(values.get("preflight_min_memory_gib"))) or 0.0,
        min_free_disk_gib=number(values.get("preflight_min_free_disk_gib")) or 0.0,
        image=_text(values.get("tgi_image"), ""),
        docker_pools=tuple(bases),
        docker_data_root=_text(values.get("docker_data_root"), ""),
        images_by_containerd=leaves_images_to_containerd(
            _text(values.get("docker_version"), ""),
            settings.get("features") if isinstance(settings, Mapping) else None,
        ),
        min_free_image_gib=number(values.get("preflight_min_free_image_gib")) or 0.0,
        min_driver=_text(values.get("preflight_min_driver"), "0"),
        recommended_driver=_text(values.get("preflight_recommended_driver"), ""),
        driver_install=deploys and values.get("nvidia_driver_install") is True,
        toolkit=deploys and values.get("nvidia_container_toolkit_enabled") is True,
    )


def _model_requests(values: Mapping[str, Any]) -> Iterator[ModelRequest]:
    listed = expand_models(values.get("tgi_models"), values.get("tgi_catalogue"))
    weights = _text(values.get("tgi_weights"), "container")
    for entry in normalise(listed):
        hints = _hints(listed[entry["place"]], values.get("tgi_profile"))
        own, common = entry.pop("environment"), values.get("tgi_environment")
        everything = {**(common if isinstance(common, dict) else {}), **own}
        # A value of another kind has been reported already, and may not be JSON
        options = {name: value for name, value in entry["options"].items() if _is_plain(value)}
        yield ModelRequest(
            f"tgi_models[{entry['place']}]",
            {**entry, "options": options},
            known_environment(own, common),
            lacks_token(
                entry,
                {name: str(value or "") for name, value in everything.items()},
                hints.get("gated"),
            ),
            hints,
            is_fetched(entry, weights),
        )


def _hints(model: Mapping[Any, Any], profile: Any) -> dict[str, Any]:
    said = model.get("catalogue") or {}
    names = ("config", "gated", "chunks", "max_total_tokens")
    chosen = _text(model.get("profile") or profile, "")
    found = {name: said[name] for name in names if said.get(name) is not None}
    return {**found, "profile": chosen} if chosen else found


def _is_plain(value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    return all(isinstance(item, (str, int, float)) for item in items)


def _text(value: Any, otherwise: str) -> str:
    return otherwise if value in (None, "", UNKNOWN) else str(value)


def refusal(problems: list[str]) -> str:
    """Return one message with all problems, a line each.

    Ansible names the host. Equal messages of many hosts then stand once above them all.
    """
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    lines = [f"Preflight refuses this host: {count}, nothing was changed"]
    return "\n".join(lines + [f"- {line}" for line in problems])
