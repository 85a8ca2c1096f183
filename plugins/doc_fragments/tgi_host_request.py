"""Document the request that the controller sends to tgi_preflight on a host."""

from __future__ import annotations


class ModuleDocFragment:
    """Use it with ``extends_documentation_fragment: [tgi_host_request]``."""

    DOCUMENTATION = r"""
options:
  models:
    description: Models of the inventory.
    type: list
    elements: dict
    default: []
    suboptions:
      variable:
        description: Place in the inventory, such as V(tgi_models[0]).
        type: str
        required: true
      entry:
        description: The model, with the port and the GPUs that the user wrote.
        type: dict
        required: true
      environment:
        description: Environment variables that decide about its memory and its files.
        type: dict
        default: {}
      lacks_token:
        description: Whether the Hub will probably refuse it without a token.
        type: bool
        default: false
      hints:
        description: What the catalogue says of it, and its profile.
        type: dict
        default: {}
  deploys:
    description: Whether this host deploys the models and is checked for them.
    type: bool
    default: false
  base_port:
    description: Port of the first model without a port.
    type: int
    default: 8081
  gateway_ports:
    description: Ports that the gateway will listen on.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: The port.
        type: int
        required: true
      variable:
        description: The variable that sets it.
        type: str
        required: true
  gateway_config:
    description: Path that exists where the gateway is installed.
    type: str
    default: ''
  bind_address:
    description: Address that the models will listen on, in addition to loopback.
    type: str
    default: ''
  egress:
    description: What models may connect to, V(tgi_egress).
    type: str
    default: open
  egress_allowed:
    description: What they may connect to in any case, V(tgi_egress_allowed).
    type: list
    elements: str
    default: []
  base_dir:
    description: Directory of the models' Compose projects.
    type: str
    default: /opt/tgi
  data_dir:
    description: Directory of the models' weights.
    type: str
    default: /var/lib/tgi
  read_only_data:
    description: Which models get their weights read-only, V(tgi_read_only_data).
    type: str
    default: offline
  min_memory_gib:
    description: Minimum memory, in GiB.
    type: float
    default: 0
  min_free_disk_gib:
    description: Minimum free space in O(data_dir), in GiB, while a model is not deployed yet.
    type: float
    default: 0
  min_free_image_gib:
    description: Minimum free space where Docker keeps images, in GiB, while it lacks O(image).
    type: float
    default: 0
  image:
    description: The engine's image.
    type: str
    default: ''
  docker_data_root:
    description: Docker's data directory, if the role sets it.
    type: str
    default: ''
  docker_pools:
    description: Networks from which Docker takes those of models, if the role sets them.
    type: list
    elements: str
    default: []
  images_by_containerd:
    description: Whether an engine that is not installed yet will keep its images with containerd.
    type: bool
    default: false
  min_driver:
    description: Oldest NVIDIA driver that works. Checked if a model needs a GPU.
    type: str
    default: '0'
  recommended_driver:
    description: Driver that the image's CUDA was built with; an older one only warns.
    type: str
    default: ''
  driver_install:
    description: Whether the role will install a missing driver.
    type: bool
    default: false
  toolkit:
    description: Whether NVIDIA's container toolkit will be installed, which needs a GPU.
    type: bool
    default: false
"""
