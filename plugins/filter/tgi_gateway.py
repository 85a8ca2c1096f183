"""Filters that turn the gateway's variables into what its templates need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ansible.module_utils

# Ansible ships module_utils to hosts but does not put them on the controller's import path
_HERE = str(Path(__file__).resolve().parents[2] / "module_utils")
if _HERE not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_HERE)

from ansible.module_utils.tgi.common.files import read_head
from ansible.module_utils.tgi.gateway import endpoint
from ansible.module_utils.tgi.gateway.nginx import installed
from ansible.module_utils.tgi.gateway.render import key_file, quoting, template_data, upstreams
from ansible.module_utils.tgi.gateway.tls import certificate as gateway_tls
from ansible.module_utils.tgi.models import replicas
from ansible.module_utils.tgi.preflight.gateway import all_variables, backends


def gateway_problems(values: Any, certificate: str = "", key: str = "") -> list[str]:
    """Apply :func:`inventory_gateway.check_gateway` with the controller's files.

    The texts of the certificate and its key stand for the files that are named for them, which
    may be vaulted.
    """
    tls = values.get("gateway_tls") or {}
    known = {tls.get("certificate"): certificate, tls.get("key"): key}
    problems: list[str] = all_variables.check_gateway(
        values, lambda path: known.get(path) or read_head(path)
    )
    return problems


class FilterModule:
    """What Ansible asks for the filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Map filter names to functions."""
        return {
            "gateway_address": quoting.gateway_address,
            "gateway_backends": replicas.gateway_backends,
            "gateway_backend_problems": backends.backend_problems,
            "tgi_consumer_access": endpoint.consumer_access,
            "tgi_endpoint_ca": endpoint.endpoint_ca,
            "tgi_endpoint_url": endpoint.endpoint_url,
            "tgi_gateway_addresses": replicas.gateway_addresses,
            "gateway_burst": template_data.gateway_burst,
            "gateway_host_problems": installed.gateway_host_problems,
            "gateway_keys": key_file.gateway_keys,
            "gateway_leaf_due": gateway_tls.leaf_due,
            "gateway_mark": template_data.gateway_mark,
            "gateway_models": template_data.gateway_models,
            "gateway_plain": quoting.gateway_plain,
            "gateway_pools": upstreams.gateway_pools,
            "gateway_probe": installed.gateway_probe,
            "gateway_problems": gateway_problems,
            "gateway_rate": template_data.gateway_rate,
            "gateway_retry_after": template_data.gateway_retry_after,
            "gateway_source": quoting.gateway_source,
        }
