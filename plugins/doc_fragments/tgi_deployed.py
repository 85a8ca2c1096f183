"""Document the models and their files, as tgi_deployed writes and tgi_changes compares them."""

from __future__ import annotations


class ModuleDocFragment:
    """Use it with ``extends_documentation_fragment: [tgi_deployed]``."""

    DOCUMENTATION = r"""
options:
  base_dir:
    description: Directory of the Compose projects.
    type: path
    default: /opt/tgi
  models:
    description: The models, as in the fact C(tgi_host.models) of the preflight.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The model's name.
        type: str
        required: true
      project:
        description: Name of its Compose project.
        type: str
        default: ""
      port:
        description: Its port.
        type: int
        default: 0
      gpus:
        description: Indices or UUIDs of its GPUs; none for the CPU.
        type: list
        elements: str
        default: []
      model_id:
        description: Its repository, or its directory.
        type: str
        default: ""
      revision:
        description: Its commit.
        type: str
      aliases:
        description: Other names.
        type: list
        elements: str
        default: []
  image:
    description: The image, with its digest.
    type: str
    default: ""
  options_digests:
    description: SHA-256 of each container's environment, by the model's name.
    type: dict
    default: {}
  compose:
    description: Text of each C(compose.yaml), by the model's name.
    type: dict
    default: {}
  secrets:
    description: Text of each C(secrets.env), by the model's name; none is an empty file.
    type: dict
    default: {}
  show_compose:
    description: Whether the diff may show C(compose.yaml); false where it may hold secrets.
    type: bool
    default: true
"""
