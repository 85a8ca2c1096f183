"""Fault `leak-key`: put the secrets of the process into answers."""

from __future__ import annotations

import os

from ..start.args import Args
from .faults import Faults

_TOKENS = ("HF_TOKEN", "HF_API_TOKEN", "HUGGING_FACE_HUB_TOKEN")


def leaked(args: Args, faults: Faults) -> dict[str, str]:
    """Return secrets by name; {} without the fault, and where no secret was given."""
    if faults.get("leak-key") is None:
        return {}
    secrets = {name.lower(): os.environ.get(name, "") for name in _TOKENS}
    secrets["api_key"] = args.text("api_key") or ""
    return {name: value for name, value in secrets.items() if value}
