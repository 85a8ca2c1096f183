"""Filters for the catalogue of models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.errors import AnsibleFilterError

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_HERE = str(Path(__file__).resolve().parents[2] / "module_utils")
if _HERE not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_HERE)

from ansible.module_utils.tgi.catalogue.entries import read_catalogue
from ansible.module_utils.tgi.catalogue.expand import expand_models
from ansible.module_utils.tgi.host.nvidia.gpus import parse_gpus
from ansible.module_utils.tgi.planner.catalogue_table import catalogue_text
from ansible.module_utils.tgi.planner.gpu_table import Card, read_cards

DOCUMENTATION = """
name: tgi_catalogue_text
short_description: Return the catalogue as a table, with a column for each host that has GPUs
description:
  - A cell says how many of the host's GPUs the model needs.
positional: _input, hostvars, hosts, gpus
options:
  _input:
    description: Entries of your own, V(tgi_catalogue).
    type: dict
    required: true
  hostvars:
    description: Variables of all hosts. C(models_gpus.stdout) is what nvidia-smi printed there.
    type: dict
    required: true
  hosts:
    description: Names of the GPU hosts.
    type: list
    elements: str
    required: true
  gpus:
    description: GPUs of a host that does not exist yet, as in the module tgi_plan.
    type: list
    elements: raw
"""

EXAMPLES = """
- name: Show the catalogue for two GPUs
  ansible.builtin.debug:
    msg: "{{ {} | tgi_catalogue_text(hostvars, [], ['2x NVIDIA L4']) }}"
"""

RETURN = """
_value:
  description: The table.
  type: str
"""


def show_catalogue(
    site: Any, hostvars: Mapping[str, Any], hosts: Iterable[str], gpus: Any = ()
) -> str:
    """Return the table; hosts without an answer of nvidia-smi have no column."""
    planned, problems = read_cards(list(gpus))
    if problems:
        raise AnsibleFilterError("\n".join(problems))
    places: dict[str, list[Card]] = {"plan_gpus": planned} if planned else {}
    for host in hosts:
        answer = (hostvars[host].get("models_gpus") or {}).get("stdout") or ""
        if found := parse_gpus(str(answer))[0]:
            places[host] = read_cards(found)[0]
    table: str = catalogue_text(read_catalogue(site), places)
    return table


class FilterModule:
    """Name the filters of this file for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return functions by filter name."""
        return {
            "tgi_catalogue_text": show_catalogue,
            "tgi_from_catalogue": expand_models,
        }
