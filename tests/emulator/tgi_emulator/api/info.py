"""Describe the server in /info and /v1/models; never claim to be an official build."""

from __future__ import annotations

import os
from pathlib import Path

from .. import DOCKER_LABEL, VERSION
from ..faults.leaks import leaked
from ..start.hub_cache import revision_of
from .backend import Backend
from .wire import Body


def fingerprint() -> str:
    return f"{VERSION}-{DOCKER_LABEL}"


def served_model(backend: Backend) -> str:
    wrong = backend.faults.get("wrong-model")
    return backend.args.text("model_id") or "" if wrong is None else wrong


def is_local(backend: Backend) -> bool:
    return Path(backend.args.text("model_id") or "").is_dir()


def info(backend: Backend) -> Body:
    """/info; model_sha and pipeline tag are only known when the Hub could be asked."""
    args, limits = backend.args, backend.limits
    asked = not is_local(backend) and os.environ.get("HF_HUB_OFFLINE") != "1"
    sha = revision_of(args) if asked else None
    if sha and backend.faults.get("wrong-model") is not None:
        sha = "0" * 40
    return {
        "model_id": served_model(backend),
        "model_sha": sha,
        "model_pipeline_tag": "text-generation" if asked else None,
        "max_concurrent_requests": args.count("max_concurrent_requests"),
        "max_best_of": args.count("max_best_of"),
        "max_stop_sequences": args.count("max_stop_sequences"),
        "max_input_tokens": limits.max_input,
        "max_total_tokens": limits.max_total,
        "validation_workers": args.count("validation_workers"),
        "max_client_batch_size": args.count("max_client_batch_size"),
        "router": "text-generation-router",
        "version": VERSION,
        "sha": "emulator",
        "docker_label": DOCKER_LABEL,
        **leaked(args, backend.faults),
    }


def models(backend: Backend) -> Body:
    name = served_model(backend)
    entry = {"id": name, "object": "model", "created": 0, "owned_by": name}
    return {"object": "list", "data": [entry]}
