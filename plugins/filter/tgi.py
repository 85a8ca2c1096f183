"""Filters over the project's own data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ansible.module_utils

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_HERE = str(Path(__file__).resolve().parents[2] / "module_utils")
if _HERE not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_HERE)

from ansible.module_utils.tgi.common.places import DEFAULT_BASE_PORT
from ansible.module_utils.tgi.models.published import published_models
from ansible.module_utils.tgi.models.resolve import resolve_models

DOCUMENTATION = """
name: tgi_resolve_models
short_description: Give the models of tgi_models as they are deployed
description:
  - Fills in ports, GPUs, number of shards and the default model; the same input always
    gives the same output.
positional: _input, base_port, kept
options:
  _input:
    description: The list V(tgi_models).
    type: list
    elements: dict
    required: true
  base_port:
    description: Port of the first model; the others follow in the order of the list.
    type: int
    default: 8081
  kept:
    description:
      - Ports and GPUs of deployed models by name, as in V(ansible_facts.tgi_host.kept); a
        model keeps them when it names no others.
    type: dict
    default: {}
"""

EXAMPLES = """
- name: Show where each model listens
  ansible.builtin.debug:
    msg: "{{ tgi_models | tgi_resolve_models(tgi_base_port) }}"
"""

RETURN = """
_value:
  description:
    - One mapping per model with name, model_id, revision, aliases, port, url, project, gpus,
      num_shard, default, options and environment.
  type: list
  elements: dict
"""


def tgi_resolve_models(
    models: Any, base_port: Any = DEFAULT_BASE_PORT, kept: Any = None
) -> list[dict[str, Any]]:
    """Apply :func:`resolve_models`; see there for the shape."""
    resolved: list[dict[str, Any]] = resolve_models(models, base_port, kept)
    return resolved


class FilterModule:
    """What Ansible asks for the filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Map filter names to functions."""
        return {
            "tgi_published_models": published_models,
            "tgi_resolve_models": tgi_resolve_models,
        }
