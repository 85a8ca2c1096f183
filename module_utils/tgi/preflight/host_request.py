"""Define what the controller asks of a host: the options of the module tgi_preflight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..common.places import BASE_DIR, DATA_DIR, DEFAULT_BASE_PORT
from ..engines.tgi.environment_values import CERTIFICATES
from ..models import hub_cache

#: Only these of the environment leave for the host: the rest may be secret
_ENVIRONMENT = (
    "ATTENTION",
    "TGI_WIGGLE_ROOM",
    "USE_FLASH_ATTENTION",
    *hub_cache.VARIABLES,
    *CERTIFICATES,
)


def known_environment(own: Mapping[str, str], common: Any) -> dict[str, str]:
    """Return the environment variables that decide about a model's memory and its files.

    ``common`` is tgi_environment; the model's ``own`` environment overrides it.
    """
    merged = {**(common if isinstance(common, Mapping) else {}), **own}
    return {name: str(merged[name]) for name in _ENVIRONMENT if name in merged}


@dataclass(frozen=True)
class PortRequest:
    """A port that the host must have free, and the variable that sets it."""

    port: int
    variable: str


@dataclass(frozen=True)
class ModelRequest:
    """A model of the list, without most of its environment, which may hold secrets."""

    #: Its place in the inventory, such as tgi_models[0]
    variable: str
    #: An entry of models.resolve.normalise
    entry: Mapping[str, Any]
    #: See :func:`known_environment`
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Whether the Hub will probably refuse it without a token
    lacks_token: bool = False
    #: What the catalogue and its profile say: config, gated, chunks, max_total_tokens, profile
    hints: Mapping[str, Any] = field(default_factory=dict)
    #: Whether the host fetches its weights in this run
    fetched: bool = False

    def for_host(self) -> dict[str, Any]:
        """Return what messages, memory plan and check of files need besides the environment."""
        return {
            "variable": self.variable,
            "lacks_token": self.lacks_token,
            "hints": dict(self.hints),
            "fetched": self.fetched,
        }

    @property
    def may_lack_token(self) -> bool:
        """Return whether only its publisher's habit says that it needs a token."""
        return self.lacks_token and "gated" not in self.hints


@dataclass(frozen=True)
class HostRequest:
    """The request to one host. The controller sends it to the host as JSON."""

    models: tuple[ModelRequest, ...] = ()
    #: Whether this host deploys the models; if not, the module does not check it for them
    deploys: bool = False
    gateway_ports: tuple[PortRequest, ...] = ()
    #: Path that exists where a gateway is installed; "" skips this check
    gateway_config: str = ""
    base_port: int = DEFAULT_BASE_PORT
    bind_address: str = ""
    #: tgi_egress and tgi_egress_allowed
    egress: str = "open"
    egress_allowed: tuple[str, ...] = ()
    base_dir: str = BASE_DIR
    data_dir: str = DATA_DIR
    #: tgi_read_only_data
    read_only_data: str = "offline"
    #: tgi_image
    image: str = ""
    docker_data_root: str = ""
    #: Bases of docker_address_pools
    docker_pools: tuple[str, ...] = ()
    #: Whether an engine that is not installed yet will leave images to containerd
    images_by_containerd: bool = False
    min_memory_gib: float = 0.0
    min_free_disk_gib: float = 0.0
    min_free_image_gib: float = 0.0
    min_driver: str = "0"
    recommended_driver: str = ""
    #: Whether NVIDIA's driver, and its container toolkit, will be installed
    driver_install: bool = False
    toolkit: bool = False

    def to_options(self) -> dict[str, Any]:
        """Return the module's options."""
        return asdict(self)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> HostRequest:
        """Return the request that the module's options hold."""
        models = tuple(ModelRequest(**one) for one in options["models"])
        ports = tuple(PortRequest(**one) for one in options["gateway_ports"])
        allowed = tuple(options["egress_allowed"])
        more = {"models": models, "gateway_ports": ports, "egress_allowed": allowed}
        more["docker_pools"] = tuple(options["docker_pools"])
        return cls(**{**options, **more})

    def driver_rules(self) -> dict[str, Any]:
        """Return what host.nvidia.driver_verdict compares the driver with."""
        return {
            "min_driver": self.min_driver,
            "recommended_driver": self.recommended_driver,
            "driver_install": self.driver_install,
        }
