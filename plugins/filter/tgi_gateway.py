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

from ansible.module_utils.tgi.common import pem_text
from ansible.module_utils.tgi.gateway import endpoint
from ansible.module_utils.tgi.gateway.consumers import client_offers
from ansible.module_utils.tgi.gateway.nginx import installed
from ansible.module_utils.tgi.gateway.render import key_file, quoting, template_data, upstreams
from ansible.module_utils.tgi.gateway.tls import certificate as gateway_tls
from ansible.module_utils.tgi.gateway.tls import pem
from ansible.module_utils.tgi.models import replicas
from ansible.module_utils.tgi.preflight.gateway import backends


def ca_bundle(authority: str) -> str:
    """Return the public CAs and one more, for programs that read one file instead of a store."""
    # httpx brings it
    import certifi

    return f"{certifi.contents().rstrip()}\n\n{authority.strip()}\n"


class FilterModule:
    """Name the filters of this file for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return functions by filter name."""
        return {
            "nginx_address": quoting.nginx_address,
            "tgi_gateway_backends": replicas.gateway_backends,
            "tgi_backends_problems": backends.backend_problems,
            "tgi_ca_bundle": ca_bundle,
            "tgi_client_models": client_offers.client_models,
            "tgi_client_offers": client_offers.client_offers,
            "tgi_consumer_access": endpoint.consumer_access,
            "tgi_endpoint_ca": endpoint.endpoint_ca,
            "tgi_endpoint_url": endpoint.endpoint_url,
            "tgi_left_out_hosts": replicas.left_out_hosts,
            "tgi_gateway_addresses": replicas.gateway_addresses,
            "nginx_blocks": upstreams.blocks_of,
            "nginx_burst": template_data.nginx_burst,
            "nginx_host_problems": installed.nginx_host_problems,
            "nginx_keyring": key_file.nginx_keyring,
            "tgi_certificate_text": pem_text.certificate_text,
            "tgi_key_text": pem.key_text,
            "tgi_leaf_due": gateway_tls.leaf_due,
            "nginx_digest": template_data.nginx_digest,
            "nginx_models": template_data.nginx_models,
            "nginx_word": quoting.nginx_word,
            "nginx_tries": upstreams.nginx_tries,
            "nginx_upstreams": upstreams.nginx_upstreams,
            "nginx_rate": template_data.nginx_rate,
            "nginx_retry_after": template_data.nginx_retry_after,
            "nginx_map_key": quoting.nginx_map_key,
        }
