"""The eight models of the guide, as an inventory names them."""

from __future__ import annotations

from typing import Any

#: By name alone. A gated one gets the token, and who takes pickles says so
GUIDE: list[dict[str, Any]] = [
    {"name": "llama-3.1-8b", "hf_token": True},
    {"name": "llama-3.1-70b", "hf_token": True},
    {"name": "mistral-7b"},
    {"name": "mixtral-8x7b"},
    {"name": "codellama-13b"},
    {"name": "falcon-40b", "accept_pickle": True},
    {"name": "starcoder2-15b"},
    {"name": "zephyr-7b"},
]
NAMES = [str(model["name"]) for model in GUIDE]
#: A recorded machine on which all have room, one GPU each
GPUS = "h200x8"
#: What is not asked of whom, as its chat template has it not; the others are asked everything
WITHOUT_CHAT = ["starcoder2-15b"]
WITHOUT_TOOLS = ["mixtral-8x7b", "codellama-13b", "falcon-40b", "starcoder2-15b", "zephyr-7b"]
