"""Check the environment variables that users give to TGI's container."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...common.problem import problem
from .environment_values import KNOWN, check_value
from .options import OPTIONS

#: Typer prints tracebacks without local variables, which hold the Hub's token, if this is not empty
PLAIN_TRACEBACK = "_TYPER_STANDARD_TRACEBACK"
_GPUS = "write gpus: inside the container its GPUs have other numbers than on the host"
_SHARDS = "delete it: the launcher sets it for its shards"
_CACHE = "write HF_HOME: only a part of TGI reads this name"
_NGROK = "delete it: TGI cannot use ngrok any more; publish the model with the role gateway"
# Variables that the role or another variable sets: name -> remedy
_REFUSED = {
    "PORT": "delete it: the role publishes the port given as port",
    "HOSTNAME": "delete it: the container must listen on all its addresses",
    "PROMETHEUS_PORT": "delete it: metrics are served on the model's own port",
    "API_KEY": "delete it: keys belong to the gateway, in gateway_consumers",
    "MODEL_ID": "write model_id",
    "REVISION": "write revision",
    "MAX_INPUT_LENGTH": "write max_input_tokens",
    "HF_TOKEN": "write tgi_hf_token, which is kept in a file of its own",
    "HF_API_TOKEN": "write tgi_hf_token; this name would replace it",
    "HUGGING_FACE_HUB_TOKEN": "write tgi_hf_token; the launcher does not read this name",
    "HF_HUB_CACHE": "write HUGGINGFACE_HUB_CACHE: only a part of TGI reads this name",
    "USE_PREFIX_CACHING": "write PREFIX_CACHING, its name since 2.4.0",
    "TRANSFORMERS_CACHE": _CACHE,
    "PYTORCH_TRANSFORMERS_CACHE": _CACHE,
    "CUDA_VISIBLE_DEVICES": _GPUS,
    "NVIDIA_VISIBLE_DEVICES": _GPUS,
    "RANK": _SHARDS,
    "WORLD_SIZE": _SHARDS,
    "MASTER_ADDR": _SHARDS,
    "MASTER_PORT": _SHARDS,
    "SHARD_UDS_PATH": _SHARDS,
    "NGROK": _NGROK,
    "NGROK_AUTHTOKEN": _NGROK,
    "NGROK_EDGE": _NGROK,
    PLAIN_TRACEBACK: "delete it: the role sets it, which keeps the Hub's token out of the log",
}
_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{20,}")


def check_environment(environment: Any, where: str) -> Iterator[str]:
    """Yield the problems of a mapping of environment variables."""
    for key, value in environment.items() if isinstance(environment, dict) else ():
        name = str(key)
        path = f"{where}.{name}"
        remedy = _REFUSED.get(name.upper())
        if not remedy and name.lower() in OPTIONS:
            remedy = f"write {name.lower()} next to name and model_id, where its type is checked"
        if not remedy and name not in KNOWN and name.upper() in KNOWN:
            remedy = f"write {name.upper()}: names of variables are case-sensitive"
        if remedy:
            yield problem(path, "must not be set here", remedy)
        elif not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            yield problem(
                path, "is not a valid name of an environment variable", "write one like LOG_LEVEL"
            )
        elif _TOKEN.search(str(value)):
            what = "holds a token of the Hub"
            yield problem(path, what, "delete it, and write tgi_hf_token in a vault file")
        else:
            yield from check_value(name, value, path)
