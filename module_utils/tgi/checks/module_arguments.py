"""Argument specification of the module tgi_check.

A unit test compares it with the documentation (library/tgi_check.py and
plugins/doc_fragments/tgi_check.py).
"""

from __future__ import annotations

from typing import Any

from ..engines.profiles import ENGINES

MODEL: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "model_id": {"type": "str", "required": True},
    "revision": {"type": "str"},
    "aliases": {"type": "list", "elements": "str", "default": []},
    "url": {"type": "str"},
    "port": {"type": "int"},
    "engine": {"type": "str", "choices": list(ENGINES), "default": "tgi"},
    "tokenizer": {"type": "str"},
    "golden": {"type": "str"},
    "project": {"type": "str"},
    "gpus": {"type": "list", "elements": "str", "default": []},
    "options": {"type": "dict", "default": {}},
    "replicas": {"type": "list", "elements": "str", "default": []},
    "absent": {"type": "list", "elements": "str", "default": []},
    "unlike": {"type": "str"},
}
TIER: dict[str, Any] = {
    "requests_per_second": {"type": "float", "default": 0.0},
    "burst": {"type": "int", "default": 0},
    "concurrent": {"type": "int", "default": 0},
}
ENDPOINT: dict[str, Any] = {
    "url": {"type": "str"},
    "connect_to": {"type": "str", "default": ""},
    "ca_file": {"type": "path"},
    "client_certificate": {"type": "path"},
    "api_key": {"type": "str", "no_log": True},
    "tier": {"type": "dict", "default": {}, "options": TIER},
    "timeout": {"type": "float", "default": 30.0},
    "http_port": {"type": "int", "default": 80},
    "public_health": {"type": "bool", "default": True},
    "public_info": {"type": "bool", "default": False},
    "hsts_seconds": {"type": "int", "default": 0},
    "max_body_size": {"type": "int", "default": 0},
    "cors_origins": {"type": "list", "elements": "str"},
    "without_sni": {"type": "bool"},
    "openai_dialect": {"type": "bool", "default": False},
    "tool_streams": {"type": "str", "choices": ["whole", "live"], "default": "whole"},
    "backends": {"type": "list", "elements": "str", "default": []},
    "secrets": {"type": "list", "elements": "str", "default": [], "no_log": True},
    "direct": {"type": "dict", "default": {}},
    "tls_warn_days": {"type": "int", "default": 21},
}
ACCEPTED: dict[str, Any] = {
    "check": {"type": "str", "required": True},
    "model": {"type": "str"},
    "reason": {"type": "str", "required": True},
    "until": {"type": "str", "required": True},
}
ARGUMENTS: dict[str, Any] = {
    "view": {"type": "str", "choices": ["direct", "edge"], "required": True},
    "models": {"type": "list", "elements": "dict", "required": True, "options": MODEL},
    "without_chat": {"type": "list", "elements": "str", "default": []},
    "without_tools": {"type": "list", "elements": "str", "default": []},
    **ENDPOINT,
    "checks": {"type": "list", "elements": "str", "default": []},
    "accepted": {"type": "list", "elements": "dict", "default": [], "options": ACCEPTED},
    "target": {"type": "str"},
    "deadline": {"type": "float", "default": 300.0},
    "canary_passes": {"type": "int", "default": 2},
    "ttft_ms": {"type": "float", "default": 0.0},
    "tpot_ms": {"type": "float", "default": 0.0},
    "generate_in_check_mode": {"type": "bool", "default": True},
    "full_report": {"type": "bool", "default": False},
}
EDGE_NEEDS = ("url", "api_key")
