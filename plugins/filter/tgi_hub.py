"""Filters for the Hugging Face Hub: what a mirror has, and a token from a command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.errors import AnsibleFilterError

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_HERE = str(Path(__file__).resolve().parents[2] / "module_utils")
if _HERE not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_HERE)

from ansible.module_utils.tgi.catalogue.expand import expand_models
from ansible.module_utils.tgi.common.secret_command import secret_of
from ansible.module_utils.tgi.models.host_weights import mirrored_snapshots
from ansible.module_utils.tgi.models.resolve import normalise

DOCUMENTATION = """
name: tgi_mirrored_snapshots
short_description: Return the commits that the models of some hosts need
description:
  - Reads V(tgi_models) and V(tgi_catalogue) of the hosts, also of those that this run cannot reach.
positional: _input, hostvars
options:
  _input:
    description: Names of GPU hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description: Variables of all hosts.
    type: dict
    required: true
"""

EXAMPLES = """
- name: Fetch what the GPU hosts need
  hf_snapshot:
    snapshots: "{{ groups['gpu_hosts'] | tgi_mirrored_snapshots(hostvars) }}"
"""

RETURN = """
_value:
  description: Snapshots as M(hf_snapshot) takes them, each commit once.
  type: list
"""


def snapshots_of(hosts: Iterable[str], hostvars: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the commits of all models of the hosts."""
    models: list[dict[str, Any]] = []
    for host in hosts:
        values = hostvars[host]
        models += normalise(expand_models(values.get("tgi_models"), values.get("tgi_catalogue")))
    found: list[dict[str, Any]] = mirrored_snapshots(models)
    return found


def tokens_of(hosts: Iterable[str], hostvars: Mapping[str, Any]) -> list[str]:
    """Return the hosts' tokens of the Hub, each once."""
    return list(dict.fromkeys(_tokens(hosts, hostvars)))


def token_of(hosts: Iterable[str], hostvars: Mapping[str, Any]) -> str:
    """Return the first token of the hosts, "" if none has one; no further command runs."""
    return next(_tokens(hosts, hostvars), "")


def _tokens(hosts: Iterable[str], hostvars: Mapping[str, Any]) -> Iterator[str]:
    """Yield the token of each host that has one; hosts with the same command ask it once."""
    asked = set()
    for host in hosts:
        token, command = (hostvars[host].get(f"tgi_hf_token{end}") for end in ("", "_command"))
        if not token and command and str(command) not in asked:
            asked.add(str(command))
            token = secret(command)
        if token:
            yield str(token)


def secret(command: Any) -> str:
    """Return what a command prints on the controller, without the end of its line."""
    try:
        return str(secret_of(command))
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """Name the filters of this file for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return functions by filter name."""
        return {
            "tgi_mirrored_snapshots": snapshots_of,
            "tgi_tokens_of_hosts": tokens_of,
            "tgi_token_of_hosts": token_of,
            "tgi_secret_of_command": secret,
        }
