"""Which devices CDI offers on a host, as NVIDIA's own tool reads the specifications."""

from __future__ import annotations

import subprocess

_LIST = ["nvidia-ctk", "cdi", "list"]
_SECONDS = 30


def listed() -> list[str]:
    """Give names such as nvidia.com/gpu=0; none where the toolkit is not installed yet."""
    try:
        done = subprocess.run(
            _LIST,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return sorted(line.strip() for line in done.stdout.splitlines() if "=" in line)
