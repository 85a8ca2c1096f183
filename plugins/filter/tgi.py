"""Filters for the models of tgi_models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ansible.module_utils

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_HERE = str(Path(__file__).resolve().parents[2] / "module_utils")
if _HERE not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_HERE)

from ansible.module_utils.tgi.common.places import bridge_of
from ansible.module_utils.tgi.docker.daemon_json import split_secrets
from ansible.module_utils.tgi.docker.start_errors import docker_remedy
from ansible.module_utils.tgi.models.environment import container_environments, options_digest
from ansible.module_utils.tgi.models.host_weights import (
    host_snapshots,
    hub_proxies,
    is_fetched,
)
from ansible.module_utils.tgi.models.mounts import bind_mounts
from ansible.module_utils.tgi.models.published import published_models

DOCUMENTATION = """
name: tgi_container_environments
short_description: Return the environment variables of each model's container
description:
  - Merges launcher options, the model's own environment and that of all models. The result is
    not in the preflight's fact, because it may hold secrets.
positional: _input, entries, common, usage_stats, weights
options:
  _input:
    description: The fact C(ansible_facts.tgi_host.models).
    type: list
    elements: dict
    required: true
  entries:
    description: The list V(tgi_models).
    type: list
    elements: dict
    required: true
  common:
    description: Environment variables of all models, V(tgi_environment).
    type: dict
    required: true
  usage_stats:
    description: Telemetry for models that do not set usage_stats, V(tgi_usage_stats).
    type: str
    required: true
  weights:
    description: Who fetches weights, V(tgi_weights).
    type: str
    default: container
"""

EXAMPLES = """
- name: Show what TGI reads
  ansible.builtin.debug:
    msg: >-
      {{ ansible_facts['tgi_host'].models
         | tgi_container_environments(tgi_models, tgi_environment, tgi_usage_stats) }}
"""

RETURN = """
_value:
  description: Environment variables by the model's name.
  type: dict
"""


def fetched_models(models: list[dict[str, Any]], weights: str) -> list[dict[str, Any]]:
    """Return the models whose weights the host fetches."""
    return [model for model in models if is_fetched(model, weights)]


class FilterModule:
    """Name the filters of this file for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return functions by filter name."""
        return {
            "tgi_bridge": bridge_of,
            "tgi_container_environments": container_environments,
            "tgi_container_mounts": bind_mounts,
            "tgi_fetched_models": fetched_models,
            "tgi_host_snapshots": host_snapshots,
            "tgi_hub_proxies": hub_proxies,
            "tgi_options_digest": options_digest,
            "tgi_docker_remedy": docker_remedy,
            "tgi_published_models": published_models,
            "tgi_split_secrets": split_secrets,
        }
